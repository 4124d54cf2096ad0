"""A chain in memory with one token that executes authorizations, for what a worker makes of whatever happens there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

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
from domain.settlements.authorization import Authorization
from domain.shared.evm_types import NOTHING, Address, BaseUnits, TransactionHash
from domain.wallets.errors import BlockchainError, ChainNotSupported, TransactionWouldRevert

CHAIN = 31337
TOKEN = Address("0x" + "ab" * 20)
_hashes = count(1)


@dataclass(frozen=True, slots=True)
class Happening:
    """What one transaction did in a block: authorizations that were used or cancelled, and tokens that moved."""

    block: int
    used: tuple[UsedAuthorization, ...] = ()
    ended: tuple[tuple[Address, str], ...] = ()
    moved: tuple[Transfer, ...] = ()


@dataclass
class TokenChain(IChain, IChains):
    """Blocks are mined when a test says so, and undone; it is every chain of its configuration at once."""

    confirmations: int = 3
    blocks: list[Block] = field(default_factory=list)
    happened: list[Happening] = field(default_factory=list)
    held: dict[Address, int] = field(default_factory=dict)
    is_down: bool = False
    asked: int = 0

    def __post_init__(self) -> None:
        self.time = datetime.now(UTC).replace(microsecond=0)
        self.mine(10)

    @property
    def chain_id(self) -> int:
        return CHAIN

    def of(self, chain_id: int) -> IChain:
        if chain_id != CHAIN:
            raise ChainNotSupported
        return self

    def mine(self, blocks: int = 1, seconds: int = 1) -> None:
        """Add blocks, some seconds apart."""
        for _ in range(blocks):
            self.time += timedelta(seconds=seconds)
            self.blocks.append(Block(number=len(self.blocks), hash=f"0x{next(_hashes):064x}", time=self.time))

    def undo(self, blocks: int) -> None:
        """Undo the last blocks with all that happened in them."""
        del self.blocks[-blocks:]
        self.happened = [each for each in self.happened if each.block < len(self.blocks)]

    def execute(self, *authorizations: Authorization, times: int = 1) -> TransactionHash:
        """Execute authorizations in one transaction of a block of their own; ``times`` 0 moves nothing."""
        made = TransactionHash(f"0x{next(_hashes):064x}")
        self.mine()
        block = self.blocks[-1]
        moved = [
            Transfer(
                hash=made, log_index=n, block=block, token=TOKEN, sender=each.payer, recipient=each.recipient,
                amount=each.amount,
            )
            for n, each in enumerate(authorizations) for _ in range(times)
        ]  # fmt: skip
        used = [UsedAuthorization(hash=made, block_number=block.number, nonce=each.nonce) for each in authorizations]
        ended = [(each.payer, each.nonce) for each in authorizations]
        self.happened.append(Happening(block.number, tuple(used), tuple(ended), tuple(moved)))
        return made

    def cancel(self, authorization: Authorization) -> None:
        """Have the payer cancel an authorization."""
        self.mine()
        self.happened.append(
            Happening(self.blocks[-1].number, ended=((authorization.payer, authorization.nonce),))
        )  # fmt: skip

    async def head(self) -> Block:
        self._ask()
        return self.blocks[-1]

    async def block(self, number: int) -> Block | None:
        self._ask()
        return self.blocks[number] if 0 <= number < len(self.blocks) else None

    async def call(self, call: ChainCall, block: int | None = None) -> bytes:
        """Answer the one question there is: whether an authorization was used."""
        self._ask()
        payer, nonce = Address(f"0x{call.data[16:36].hex()}"), f"0x{call.data[36:68].hex()}"
        return int(self._is_used(payer, nonce, block)).to_bytes(32)

    async def balances(self, address: Address, tokens: Sequence[Address] = (), block: int | None = None) -> Balances:
        self._ask()
        held = tuple(BaseUnits(self.held.get(address, 0)) for _ in tokens)
        return Balances(block=self.blocks[-1 if block is None else block], native=NOTHING, tokens=held)

    async def estimate(self, call: ChainCall) -> Estimate:
        """Simulate ``transferWithAuthorization``."""
        self._ask()
        payer, nonce = Address(f"0x{call.data[16:36].hex()}"), f"0x{call.data[164:196].hex()}"
        until = int.from_bytes(call.data[132:164])
        if self._is_used(payer, nonce, None) or self.blocks[-1].time.timestamp() >= until:
            raise TransactionWouldRevert
        return Estimate(gas=60_000, base_fee=1, fees=Fees(max_fee=2, priority_fee=1))

    async def transfers(
        self, address: Address, tokens: Sequence[Address], *, first: int, last: int
    ) -> Sequence[Transfer]:
        self._ask()
        moved = [transfer for each in self.happened if first <= each.block <= last for transfer in each.moved]
        return [each for each in moved if address in (each.sender, each.recipient) and each.token in tokens]

    async def authorizations_used(
        self, token: Address, payer: Address, *, first: int, last: int
    ) -> Sequence[UsedAuthorization]:
        self._ask()
        there = [each for each in self.happened if first <= each.block <= last]
        return [use for each in there for use, (whose, _) in zip(each.used, each.ended, strict=False) if whose == payer]

    async def code(self, address: Address) -> bytes:
        return b"\x60" if address == TOKEN else b""

    async def nonce(self, address: Address, *, pending: bool = False, block: int | None = None) -> int:
        raise AssertionError("settling sends nothing itself")

    async def broadcast(self, transaction: SignedTransaction) -> BroadcastResult:
        raise AssertionError("settling sends nothing itself")

    async def receipt(self, hash: TransactionHash) -> Receipt | None:  # noqa: A002 - the port's name
        raise AssertionError("settling asks for no receipts: the token's log says what happened")

    async def knows(self, hash: TransactionHash) -> bool:  # noqa: A002 - as above
        return any(each.hash == hash for happening in self.happened for each in happening.moved)

    def _is_used(self, payer: Address, nonce: str, block: int | None) -> bool:
        last = len(self.blocks) if block is None else block
        return any((payer, nonce) in each.ended for each in self.happened if each.block <= last)

    def _ask(self) -> None:
        self.asked += 1
        if self.is_down:
            raise BlockchainError
