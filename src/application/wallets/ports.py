"""What wallets need from chains.

Nothing here is called inside a transaction, but for :class:`IHistoryCursors`, which only computes. Amounts are whole
numbers of base units, fees are in wei per unit of gas, and ``data`` is a call's input.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.shared.evm_types import NOTHING, Address, BaseUnits, TransactionHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of a chain. Only number and hash together name one, for a number may get another block."""

    number: int
    hash: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """What an address held when ``block`` was the last one; ``tokens`` in the order they were asked for."""

    block: Block
    native: BaseUnits
    tokens: tuple[BaseUnits, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCall:
    """What a transaction would do; without a recipient it creates a contract."""

    sender: Address
    to: Address | None
    value: BaseUnits = NOTHING
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """What a unit of gas may cost at most, and what the block's maker gets of it (EIP-1559), in wei."""

    max_fee: int
    priority_fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a call would take now, gas to spare included. ``base_fee`` is the next block's."""

    gas: int
    base_fee: int
    fees: Fees


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedTransaction:
    """A transaction of type 2, complete but for its signature. Signing the same one twice gives the same bytes."""

    chain_id: int
    nonce: int
    to: Address | None
    value: BaseUnits
    data: bytes
    gas: int
    fees: Fees


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTransaction:
    """What is broadcast, and the hash it will be known by."""

    raw: bytes = field(repr=False)
    hash: TransactionHash


class BroadcastResult(StrEnum):
    """What an endpoint said to a signed transaction."""

    ACCEPTED = "accepted"
    ALREADY_KNOWN = "already_known"
    NONCE_TOO_LOW = "nonce_too_low"
    UNDERPRICED = "underpriced"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a transaction in a block. ``fee`` is gas used times its price."""

    hash: TransactionHash
    block: Block
    succeeded: bool
    gas_used: int
    fee: BaseUnits
    contract: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Coins or tokens that moved; ``token`` is None for the chain's own coin, whose ``log_index`` is -1."""

    hash: TransactionHash
    log_index: int
    block: Block
    token: Address | None
    sender: Address
    recipient: Address
    amount: BaseUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedAuthorization:
    """That a token moved by its holder's signature (EIP-3009): in which transaction, and which of the signatures."""

    hash: TransactionHash
    block_number: int
    nonce: str


class IChain(Protocol):
    """One chain, through all of its endpoints.

    Every method raises BlockchainError when no endpoint answers in time, EndpointsDisagree when two of them contradict
    each other. Reads are tried again, broadcasts are not.
    """

    @property
    def chain_id(self) -> int:
        """Return the id of EIP-155."""
        ...

    @property
    def confirmations(self) -> int:
        """Return how many blocks, its own included, make a transaction final here."""
        ...

    async def head(self) -> Block:
        """Return the last block."""
        ...

    async def block(self, number: int) -> Block | None:
        """Return the block that has this number now, None above the head."""
        ...

    async def balances(self, address: Address, tokens: Sequence[Address] = (), block: int | None = None) -> Balances:
        """Return what an address holds at a block, the last one when none is named."""
        ...

    async def estimate(self, call: ChainCall) -> Estimate:
        """Simulate a call on the last block, and say what it would cost.

        Raises:
            TransactionWouldRevert: with the contract's reason.
        """
        ...

    async def call(self, call: ChainCall, block: int | None = None) -> bytes:
        """Execute a call without a transaction, and return what it returned.

        Raises:
            TransactionWouldRevert: with the contract's reason.
        """
        ...

    async def code(self, address: Address) -> bytes:
        """Return a contract's code; empty for everybody else."""
        ...

    async def nonce(self, address: Address, *, pending: bool = False, block: int | None = None) -> int:
        """Return how many transactions an address had sent up to a block, the last one when none is named.

        With ``pending`` those count that wait for a block.
        """
        ...

    async def broadcast(self, transaction: SignedTransaction) -> BroadcastResult:
        """Hand a transaction to the chain. A BlockchainError leaves open whether it arrived."""
        ...

    async def receipt(self, hash: TransactionHash) -> Receipt | None:  # noqa: A002 - what it is called everywhere
        """Return what became of a transaction, None while it is in no block."""
        ...

    async def knows(self, hash: TransactionHash) -> bool:  # noqa: A002 - as above
        """Say whether a transaction is in a block or waits for one."""
        ...

    async def transfers(
        self, address: Address, tokens: Sequence[Address], *, first: int, last: int
    ) -> Sequence[Transfer]:
        """Return what moved to or from an address in some blocks, both ends included, in the chain's order.

        Coins count where they are a transaction's own value; what a contract passes on leaves no log.
        """
        ...

    async def authorizations_used(
        self, token: Address, payer: Address, *, first: int, last: int
    ) -> Sequence[UsedAuthorization]:
        """Return which of a payer's authorizations (EIP-3009) a token executed in some blocks, both ends included.

        Those that were cancelled are not among them.
        """
        ...


class IChains(Protocol):
    """The chains that are configured."""

    def of(self, chain_id: int) -> IChain:
        """Return a chain.

        Raises:
            ChainNotSupported: it is not configured.
            ChainSupportMissing: the extra that talks to chains is not installed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPosition:
    """Where a page of a wallet's past begins: at ``block``, of whose transfers ``shown`` are behind it already.

    What was shown so far stays true as long as the chain's block ``anchor`` has its hash.
    """

    block: int
    shown: int
    anchor: int
    anchor_hash: str


class IHistoryCursors(Protocol):
    """Writes places in a wallet's past as text that nobody else can write."""

    def write(self, binding: str, position: HistoryPosition) -> str:
        """Return a cursor that is good for the same ``binding`` only."""
        ...

    def read(self, binding: str, text: str) -> HistoryPosition:
        """Return the place.

        Raises:
            InvalidCursor: it was not written for this binding.
        """
        ...
