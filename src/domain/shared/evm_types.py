"""Types of the Ethereum family of chains that commands, views and events are made of."""

from typing import NewType

from domain.shared.errors import ValidationError
from domain.shared.evm import check_address

BaseUnits = NewType("BaseUnits", int)
"""An amount of a chain's coin or of a token in its smallest unit, 0 to 2^256-1; outside it is decimal text."""

Address = NewType("Address", str)
"""An account of a chain: lower case inside, with the capitals of its checksum outside."""

TransactionHash = NewType("TransactionHash", str)
"""The hash of a transaction: 0x and 64 hexadecimal digits, lower case."""

NOTHING = BaseUnits(0)
MAX_UNITS = 2**256 - 1
MAX_CHAIN_ID = 2**53 - 1
"""Chain ids go out as JSON numbers, which other languages read as doubles."""


class InvalidBaseUnits(ValidationError):
    """The amount is no whole number of base units within 256 bits."""

    code = "base_units_invalid"
    summary = "An amount in base units is a whole decimal number from 0 to 2^256-1, written as text."


class InvalidHash(ValidationError):
    """The text is no transaction's hash."""

    code = "transaction_hash_invalid"
    summary = "A transaction's hash is 0x and 64 hexadecimal digits."


def read_units(text: str) -> BaseUnits:
    """Read decimal text without sign, blanks or leading zeros.

    Raises:
        InvalidBaseUnits: it is anything else, or above ``MAX_UNITS``.
    """
    # The length is checked before anything is computed: int() takes quadratic time.
    if not (0 < len(text) <= len(str(MAX_UNITS)) and text.isascii() and text.isdigit()):
        raise InvalidBaseUnits
    if text[0] == "0" and text != "0":
        raise InvalidBaseUnits
    return check_units(int(text))


def check_units(value: int) -> BaseUnits:
    """Refuse a number that no chain can hold.

    Raises:
        InvalidBaseUnits: it is negative or above ``MAX_UNITS``.
    """
    if not 0 <= value <= MAX_UNITS:
        raise InvalidBaseUnits
    return BaseUnits(value)


def read_hash(text: str) -> TransactionHash:
    """Read a transaction's hash, in either case.

    Raises:
        InvalidHash: it is none.
    """
    digits = text.removeprefix("0x")
    if len(text) != 66 or len(digits) != 64 or not set(digits) <= set("0123456789abcdefABCDEF"):
        raise InvalidHash
    return TransactionHash(text.lower())


def read_address(text: str) -> Address:
    """Read an address, of which mixed capitals have to be the checksum.

    Raises:
        InvalidAddress: it is none.
    """
    return Address(check_address(text))


def caip_2(chain_id: int) -> str:
    """Name a chain as CAIP-2 does: ``eip155:8453``."""
    return f"eip155:{chain_id}"
