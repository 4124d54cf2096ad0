"""A chain that stands still, for tests of what is around chains: every question has one answer, and nothing is sent.

What a chain really says is tested with one (``tests.support.chain``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from application.wallets.ports import (
    Balances,
    Block,
    BroadcastResult,
    ChainCall,
    Estimate,
    Fees,
    IChain,
    IChains,
    Receipt,
    SignedTransaction,
    Transfer,
    UsedAuthorization,
)
from domain.shared.evm_types import MAX_UNITS, Address, BaseUnits, TransactionHash
from domain.wallets.errors import BlockchainError, ChainNotSupported, TransactionWouldRevert

HEAD = 1_000
REVERTING = Address(f"0x{'dead' * 10}")
"""Whoever calls this contract is refused."""
_BEGIN = datetime(2030, 1, 1, tzinfo=UTC)


def block(number: int) -> Block:
    """Return the only block there ever is of a number."""
    return Block(number=number, hash=f"0x{number:064x}", time=_BEGIN + timedelta(seconds=12 * number))


@dataclass(frozen=True, slots=True, kw_only=True)
class StillChain(IChain):
    """One chain; every tenth block brings everybody one coin and a token of each kind, the most there can be."""

    chain_id: int
    confirmations: int = 1

    async def head(self) -> Block:
        return block(HEAD)

    async def block(self, number: int) -> Block | None:
        return block(number) if number <= HEAD else None

    async def balances(self, address: Address, tokens: Sequence[Address] = (), block: int | None = None) -> Balances:
        at = await self.block(HEAD if block is None else block)
        if at is None:
            raise BlockchainError
        return Balances(block=at, native=BaseUnits(MAX_UNITS), tokens=tuple(BaseUnits(at.number) for _ in tokens))

    async def estimate(self, call: ChainCall) -> Estimate:
        if call.to == REVERTING:
            raise TransactionWouldRevert(reason="not today")
        return Estimate(gas=21_000, base_fee=7, fees=Fees(max_fee=16, priority_fee=2))

    async def call(self, call: ChainCall, block: int | None = None) -> bytes:
        return b""

    async def code(self, address: Address) -> bytes:
        return b""

    async def nonce(self, address: Address, *, pending: bool = False, block: int | None = None) -> int:
        return 0

    async def broadcast(self, transaction: SignedTransaction) -> BroadcastResult:
        return BroadcastResult.REFUSED

    async def receipt(self, hash: TransactionHash) -> Receipt | None:  # noqa: A002 - nothing is ever mined
        return None

    async def knows(self, hash: TransactionHash) -> bool:  # noqa: A002 - as above
        return False

    async def authorizations_used(
        self, token: Address, payer: Address, *, first: int, last: int
    ) -> Sequence[UsedAuthorization]:
        """Nobody pays in tokens here."""
        return ()

    async def transfers(
        self, address: Address, tokens: Sequence[Address], *, first: int, last: int
    ) -> Sequence[Transfer]:
        return [
            Transfer(
                hash=TransactionHash(f"0x{number:064x}"), log_index=index, block=block(number), token=token,
                sender=REVERTING, recipient=address, amount=BaseUnits(MAX_UNITS),
            )
            for number in range(first, last + 1)
            if number % 10 == 0
            for index, token in enumerate([None, *tokens], start=-1)
        ]  # fmt: skip


class StillChains(IChains):
    """Every chain below a hundred thousand."""

    def of(self, chain_id: int) -> IChain:
        if chain_id >= 100_000:
            raise ChainNotSupported(chain_id=chain_id)
        return StillChain(chain_id=chain_id)
