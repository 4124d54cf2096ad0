"""Calls of contracts, encoded as Ethereum's ABI says: words of 32 bytes, whatever has no fixed length behind them."""

from collections.abc import Sequence
from functools import cache

from domain.shared.evm_types import Address
from domain.shared.keccak import keccak_256

_WORD = 32

type Argument = int | str | bytes | Sequence[Address]


def encode_call(signature: str, *arguments: Argument) -> bytes:
    """Encode a call of ``name(type,type)``.

    Types are ``uint256`` and smaller numbers without a sign, ``bool``, ``address``, ``bytes32``, ``bytes`` and
    ``address[]``.
    """
    types = signature[signature.index("(") + 1 : -1]
    return _selector(signature) + encode(types.split(",") if types else [], *arguments)


@cache
def _selector(signature: str) -> bytes:
    """Return the four bytes that name a function."""
    return keccak_256(signature.encode())[:4]


def encode(types: Sequence[str], *arguments: Argument) -> bytes:
    """Encode values side by side.

    Raises:
        ValueError: a value is not of its type, or there are more or fewer of them than types.
    """
    head, tail = b"", b""
    for type_, argument in zip(types, arguments, strict=True):
        encoded = _encoded(type_, argument)
        if type_ in ("bytes", "address[]"):
            head += _number(len(types) * _WORD + len(tail), 256)
            tail += encoded
        else:
            head += encoded
    return head + tail


def _encoded(type_: str, argument: Argument) -> bytes:
    if isinstance(argument, bytes):
        return _bytes(type_, argument)
    if isinstance(argument, str):
        return _address(argument) if type_ == "address" else _wrong(type_)
    if isinstance(argument, int):
        return _number(argument, _bits(type_))
    if type_ != "address[]":
        return _wrong(type_)
    return _number(len(argument), 256) + b"".join(_address(each) for each in argument)


def _bits(type_: str) -> int:
    if type_ == "bool":
        return 1
    return int(type_.removeprefix("uint")) if type_.startswith("uint") else len(_wrong(type_))


def _number(value: int, bits: int) -> bytes:
    if not 0 <= value < 1 << bits:
        raise ValueError(f"no number of {bits} bits")
    return value.to_bytes(_WORD)


def _address(value: str) -> bytes:
    found = bytes.fromhex(value.removeprefix("0x"))
    return found.rjust(_WORD, b"\0") if len(found) == 20 else _wrong("address")


def _bytes(type_: str, value: bytes) -> bytes:
    if type_ == "bytes":
        return _number(len(value), 256) + value + bytes(-len(value) % _WORD)
    return value if type_ == "bytes32" and len(value) == _WORD else _wrong(type_)


def _wrong(type_: str) -> bytes:
    raise ValueError(f"no value of type {type_}")
