"""Addresses of the Ethereum family of chains."""

import re
from functools import lru_cache

from domain.shared.errors import ValidationError
from domain.shared.keccak import keccak_256

_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")


class InvalidAddress(ValidationError):
    """The text is no address, or its capitals say that a character was mistyped (EIP-55)."""

    code = "address_invalid"
    summary = "An address is 0x and 40 hexadecimal digits; mixed capitals have to be its EIP-55 checksum."


def check_address(value: str, path: str = "address") -> str:
    """Return the address in lower case, the one form in which addresses are compared.

    Raises:
        InvalidAddress: it is no address, or mixed capitals are not its checksum.
    """
    address = value.strip(" ")
    if _ADDRESS.fullmatch(address) is None:
        raise InvalidAddress(path=path)
    digits = address[2:]
    lower = address.lower()
    if digits not in (digits.lower(), digits.upper()) and address != checksummed(lower):
        raise InvalidAddress(path=path)
    return lower


@lru_cache(maxsize=4096)
def checksummed(address: str) -> str:
    """Return a lower-case address with the capitals of EIP-55, as people are shown it."""
    digits = address[2:]
    shade = keccak_256(digits.encode()).hex()
    return "0x" + "".join(c.upper() if int(s, 16) >= 8 else c for c, s in zip(digits, shade, strict=False))
