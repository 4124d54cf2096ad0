"""What endpoints answer, read strictly: whatever is not as it has to be makes the whole answer worthless."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from application.wallets.ports import Block, Receipt
from domain.shared.evm import check_address
from domain.shared.evm_types import Address, TransactionHash, check_units, read_hash

_WORD = 66  # characters of 32 bytes
# int() and fromhex() would also take signs, blanks and underscores.
_NUMBER = re.compile("0x[0-9a-fA-F]{1,64}")
_BYTES = re.compile("0x(?:[0-9a-fA-F]{2})*")


class Nonsense(Exception):
    """The answer cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A transaction in a block, as far as the history of coins needs it."""

    hash: TransactionHash
    index: int
    sender: Address
    to: Address | None
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """An entry of a contract's log."""

    contract: Address
    topics: tuple[str, ...]
    data: bytes
    block_number: int
    block_hash: str
    transaction: TransactionHash
    transaction_index: int
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A block with what fees are computed from."""

    block: Block
    base_fee: int
    gas_used: int
    gas_limit: int


def as_object(value: object) -> Mapping[str, object]:
    """Read an object."""
    if not isinstance(value, dict):
        raise Nonsense
    return value


def as_list(value: object) -> Sequence[object]:
    """Read a list."""
    if not isinstance(value, list):
        raise Nonsense
    return value


def as_number(value: object) -> int:
    """Read a number of at most 256 bits, which JSON-RPC writes in hexadecimal."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value) is None:
        raise Nonsense
    return int(value, 0)


def as_bytes(value: object) -> bytes:
    """Read bytes."""
    if not isinstance(value, str) or _BYTES.fullmatch(value) is None:
        raise Nonsense
    return bytes.fromhex(value[2:])


def as_hash(value: object) -> TransactionHash:
    """Read the hash of a transaction or a block."""
    if not isinstance(value, str) or len(value) != _WORD:
        raise Nonsense
    as_bytes(value)
    return read_hash(value)


def as_address(value: object) -> Address:
    """Read an address; its capitals say nothing here."""
    if not isinstance(value, str) or len(value) != len("0x") + 40:
        raise Nonsense
    as_bytes(value)
    return Address(check_address(value.lower()))


def as_block(value: object) -> Block:
    """Read a block's name and time."""
    found = as_object(value)
    try:
        time = datetime.fromtimestamp(as_number(found.get("timestamp")), UTC)
    except (ValueError, OverflowError, OSError):
        raise Nonsense from None
    return Block(number=as_number(found.get("number")), hash=as_hash(found.get("hash")), time=time)


def as_head(value: object) -> Head:
    """Read a block with its fees."""
    found = as_object(value)
    return Head(
        block=as_block(found),
        base_fee=as_number(found.get("baseFeePerGas")),
        gas_used=as_number(found.get("gasUsed")),
        gas_limit=as_number(found.get("gasLimit")),
    )


def as_candidates(value: object) -> tuple[Candidate, ...]:
    """Read the transactions of a block."""
    return tuple(_candidate(as_object(each)) for each in as_list(as_object(value).get("transactions")))


def as_log(value: object) -> Log:
    """Read an entry of a log."""
    found = as_object(value)
    return Log(
        contract=as_address(found.get("address")),
        topics=tuple(as_hash(each) for each in as_list(found.get("topics"))),
        data=as_bytes(found.get("data")),
        block_number=as_number(found.get("blockNumber")),
        block_hash=as_hash(found.get("blockHash")),
        transaction=as_hash(found.get("transactionHash")),
        transaction_index=as_number(found.get("transactionIndex")),
        index=as_number(found.get("logIndex")),
    )


def as_receipt(value: object, block: Block) -> Receipt:
    """Read a receipt of a transaction in ``block``. What a rollup takes for its own chain is part of the fee."""
    found = as_object(value)
    gas_used = as_number(found.get("gasUsed"))
    above = found.get("l1Fee")
    fee = gas_used * as_number(found.get("effectiveGasPrice")) + (0 if above is None else as_number(above))
    contract = found.get("contractAddress")
    return Receipt(
        hash=as_hash(found.get("transactionHash")),
        block=block,
        succeeded=as_number(found.get("status")) == 1,
        gas_used=gas_used,
        fee=check_units(fee),
        contract=None if contract is None else as_address(contract),
    )


def _candidate(found: Mapping[str, object]) -> Candidate:
    to = found.get("to")
    return Candidate(
        hash=as_hash(found.get("hash")),
        index=as_number(found.get("transactionIndex")),
        sender=as_address(found.get("from")),
        # eth-tester and some nodes write an empty text where others write null.
        to=None if to in (None, "", "0x") else as_address(to),
        value=as_number(found.get("value")),
    )
