"""The input of a contract's call, as text."""

from domain.shared.errors import ValidationError

LONGEST = 4_999
"""Bytes, since no text of a command is longer than 10,000 characters."""


class InvalidCallData(ValidationError):
    """The text is no call data."""

    code = "call_data_invalid"
    summary = "Call data is 0x and an even number of hexadecimal digits, 4,999 bytes at most."


def read_call_data(text: str, path: str = "data") -> bytes:
    """Read ``0x`` and hexadecimal digits, of which there may be none.

    Raises:
        InvalidCallData: it is anything else, or too long.
    """
    digits = text.removeprefix("0x")
    if len(digits) != len(text) - 2 or len(digits) > 2 * LONGEST or len(digits) % 2 or not _are_hexadecimal(digits):
        raise InvalidCallData(path=path)
    return bytes.fromhex(digits)


def _are_hexadecimal(digits: str) -> bool:
    return set(digits) <= set("0123456789abcdefABCDEF")
