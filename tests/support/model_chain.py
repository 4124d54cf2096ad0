"""A chain in memory, with a pool, blocks that can be undone, and nodes that forget, refuse and do not answer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
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
    UnsignedTransaction,
    UsedAuthorization,
)
from application.wallets.signing_ports import ISigner, SigningKey
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.keccak import keccak_256
from domain.wallets.errors import BlockchainError, ChainNotSupported, TransactionWouldRevert

ETHER = 10**18
GAS = 21_000
STRANGER, NO_TOKEN = (Address(f"0x{name * 10}") for name in ("57a9", "0bad"))
_GENESIS = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A signed transaction as its bytes tell it."""

    hash: TransactionHash
    sender: Address
    nonce: int
    to: Address | None
    value: int
    data: str
    gas: int
    max_fee: int
    priority_fee: int

    @property
    def cost(self) -> int:
        """What it can cost at most."""
        return self.value + self.gas * self.max_fee


class ModelSigner(ISigner):
    """Writes down who signed what; the same transaction has always the same bytes."""

    async def sign(self, key: SigningKey, transaction: UnsignedTransaction) -> SignedTransaction:
        """Sign."""
        return signed(key.address, transaction)


def signed(sender: Address, transaction: UnsignedTransaction) -> SignedTransaction:
    """Return the bytes of a transaction, which name its sender."""
    written = {
        "sender": sender, "nonce": transaction.nonce, "to": transaction.to, "value": transaction.value,
        "data": transaction.data.hex(), "gas": transaction.gas, "max_fee": transaction.fees.max_fee,
        "priority_fee": transaction.fees.priority_fee,
    }  # fmt: skip
    raw = json.dumps(written).encode()
    return SignedTransaction(raw=raw, hash=TransactionHash(f"0x{keccak_256(raw).hex()}"))


