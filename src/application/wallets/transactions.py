"""Transactions of wallets: having one sent, following it, and changing one's mind."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.page import PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.wallets.enqueue import enqueue
from application.wallets.transaction_jobs import follow_up
from application.wallets.transaction_view import WalletTransactionView
from domain.shared.evm_types import NOTHING, Address, BaseUnits, TransactionHash
from domain.shared.ids import WalletId, WalletTransactionId
from domain.wallets.transaction_direction import TransactionDirection
from domain.wallets.transaction_intent import NO_DATA, PURPOSE, Intent
from domain.wallets.transaction_specifications import transactions_matching
from domain.wallets.transaction_status import WalletTransactionStatus

Data = Annotated[str, Len(2, 10_000)]
"""A call's input: 0x and hexadecimal digits, two for each byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRequest:
    """What a wallet is to send: coins (`value`) with or without a call's `data`, or an amount of one token.

    Amounts are in the smallest unit. A token goes to `to` as well, and Stoa calls its contract.
    """

    id: WalletId
    to: Address
    value: BaseUnits = NOTHING
    data: Data = NO_DATA
    token_address: Address | None = None
    token_amount: BaseUnits | None = None
    purpose: Annotated[str, PURPOSE] = ""


@use_case(
    "wallets.send_transaction",
    scope=Scope.WALLETS_SEND,
    example={
        "to": "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
        "value": "1500000000000000",
        "purpose": "Beans, March",
    },
    money=True,
    statements=10,
)
async def send_transaction(
    cmd: TransactionRequest, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> WalletTransactionView:
    """Have a wallet send coins or a token, or call a contract, on its chain. What becomes of it follows, as events.

    It is simulated before it is signed: what the wallet cannot afford, and what the chain would refuse, fails without a
    trace on the chain. Everything else is sent exactly once, in the order in which the wallet's transactions got their
    nonces, and is confirmed after the chain's number of blocks. No agent can do this.

    Errors: `not_found`, `wallet_watch_only`, `wallet_not_verified`, `address_blocked`, `address_not_allowed`,
    `transaction_limit_exceeded`, `daily_limit_exceeded`, `transaction_invalid`, `address_invalid`, `text_invalid`.
    """
    intent = Intent.requested(
        cmd.to, cmd.value, data=cmd.data, token=cmd.token_address, token_amount=cmd.token_amount, purpose=cmd.purpose
    )
    return WalletTransactionView.of(await enqueue(uow, cmd.id, intent, now=clock.now(), ids=ids))


get_use_case(
    "wallet_transactions.get", lambda uow: uow.wallet_transactions, WalletTransactionView,
    "Return one transaction of a wallet, with all its forms.", scope=Scope.WALLETS_READ, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWalletTransactions(PageQuery):
    """Which transactions."""

    wallet_id: WalletId | None = None
    status: WalletTransactionStatus | None = None
    direction: TransactionDirection | None = None
    transaction_hash: TransactionHash | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "wallet_transactions.list", ListWalletTransactions, lambda uow: uow.wallet_transactions, WalletTransactionView,
    "List what was sent from here, and what is known to have come in, newest first. A hash is of what is in a block.",
    where=lambda cmd: transactions_matching(
        wallet_id=cmd.wallet_id, status=cmd.status, direction=cmd.direction, transaction_hash=cmd.transaction_hash
    ),
    scope=Scope.WALLETS_READ, example={"limit": 20, "status": "confirmed"}, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedUpWalletTransaction:
    """Which transaction, and optionally the version the caller read."""

    id: WalletTransactionId
    expected_version: Version | None = None


@use_case("wallet_transactions.speed_up", scope=Scope.WALLETS_SEND, example={}, money=True, statements=8)
async def speed_up_wallet_transaction(
    cmd: SpeedUpWalletTransaction, uow: IUnitOfWork, *, clock: IClock
) -> WalletTransactionView:
    """Pay more for a transaction that waits for a block: what the chain asks for now, and at least an eighth more.

    The same is signed again with the same nonce, so that whichever form is mined, it happens once.

    Errors: `not_found`, `version_stale`, `transition_invalid`, `transaction_replaced_too_often`.
    """
    transaction = await uow.wallet_transactions.get(cmd.id, lock=True)
    transaction.expect_version(cmd.expected_version)
    transaction.speed_up(clock.now())
    await follow_up(uow, transaction, clock.now())
    return WalletTransactionView.of(transaction)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelWalletTransaction:
    """Which transaction, and optionally the version the caller read."""

    id: WalletTransactionId
    expected_version: Version | None = None


@use_case("wallet_transactions.cancel", scope=Scope.WALLETS_SEND, example={}, money=True, statements=8)
async def cancel_wallet_transaction(
    cmd: CancelWalletTransaction, uow: IUnitOfWork, *, clock: IClock
) -> WalletTransactionView:
    """Try to stop a transaction. Before it is prepared it ends at once, as `failed` with `cancelled`.

    Afterwards a transaction that does nothing is sent with the same nonce and higher fees. Which of them is mined
    decides: `replaced`, or `confirmed` if the cancellation came too late.

    Errors: `not_found`, `version_stale`, `transition_invalid`, `transaction_replaced_too_often`.
    """
    transaction = await uow.wallet_transactions.get(cmd.id, lock=True)
    transaction.expect_version(cmd.expected_version)
    transaction.cancel(clock.now())
    await follow_up(uow, transaction, clock.now())
    return WalletTransactionView.of(transaction)
