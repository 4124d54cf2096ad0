"""What wallets hold, and what a transaction of theirs would cost: the chain is asked after the transaction is over."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Interval, Len

from application.kernel.actor import Scope
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.wallets.ports import Block, ChainCall, IChain, IChains
from application.wallets.wallet_view import Tokens
from domain.shared.evm_types import NOTHING, Address, BaseUnits
from domain.shared.ids import WalletId
from domain.wallets.errors import BlockUnknown
from domain.wallets.transaction_intent import NO_DATA, read_data

BlockNumber = Annotated[int, Interval(ge=0, le=2**53 - 1)]
CallData = Annotated[str, Len(2, 10_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockView:
    """A block of a chain. Only number and hash together name one."""

    number: int
    hash: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBalance:
    """How much of a token, in its smallest unit."""

    token: Address
    amount: BaseUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletBalance:
    """What a wallet held when `block` was the last one: of the chain's own coin (`native`) and of tokens."""

    wallet_id: WalletId
    chain_id: int
    address: Address
    block: BlockView
    native: BaseUnits
    tokens: list[TokenBalance]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWalletBalance:
    """Which wallet, at which block (the last one unless it is named), and of which tokens (else the wallet's own)."""

    id: WalletId
    block: BlockNumber | None = None
    tokens: Tokens | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceQuestion:
    """What a chain is asked about a wallet's balance."""

    wallet_id: WalletId
    chain_id: int
    address: Address
    block: int | None
    tokens: list[Address]


async def balance_of(question: BalanceQuestion, *, chains: IChains) -> WalletBalance:
    """Ask the chain what an address holds."""
    chain = chains.of(question.chain_id)
    if question.block is not None:
        await known_block(chain, question.block)
    found = await chain.balances(question.address, question.tokens, question.block)
    return WalletBalance(
        wallet_id=question.wallet_id, chain_id=question.chain_id, address=question.address,
        block=shown_block(found.block), native=found.native,
        tokens=[TokenBalance(token=t, amount=a) for t, a in zip(question.tokens, found.tokens, strict=True)],
    )  # fmt: skip


async def known_block(chain: IChain, number: int) -> Block:
    """Return a block that there is.

    Raises:
        BlockUnknown: the chain is not so far yet.
    """
    block = await chain.block(number)
    if block is None:
        raise BlockUnknown
    return block


def shown_block(block: Block) -> BlockView:
    """Show a block."""
    return BlockView(number=block.number, hash=block.hash, time=block.time)


@use_case("wallets.get_balance", scope=Scope.WALLETS_READ, example={}, read_only=True, statements=1, answer=balance_of)
async def get_wallet_balance(cmd: GetWalletBalance, uow: IUnitOfWork) -> BalanceQuestion:
    """Return what a wallet holds by the word of its chain, at one block.

    Errors: `not_found`, `chain_not_supported`, `block_unknown`, `chain_unavailable`, `chain_endpoints_disagree`.
    """
    wallet = await uow.wallets.get(cmd.id)
    tokens = [Address(token) for token in wallet.tokens] if cmd.tokens is None else cmd.tokens
    return BalanceQuestion(
        wallet_id=wallet.id, chain_id=wallet.chain_id, address=wallet.address, block=cmd.block, tokens=tokens
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GasEstimate:
    """What a transaction would take now, in wei but for `gas`, which counts units.

    `max_fee` and `priority_fee` are for one unit of gas (EIP-1559); it costs `max_cost` at most, besides its value.
    """

    gas: int
    base_fee: BaseUnits
    max_fee: BaseUnits
    priority_fee: BaseUnits
    max_cost: BaseUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateGas:
    """What the wallet would send: coins, a call's input (`0x…`), or both. Without `to` it creates a contract."""

    id: WalletId
    to: Address | None
    value: BaseUnits = NOTHING
    data: CallData = NO_DATA


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateQuestion:
    """The call that a chain is asked to simulate."""

    chain_id: int
    call: ChainCall


async def estimate_of(question: EstimateQuestion, *, chains: IChains) -> GasEstimate:
    """Have the chain simulate a call."""
    found = await chains.of(question.chain_id).estimate(question.call)
    return GasEstimate(
        gas=found.gas, base_fee=BaseUnits(found.base_fee), max_fee=BaseUnits(found.fees.max_fee),
        priority_fee=BaseUnits(found.fees.priority_fee), max_cost=BaseUnits(found.gas * found.fees.max_fee),
    )  # fmt: skip


@use_case(
    "wallets.estimate_gas",
    scope=Scope.WALLETS_READ,
    example={"to": "0x8617E340B3D01FA5F11F306F4090FD50E238070D", "value": "0"},
    read_only=True,
    statements=1,
    answer=estimate_of,
)
async def estimate_gas(cmd: EstimateGas, uow: IUnitOfWork) -> EstimateQuestion:
    """Have a wallet's chain simulate a transaction, and return what it would cost. Nothing is sent.

    Errors: `not_found`, `transaction_would_revert` with the contract's `reason`, `transaction_invalid`,
    `chain_not_supported`, `chain_unavailable`, `chain_endpoints_disagree`.
    """
    wallet = await uow.wallets.get(cmd.id)
    call = ChainCall(sender=wallet.address, to=cmd.to, value=cmd.value, data=bytes.fromhex(read_data(cmd.data)[2:]))
    return EstimateQuestion(chain_id=wallet.chain_id, call=call)
