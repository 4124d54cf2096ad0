"""Why a call reverts, in words fit to be shown to anybody."""

import unicodedata

_ERROR = bytes.fromhex("08c379a0")  # Error(string)
_PANIC = bytes.fromhex("4e487b71")  # Panic(uint256)
_PANICS = {
    0x00: "the compiler's own check failed",
    0x01: "an assertion failed",
    0x11: "a number overflowed",
    0x12: "a division by zero",
    0x21: "a number is no value of its enumeration",
    0x22: "storage is encoded wrongly",
    0x31: "an empty array has no last element",
    0x32: "an index is out of bounds",
    0x41: "too much memory was asked for",
    0x51: "a function that was never set was called",
}
_WORD = 32
_LONGEST = 200


def reason_of(data: bytes) -> str:
    """Return the reason that a call returned: a text, a panic in words, anything else in hexadecimal."""
    selector, arguments = data[:4], data[4:]
    if selector == _ERROR and (text := _string(arguments)) is not None:
        return shown(text) or "no reason was given"
    if selector == _PANIC and len(arguments) == _WORD:
        number = int.from_bytes(arguments)
        return shown(f"panic {number:#04x}: {_PANICS.get(number, 'of no known kind')}")
    return shown(f"0x{data.hex()}") if data else "no reason was given"


def shown(text: str) -> str:
    """Return a stranger's text without what cannot be seen, at most 200 characters of it."""
    visible = "".join(character for character in text[: 4 * _LONGEST] if _is_visible(character)).strip()
    return visible if len(visible) <= _LONGEST else f"{visible[: _LONGEST - 1]}…"


def _is_visible(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"


def _string(arguments: bytes) -> str | None:
    """Decode one text; None when it is not encoded as the ABI demands."""
    offset = int.from_bytes(arguments[:_WORD])
    if len(arguments) < 2 * _WORD or offset != _WORD:
        return None
    length = int.from_bytes(arguments[_WORD : 2 * _WORD])
    encoded = arguments[2 * _WORD :]
    return encoded[:length].decode("utf-8", "replace") if length <= len(encoded) else None