@dataclass(slots=True, kw_only=True)
class ModelChain(IChain):
    """One chain. ``takes_gaps`` is off for nodes that refuse a nonce before its turn."""

    chain_id: int = 31337
    confirmations: int = 3
    mines: bool = False
    takes_gaps: bool = True
    base_fee: int = 10
    funds: dict[Address, int] = field(default_factory=dict)
    blocks: list[list[Sent]] = field(default_factory=lambda: [[]])
    forks: list[int] = field(default_factory=lambda: [0])
    pool: dict[tuple[Address, int], Sent] = field(default_factory=dict)
    reverting: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    answers: list[BroadcastResult] = field(default_factory=list)
    lose_answers: int = 0
    broadcasts: list[TransactionHash] = field(default_factory=list)
    away: bool = False
    brought: dict[int, list[Transfer]] = field(default_factory=dict)
    passed: dict[int, list[tuple[Address, int]]] = field(default_factory=dict)
    asked: list[tuple[int, int]] = field(default_factory=list)

    # -- what tests do to it -----------------------------------------------------------------------

    def mine(self, blocks: int = 1) -> None:
        """Add blocks; the first takes from the pool whatever is next and pays enough."""
        for _ in range(blocks):
            block: list[Sent] = []
            self.blocks.append(block)
            self.forks.append(self.forks[-1])
            while ready := self._ready():
                del self.pool[ready.sender, ready.nonce]
                block.append(ready)

    def undo(self, blocks: int, *, forget: bool = False) -> None:
        """Replace the last blocks by as many empty ones; what was in them waits again, unless it is forgotten."""
        undone = [sent for block in self.blocks[-blocks:] for sent in block]
        for number in range(len(self.blocks) - blocks, len(self.blocks)):
            self.brought.pop(number, None)
            self.passed.pop(number, None)
        self.blocks[-blocks:] = [[] for _ in range(blocks)]
        self.forks[-blocks:] = [self.forks[-1] + 1] * blocks
        if not forget:
            self.pool |= {(sent.sender, sent.nonce): sent for sent in undone}

    def bring(self, recipient: Address, amount: int, token: Address | None = None) -> Transfer:
        """Have a stranger send coins or a token, and mine it; the log's number is the token's place in its block."""
        self.mine()
        number = len(self.blocks) - 1
        named = keccak_256(f"{number} {recipient} {token} {amount}".encode()).hex()
        transfer = Transfer(
            hash=TransactionHash(f"0x{named}"), log_index=-1 if token is None else 3, block=self._block(number),
            token=token, sender=STRANGER, recipient=recipient, amount=BaseUnits(amount),
        )  # fmt: skip
        self.brought[number] = [transfer]
        return transfer

    def pass_on(self, recipient: Address, amount: int) -> None:
        """Have a contract pass coins on, of which no transaction and no log tells."""
        self.mine()
        self.passed[len(self.blocks) - 1] = [(recipient, amount)]

    def send_from_elsewhere(self, sender: Address) -> None:
        """Have somebody else with the same key send something, and mine it."""
        nonce = self._count(sender)
        fees = Fees(max_fee=self.base_fee * 100, priority_fee=50)
        foreign = UnsignedTransaction(
            chain_id=self.chain_id, nonce=nonce, to=sender, value=BaseUnits(1), data=b"elsewhere", gas=GAS, fees=fees
        )
        self.pool[sender, nonce] = _read(signed(sender, foreign))
        self.mine()

    @property
    def mined(self) -> list[Sent]:
        """Return everything that is in a block."""
        return [sent for block in self.blocks for sent in block]

    # -- what it answers ---------------------------------------------------------------------------

    async def head(self) -> Block:
        """Return the last block."""
        return self._block(len(self.blocks) - 1)

    async def block(self, number: int) -> Block | None:
        """Return a block."""
        return self._block(number) if number < len(self.blocks) else None

    async def balances(self, address: Address, tokens: Sequence[Address] = (), block: int | None = None) -> Balances:
        """Return coins, and the tokens that were brought; a contract that is none reverts."""
        self._be_there()
        number = len(self.blocks) - 1 if block is None else block
        if NO_TOKEN in tokens:
            raise TransactionWouldRevert(reason="the contract is no token")
        held = tuple(BaseUnits(self._came(address, number, token)) for token in tokens)
        return Balances(block=self._block(number), native=BaseUnits(self._funds(address, number)), tokens=held)

    async def estimate(self, call: ChainCall) -> Estimate:
        """Take twice the base fee."""
        self._be_there()
        if call.data.hex() in self.reverting:
            raise TransactionWouldRevert(reason="out of beans")
        return Estimate(gas=GAS, base_fee=self.base_fee, fees=Fees(max_fee=self.base_fee * 2, priority_fee=1))

    async def call(self, call: ChainCall, block: int | None = None) -> bytes:
        """Return nothing."""
        return b""

    async def code(self, address: Address) -> bytes:
        """There are no contracts."""
        return b""

    async def nonce(self, address: Address, *, pending: bool = False, block: int | None = None) -> int:
        """Count."""
        self._be_there()
        return self._waiting(address) if pending else self._count(address, block)

    async def broadcast(self, transaction: SignedTransaction) -> BroadcastResult:
        """Take it into the pool as nodes do, and perhaps lose the answer."""
        self._be_there()
        result = self.answers.pop(0) if self.answers else self._take(_read(transaction))
        if result is BroadcastResult.ACCEPTED:
            self.broadcasts.append(transaction.hash)
        if self.mines:
            self.mine()
        if self.lose_answers:
            self.lose_answers -= 1
            raise BlockchainError
        return result

    async def receipt(self, hash: TransactionHash) -> Receipt | None:  # noqa: A002 - as the port has it
        """Return where it is."""
        for number, block in enumerate(self.blocks):
            for sent in block:
                if sent.hash == hash:
                    return Receipt(
                        hash=hash, block=self._block(number), succeeded=sent.data not in self.failing, gas_used=GAS,
                        fee=BaseUnits(GAS * min(sent.max_fee, self.base_fee)),
                    )  # fmt: skip
        return None

    async def knows(self, hash: TransactionHash) -> bool:  # noqa: A002 - as the port has it
        """Look into pool and blocks."""
        return any(sent.hash == hash for sent in (*self.pool.values(), *self.mined))

    async def transfers(
        self, address: Address, tokens: Sequence[Address], *, first: int, last: int
    ) -> Sequence[Transfer]:
        """Return what was brought and what was sent, in the chain's order."""
        self._be_there()
        self.asked.append((first, last))
        moved = [
            each for number in range(first, last + 1) for each in (*self.brought.get(number, ()), *self._sent(number))
        ]
        ours = [each for each in moved if address in (each.sender, each.recipient)]
        return [each for each in ours if each.token is None or each.token in tokens]

    async def authorizations_used(
        self, token: Address, payer: Address, *, first: int, last: int
    ) -> Sequence[UsedAuthorization]:
        """Nobody pays in tokens here."""
        return ()

    def _be_there(self) -> None:
        if self.away:
            raise BlockchainError

    def _block(self, number: int) -> Block:
        name = keccak_256(f"{number} of fork {self.forks[number]}".encode()).hex()
        return Block(number=number, hash=f"0x{name}", time=_GENESIS + timedelta(seconds=number))

    def _count(self, sender: Address, block: int | None = None) -> int:
        last = len(self.blocks) if block is None else block + 1
        return sum(sent.sender == sender for each in self.blocks[:last] for sent in each)

    def _waiting(self, sender: Address) -> int:
        count = self._count(sender)
        while (sender, count) in self.pool:
            count += 1
        return count

    def _funds(self, address: Address, block: int) -> int:
        fees = sum(
            GAS * min(sent.max_fee, self.base_fee)
            for each in self.blocks[: block + 1]
            for sent in each
            if sent.sender == address
        )
        spent = sum(each.amount for n in range(block + 1) for each in self._sent(n) if each.sender == address)
        return self.funds.get(address, 0) + self._came(address, block, None) - spent - fees

    def _came(self, address: Address, block: int, token: Address | None) -> int:
        """Add up what came in up to a block, whatever way it came."""
        moved = [each for n in range(block + 1) for each in (*self.brought.get(n, ()), *self._sent(n))]
        came: int = sum(each.amount for each in moved if (each.recipient, each.token) == (address, token))
        passed = sum(amount for n in range(block + 1) for to, amount in self.passed.get(n, ()) if to == address)
        return came + (passed if token is None else 0)

    def _sent(self, number: int) -> list[Transfer]:
        """Return the coins that a block's transactions moved."""
        return [
            Transfer(
                hash=sent.hash, log_index=-1, block=self._block(number), token=None, sender=sent.sender,
                recipient=sent.to, amount=BaseUnits(sent.value),
            )
            for sent in self.blocks[number]
            if sent.to is not None and sent.value and sent.data not in self.failing
        ]  # fmt: skip

    def _ready(self) -> Sent | None:
        waiting = sorted(self.pool.values(), key=lambda sent: (sent.sender, sent.nonce))
        return next(
            (each for each in waiting if each.nonce == self._count(each.sender) and each.max_fee >= self.base_fee), None
        )

    def _take(self, sent: Sent) -> BroadcastResult:
        other = self.pool.get((sent.sender, sent.nonce))
        if other is not None and other.hash == sent.hash:
            return BroadcastResult.ALREADY_KNOWN
        if sent.nonce < self._count(sent.sender):
            return BroadcastResult.NONCE_TOO_LOW
        if not self.takes_gaps and sent.nonce > self._waiting(sent.sender):
            return BroadcastResult.REFUSED
        if sent.cost > self._funds(sent.sender, len(self.blocks) - 1):
            return BroadcastResult.INSUFFICIENT_FUNDS
        if other is not None and (sent.max_fee * 10 < other.max_fee * 11 or sent.priority_fee <= other.priority_fee):
            return BroadcastResult.UNDERPRICED
        self.pool[sent.sender, sent.nonce] = sent
        return BroadcastResult.ACCEPTED


@dataclass(frozen=True, slots=True)
class ModelChains(IChains):
    """One model is all there is."""

    chain: IChain

    def of(self, chain_id: int) -> IChain:
        """Return it."""
        if chain_id != self.chain.chain_id:
            raise ChainNotSupported
        return self.chain


def _read(transaction: SignedTransaction) -> Sent:
    return Sent(hash=transaction.hash, **json.loads(transaction.raw))
