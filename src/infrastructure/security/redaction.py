"""The one deny-list: what logs, traces, problem details and audit entries never show.

Names catch what we know is secret, shapes catch secrets that strayed into other text. Both err on the side of hiding.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from uuid import UUID

from domain.shared.card_numbers import brand_of, luhn_holds

REDACTED = "[redacted]"

DENIED_NAMES = frozenset(
    {
        *("password", "passwd", "passphrase", "pwd", "secret", "secrets", "token", "credential", "credentials"),
        *("authorization", "proxy_authorization", "cookie", "set_cookie", "session_token", "access_token"),
        *("refresh_token", "id_token", "provider_token", "api_key", "apikey", "x_api_key", "secret_key"),
        *("private_key", "seed_phrase", "mnemonic", "signing_key", "seal_key", "sealed_key", "encryption_key"),
        *("signature", "hash", "digest", "pepper", "salt", "pin", "otp", "totp", "cvv", "cvc", "cvv2", "cvc2", "csc"),
        *("pan", "card_number", "cardnumber", "iban", "account_number", "database_url", "dsn"),
    }
)
"""Names of values that are hidden, also as the last words of a longer name: ``password`` covers ``old_password``."""

_PUBLISHED = ("transaction_hash", "block_hash")  # by their chains, to everybody
# What chains show to everybody has names of secrets: the contract of a token, the hash of a transaction.
_PUBLIC = {"token": re.compile("0x[0-9a-fA-F]{40}"), "hash": re.compile("0x[0-9a-fA-F]{64}")}
_LONGEST_NAME = 4  # words compared at the end of a name
_DEEPEST = 16
_WORDS = re.compile(r"[A-Z]+[0-9]*(?![a-z])|[A-Z]?[a-z]+[0-9]*|[0-9]+")

_SECRETS = re.compile(
    r"stoa_[a-z]{2,6}_[0-9A-Za-z]{8,}"
    r"|whsec_[0-9A-Za-z+/=_-]+"
    r"|pylf_v[0-9]+_[0-9A-Za-z_]+"
    r"|(?<![0-9A-Za-z_-])eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]*)?"  # a JSON web token
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:.*?-----END [A-Z ]{0,40}PRIVATE KEY-----|.*)",
    re.DOTALL,
)
_LITERALS = ("stoa_", "whsec_", "pylf_", "eyJ", "-----BEGIN")
# The password of a URL ends at the last @ before a space or quote, since people forget to escape theirs.
_URL_PASSWORD = re.compile(r"""(?<=://)([^\s:/@"'<>]{0,200}):[^\s"'<>]{0,512}@""")
_SCHEME = re.compile(r"\b(Bearer|Basic)\s+[0-9A-Za-z._~+/=-]{8,}", re.IGNORECASE | re.ASCII)
_ASSIGNED = re.compile(
    r"""(?P<name>[0-9A-Za-z_-]{2,64})(?P<sign>["']?\s?[=:]\s?)(?P<value>"[^"]*"?|'[^']*'?|[^\s,;&"'(){}\[\]]+)"""
)
# Cards are written in groups of three digits and more; shorter groups would make lists of numbers look like cards.
_DIGIT_RUN = re.compile(r"(?<![0-9A-Za-z_])[0-9]{3,}(?:[ -][0-9]{3,})*(?![0-9A-Za-z_])")


_SHORTEST_CARD = 13  # digits


def redact(mapping: Mapping[str, object]) -> dict[str, object]:
    """Return a copy without secrets, nested values included; values of no plain type become redacted text."""
    return {name: _value(name, value, 0) for name, value in mapping.items()}


def redact_fact(mapping: Mapping[str, object]) -> dict[str, object]:
    """Do the same for a stored fact, whose integers are amounts and counts: money must never vanish from the record.

    Neither must which token moved on a chain, and in which transaction; our own tokens and hashes look otherwise.
    """
    return {name: _fact(name, value) for name, value in mapping.items()}


def redact_text(text: str) -> str:
    """Return the text with everything that looks like a secret replaced."""
    # Each pattern only runs behind a literal that it cannot match without; most text has none of them.
    if any(literal in text for literal in _LITERALS):
        text = _SECRETS.sub(REDACTED, text)
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1:{REDACTED}@", text)
    folded = text.lower()
    if "bearer" in folded or "basic" in folded:
        text = _SCHEME.sub(rf"\1 {REDACTED}", text)
    if "=" in text or ":" in text:
        text = _ASSIGNED.sub(_hide_assigned, text)
    return _DIGIT_RUN.sub(_hide_cards, text) if len(text) >= _SHORTEST_CARD else text


@lru_cache(maxsize=1024)
def is_denied(name: str) -> bool:
    """Say whether values of this name are hidden, in whichever case and with whichever separators it is written."""
    words = [word.lower() for word in _WORDS.findall(name)[-_LONGEST_NAME:]]
    if "_".join(words[-2:]) in _PUBLISHED:
        return False
    return any("_".join(words[start:]) in DENIED_NAMES for start in range(len(words)))


def _value(name: str, value: object, depth: int) -> object:
    # That a secret is there or not, as a flag or null, is no secret and often just what one looks for.
    if value is None or isinstance(value, bool):
        return value
    return REDACTED if is_denied(name) else _plain(value, depth)


def _fact(name: str, value: object) -> object:
    match value:
        case bool() | datetime():
            return value
        case int() if not is_denied(name):
            return value
        case str() if _is_on_a_chain(name, value):
            return value
        case dict() if not is_denied(name):
            return redact_fact(value)
        case list() if not is_denied(name):
            return [_fact(name, item) for item in value]
    return _value(name, value, 0)


def _is_on_a_chain(name: str, value: str) -> bool:
    shape = _PUBLIC.get(name.rpartition("_")[2])
    return shape is not None and shape.fullmatch(value) is not None


def _plain(value: object, depth: int) -> object:
    match value:
        case None | bool() | float() | Decimal() | UUID() | date() | timedelta() | Enum():
            return value
        case str():
            return redact_text(value)
        case int():
            return REDACTED if redact_text(text := str(value)) != text else value
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
    if depth >= _DEEPEST:
        return "[too deep]"
    match value:
        case Mapping():
            return {redact_text(str(name)): _value(str(name), item, depth + 1) for name, item in value.items()}
        case Sequence() | AbstractSet():
            return [_plain(item, depth + 1) for item in value]
    return redact_text(repr(value))


def _hide_assigned(match: re.Match[str]) -> str:
    # A bare colon is prose ("token: expected a string"); an equals sign or a quoted value is data.
    is_data = "=" in match["sign"] or match["value"][0] in "\"'"
    return f"{match['name']}{match['sign']}{REDACTED}" if is_data and is_denied(match["name"]) else match[0]


def _hide_cards(match: re.Match[str]) -> str:
    """Hide every card number among neighbouring groups of digits, and leave the other groups alone."""
    text = match[0]
    groups = [(group.start(), group.end()) for group in re.finditer("[0-9]+", text)]
    parts, done = [], 0
    for start, end in _cards(text, groups):
        if start >= done:
            parts += [text[done:start], REDACTED]
            done = end
    return "".join([*parts, text[done:]])


def _cards(text: str, groups: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for first, (start, _) in enumerate(groups):
        digits = ""
        for begin, end in groups[first:]:
            digits += text[begin:end]
            if len(digits) > 19:
                break
            if len(digits) >= 13 and brand_of(digits) is not None and luhn_holds(digits):
                yield start, end
                break
