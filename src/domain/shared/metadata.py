"""Small free-form annotations on resources, from which card data and secrets are kept out."""

import re
from collections.abc import Mapping

from domain.shared.card_numbers import could_be_card_number, looks_like_card_number
from domain.shared.errors import ValidationError
from domain.shared.text import InvalidText, TextRule

type MetadataValue = str | int | bool

_MAX_KEYS = 50
_MAX_INT = 2**53
_KEY = re.compile("[A-Za-z0-9_.-]{1,40}")
_VALUE = TextRule(max_length=500, min_length=0, markup=True, multiline=True)

_KEY_SEPARATORS = re.compile("[._-]")
_SENSITIVE_WORDS = frozenset({"pan", "cvv", "cvc", "cvv2", "cvc2", "csc", "pwd"})
_SENSITIVE_PARTS = ("cardnumber", "securitycode", "password", "passwd", "passphrase", "secret", "privatekey", "apikey")


class InvalidMetadata(ValidationError):
    """The metadata breaks a rule; ``reason`` names it. Keys are not repeated, for they are input too."""

    code = "metadata_invalid"
    summary = "The metadata is not acceptable."


def check_metadata(mapping: Mapping[str, object]) -> dict[str, MetadataValue]:
    """Return the metadata with its text in canonical form.

    Raises:
        InvalidMetadata: more than 50 keys; a key that is not 1 to 40 of ``[A-Za-z0-9_.-]`` or names a card number,
            a security code or a secret; a value that is no text of at most 500 characters, integer within ±2**53
            (exact in every JSON reader) or boolean; a value that holds a card number.
    """
    if len(mapping) > _MAX_KEYS:
        raise _refused("too_many_keys")
    return {_check_key(key): _check_value(value) for key, value in mapping.items()}


def _check_key(key: str) -> str:
    if _KEY.fullmatch(key) is None:
        raise _refused("key_invalid")
    words = _KEY_SEPARATORS.split(key.lower())
    joined = "".join(words)
    if joined in _SENSITIVE_WORDS or not _SENSITIVE_WORDS.isdisjoint(words):
        raise _refused("key_sensitive")
    if any(part in joined for part in _SENSITIVE_PARTS) or looks_like_card_number(key.replace("_", "-")):
        raise _refused("key_sensitive")
    return key


def _check_value(value: object) -> MetadataValue:
    match value:
        case bool():
            return value
        case int():
            if not -_MAX_INT <= value <= _MAX_INT:
                raise _refused("integer_out_of_range")
            if could_be_card_number(str(abs(value))):
                raise _refused("card_number")
            return value
        case str():
            return _check_text(value)
    raise _refused("type")


def _check_text(value: str) -> str:
    try:
        text = _VALUE.check(value)
    except InvalidText as error:
        raise _refused(str(error.details["reason"])) from None
    if looks_like_card_number(text):
        raise _refused("card_number")
    return text


def _refused(reason: str) -> InvalidMetadata:
    return InvalidMetadata(path="metadata", reason=reason)
