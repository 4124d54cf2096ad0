"""Secrets of one form: a prefix that tells what it is, 33 characters of 192 random bits, 6 characters of checksum.

The checksum lets anyone tell a typo from a revoked secret, and a secret scanner tell one from noise, without asking the
database. A keyed hash is enough for storage: 192 random bits cannot be guessed, and every request verifies one, which
rules slow hashing out.
"""

import hmac
import re
import secrets
import string
import zlib

from application.identity.ports import ISessionTokens, ISingleUseTokens
from application.kernel.ports import IAPIKeys, IssuedKey

_BASE_62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_BITS = 192
_RANDOM_LENGTH = 33
_CHECKSUM_LENGTH = 6
_SHOWN_LENGTH = 4  # characters behind the prefix
_SHORTEST_PEPPER = 16  # bytes


class OpaqueTokens:
    """Secrets hashed by HMAC-SHA256 with a pepper that lives outside of the database."""

    start: str

    def __init__(self, pepper: bytes) -> None:
        """Keep the pepper.

        Raises:
            ValueError: the pepper is too short to protect anything.
        """
        if len(pepper) < _SHORTEST_PEPPER:
            raise ValueError(f"the pepper must have at least {_SHORTEST_PEPPER} bytes")
        self._pepper = pepper
        self._form = re.compile(f"{self.start}[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECKSUM_LENGTH}}}")

    def issue(self) -> IssuedKey:
        """Return a fresh secret of 192 random bits."""
        body = self.start + _base_62(secrets.randbits(_RANDOM_BITS), _RANDOM_LENGTH)
        secret, shown = body + _checksum(body), len(self.start) + _SHOWN_LENGTH
        return IssuedKey(secret=secret, hash=self._hash(secret), prefix=secret[:shown], last_four=secret[-4:])

    def digest(self, secret: str) -> str | None:
        """Return what would be stored for this secret, or None when it is none by its looks or its checksum."""
        # What is no secret by its looks never reaches the keyed hash, so a flood of nonsense stays cheap.
        if self._form.fullmatch(secret) is None:
            return None
        body, checksum = secret[:-_CHECKSUM_LENGTH], secret[-_CHECKSUM_LENGTH:]
        if not hmac.compare_digest(_checksum(body), checksum):
            return None
        return self._hash(secret)

    def _hash(self, secret: str) -> str:
        return hmac.digest(self._pepper, secret.encode("ascii"), "sha256").hex()


class APIKeys(OpaqueTokens, IAPIKeys):
    """Keys of organizations."""

    start = "stoa_sk_"


class SessionTokens(OpaqueTokens, ISessionTokens):
    """Tokens of signed-in people."""

    start = "stoa_ses_"


class SingleUseTokens(OpaqueTokens, ISingleUseTokens):
    """Tokens that are sent by mail."""

    start = "stoa_tok_"


def _base_62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_BASE_62[digit])
    return "".join(reversed(digits))


def _checksum(text: str) -> str:
    return _base_62(zlib.crc32(text.encode("ascii")), _CHECKSUM_LENGTH)
