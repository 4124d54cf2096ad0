"""The sandbox's vault: what takes card numbers in the place of a real provider, and keeps none of them.

It remembers nothing at all. What the shop may know of a card travels back in a sealed handle: encrypted, so that no
address or log shows a buyer, and authenticated, so that nobody can make one up.
"""

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from application.kernel.ports import CardDetails, IClock, ITokenizer
from domain.shared.errors import ValidationError

_EXPIRY = re.compile(r"(0?[1-9]|1[0-2])(?:\s?[/.-]\s?|\s)?([0-9]{2}|20[0-9]{2})")
# The form's fields by what the tokenizer finds wrong, and the shop's names for what it answers.
_FIELDS = {"card_number_invalid": "number", "card_expired": "expiry", "security_code_invalid": "cvc"}
_NAMES = {"token": "provider_token"}
_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class VaultCard:
    """What may be known of a card, or by field why it is none."""

    shown: Mapping[str, object] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


class SandboxVault:
    """Turns test cards into the sandbox's tokens; real cards become one that is always declined."""

    def __init__(self, tokenizer: ITokenizer, secret: bytes, clock: IClock) -> None:
        """Derive the sealing key, so that every process that shares the secret reads every handle."""
        self._tokenizer = tokenizer
        self._fernet = Fernet(base64.urlsafe_b64encode(hmac.digest(secret, b"stoa sandbox vault", "sha256")))
        self._clock = clock

    def tokenize(self, number: str, expiry: str, code: str) -> VaultCard:
        """Exchange a card for a token. The number and the code are forgotten when this returns."""
        given = {"number": number.strip(), "expiry": expiry.strip(), "cvc": code.strip()}
        errors = {name: "required" for name, text in given.items() if not text}
        until = _EXPIRY.fullmatch(given["expiry"])
        if until is None:
            errors.setdefault("expiry", "expiry_invalid")
        month, year = (int(until[1]), int(until[2])) if until else (12, self._clock.now().year)
        details = CardDetails(
            number=given["number"], expiry_month=month, expiry_year=year + 2000 if year < 100 else year,
            security_code=given["cvc"],
        )  # fmt: skip
        try:
            token = self._tokenizer.tokenize(details)
        except ValidationError as error:
            errors.setdefault(_FIELDS[error.code], error.code)
        else:
            if not errors:
                return VaultCard(shown={_NAMES.get(name, name): value for name, value in asdict(token).items()})
        return VaultCard(errors=errors)

    def seal(self, payload: Mapping[str, object]) -> str:
        """Return a handle that only :meth:`open` can read."""
        return self._fernet.encrypt_at_time(msgspec.json.encode(payload), self._seconds()).decode("ascii")

    def open(self, handle: str) -> Mapping[str, object] | None:
        """Return what was sealed, with ``stale`` set when that is too long ago to be used; None for anything else."""
        sealed = handle.encode("utf-8", "replace")
        try:
            payload: dict[str, object] = msgspec.json.decode(self._fernet.decrypt(sealed), type=dict[str, object])
            age = self._seconds() - self._fernet.extract_timestamp(sealed)
        except InvalidToken:
            return None
        return {**payload, "stale": age > _SECONDS}

    def _seconds(self) -> int:
        return int(self._clock.now().timestamp())
