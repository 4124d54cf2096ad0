"""API keys: ``stoa_sk_``, 33 characters of 192 random bits, 6 characters of checksum; 47 in all.

The checksum lets anyone tell a typo from a revoked key, and a secret scanner tell a key from noise, without asking
the database. A keyed hash is enough for storage: a secret of 192 random bits cannot be guessed, and every request
verifies one, which rules slow hashing out.
"""

import hmac
import re
import secrets
import string
import zlib

from application.kernel.ports import IAPIKeys, IssuedKey

_BASE_62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_START = "stoa_sk_"
_RANDOM_BITS = 192
_RANDOM_LENGTH = 33
_CHECKSUM_LENGTH = 6
_SHOWN_LENGTH = len(_START) + 4
_SHORTEST_PEPPER = 16  # bytes
_KEY = re.compile(f"{_START}[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECKSUM_LENGTH}}}")


def _base_62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_BASE_62[digit])
    return "".join(reversed(digits))


def _checksum(text: str) -> str:
    return _base_62(zlib.crc32(text.encode("ascii")), _CHECKSUM_LENGTH)


class APIKeys(IAPIKeys):
    """Keys hashed by HMAC-SHA256 with a pepper that lives outside of the database."""

    def __init__(self, pepper: bytes) -> None:
        """Keep the pepper.

        Raises:
            ValueError: the pepper is too short to protect anything.
        """
        if len(pepper) < _SHORTEST_PEPPER:
            raise ValueError(f"the pepper must have at least {_SHORTEST_PEPPER} bytes")
        self._pepper = pepper

    def issue(self) -> IssuedKey:
        body = _START + _base_62(secrets.randbits(_RANDOM_BITS), _RANDOM_LENGTH)
        secret = body + _checksum(body)
        return IssuedKey(secret=secret, hash=self._hash(secret), prefix=secret[:_SHOWN_LENGTH], last_four=secret[-4:])

    def digest(self, secret: str) -> str | None:
        # What is not a key by its looks never reaches the keyed hash, so a flood of nonsense stays cheap.
        if _KEY.fullmatch(secret) is None:
            return None
        body, checksum = secret[:-_CHECKSUM_LENGTH], secret[-_CHECKSUM_LENGTH:]
        if not hmac.compare_digest(_checksum(body), checksum):
            return None
        return self._hash(secret)

    def _hash(self, secret: str) -> str:
        return hmac.digest(self._pepper, secret.encode("ascii"), "sha256").hex()
