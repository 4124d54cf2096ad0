"""What the worker records of a transaction between two calls of the chain. Every step may be recorded twice."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval, Len

from application.kernel.actor import Scope
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.wallets.screening import screen
from application.wallets.transaction_jobs import SEND, follow_up
from application.wallets.transaction_view import WalletTransactionView
from domain.shared.evm_types import BaseUnits, TransactionHash
from domain.shared.ids import WalletId, WalletTransactionId
from domain.wallets.nonces import lowest_free
from domain.wallets.transaction_signing import Price
from domain.wallets.wallet_transaction import Refusal, TransactionStep, WalletTransaction

INSIDE = "Only Stoa's own worker talks to chains and to those who hold keys."
INSUFFICIENT_FUNDS = "insufficient_funds"
Count = Annotated[int, Interval(ge=0, le=2**53 - 1)]
Number = Annotated[int, Interval(ge=1, le=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocateNonce:
    """What the chain said: the sender's transactions, its coins at a block, and what this one may cost."""

    id: WalletTransactionId
    wallet_id: WalletId
    chain_nonce: Count
    balance: BaseUnits
    balance_block: Count
    gas: Count
    max_fee: BaseUnits
    priority_fee: BaseUnits


@use_case(
    "wallet_transactions.allocate", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, statements=14,
    example={
        "chain_nonce": 0, "balance": "1000000000000000000", "balance_block": 1, "gas": 25200,
        "max_fee": "3000000000", "priority_fee": "1000000000",
    },
)  # fmt: skip
async def allocate_nonce(
    cmd: AllocateNonce, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> WalletTransactionView:  # fmt: skip
    """Give a transaction its nonce and its fees, under the wallet's lock; one that has them keeps them.

    It waits while the wallet's other transactions need the coins, and fails when it could not be paid without them.

    Errors: `not_found`, `address_blocked`, `address_not_allowed`.
    """
    wallet = await uow.wallets.get(cmd.wallet_id, lock=True, with_deleted=True)
    transaction = await uow.wallet_transactions.get(cmd.id, lock=True)
    if transaction.next_step is TransactionStep.PREPARE:
        if transaction.counterparty is not None:
            await screen(uow, transaction.counterparty)
        if wallet.is_deleted:
            transaction.fail("wallet_deleted", clock.now())
        else:
            await _place(transaction, cmd, uow, clock=clock, ids=ids)
        if not transaction.signings:
            await follow_up(uow, transaction, clock.now())
    return WalletTransactionView.of(transaction)


async def _place(
    transaction: WalletTransaction, cmd: AllocateNonce, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> None:
    price = Price(gas=cmd.gas, max_fee=cmd.max_fee, priority_fee=cmd.priority_fee)
    cost = transaction.value + price.most
    if cost > cmd.balance:
        transaction.fail(INSUFFICIENT_FUNDS, clock.now())
        return
    line = uow.wallet_transactions
    if cost + await line.reserved(transaction.chain_id, transaction.sender, cmd.balance_block) <= cmd.balance:
        taken = await line.nonces_from(transaction.chain_id, transaction.sender, cmd.chain_nonce)
        transaction.prepare(lowest_free(taken, cmd.chain_nonce), price, signing_id=ids.new(), now=clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class FailWalletTransaction:
    """Why nothing of a transaction will leave; `reason` is the contract's own word."""

    id: WalletTransactionId
    code: Annotated[str, Len(1, 80)]
    reason: Annotated[str, Len(0, 200)] | None = None


@use_case(
    "wallet_transactions.fail", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, statements=8,
    example={"code": "transaction_would_revert", "reason": "ERC20: transfer amount exceeds balance"},
)  # fmt: skip
async def fail_wallet_transaction(
    cmd: FailWalletTransaction, uow: IUnitOfWork, *, clock: IClock
) -> WalletTransactionView:
    """Give up a transaction that has no nonce yet; any other goes on.

    Errors: `not_found`.
    """
    transaction = await uow.wallet_transactions.get(cmd.id, lock=True)
    if transaction.fail(cmd.code, clock.now(), reason=cmd.reason):
        await follow_up(uow, transaction, clock.now())
    return WalletTransactionView.of(transaction)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceReplacement:
    """What the chain asks for at present."""

    id: WalletTransactionId
    gas: Count
    max_fee: BaseUnits
    priority_fee: BaseUnits


@use_case(
    "wallet_transactions.price", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, statements=8,
    example={"gas": 21000, "max_fee": "6000000000", "priority_fee": "2000000000"},
)  # fmt: skip
async def price_replacement(
    cmd: PriceReplacement, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> WalletTransactionView:
    """Settle the fees of the form that was asked for, above those of all earlier ones.

    Errors: `not_found`.
    """
    transaction = await uow.wallet_transactions.get(cmd.id, lock=True)
    price = Price(gas=cmd.gas, max_fee=cmd.max_fee, priority_fee=cmd.priority_fee)
    transaction.replace(price, signing_id=ids.new(), now=clock.now())
    return WalletTransactionView.of(transaction)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSigned:
    """The signed bytes of a form in hexadecimal digits, and the hash that the chain will know it by."""

    id: WalletTransactionId
    number: Number
    raw: str
    hash: TransactionHash


@use_case(
    "wallet_transactions.record_signed", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, statements=8,
    example={
        "number": 1, "raw": "02f86b", "hash": "0x4e3a3754410177e6937ef1f84bba68ea139e8d1a2258c5f85db9f1cd715a1bdd",
    },
)  # fmt: skip
async def record_signed(cmd: RecordSigned, uow: IUnitOfWork, *, clock: IClock) -> WalletTransactionView:
    """Keep a form's signed bytes, before anybody sends them. The first ones count.

    Errors: `not_found`.
    """
    transaction = await uow.wallet_transactions.get(cmd.id, lock=True)
    transaction.keep_signature(cmd.number, cmd.raw, cmd.hash, clock.now())
    return WalletTransactionView.of(transaction)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBroadcast:
    """Which form a node has."""

    id: WalletTransactionId
    number: Number


@use_case(
    "wallet_transactions.record_broadcast", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, example={"number": 1},
    statements=11,
)  # fmt: skip
async def record_broadcast(cmd: RecordBroadcast, uow: IUnitOfWork, *, clock: IClock) -> WalletTransactionView:
    """Note that a node has a form, and let the wallet's next transaction follow.

    Errors: `not_found`.
    """
    transaction = await uow.wallet_transactions.get(cmd.id, lock=True)
    transaction.note_broadcast(cmd.number, clock.now())
    await follow_up(uow, transaction, clock.now())
    follower = await uow.wallet_transactions.next_in_line(transaction)
    if follower is not None:
        await uow.jobs.schedule(SEND, follower)
    return WalletTransactionView.of(transaction)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefusal:
    """Which form is turned away, and why."""

    id: WalletTransactionId
    number: Number
    why: Refusal


@use_case(
    "wallet_transactions.record_refusal", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, statements=8,
    example={"number": 1, "why": "insufficient_funds"},
)  # fmt: skip
async def record_refusal(cmd: RecordRefusal, uow: IUnitOfWork, *, clock: IClock) -> WalletTransactionView:
    """Note that a form is turned away; where another one helps, it is priced next.

    Errors: `not_found`.
    """
    transaction = await uow.wallet_transactions.get(cmd.id, lock=True)
    transaction.be_refused(cmd.number, cmd.why, clock.now())
    return WalletTransactionView.of(transaction)
