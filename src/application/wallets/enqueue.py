"""Having a wallet send something, from inside of any use-case."""

from datetime import datetime, timedelta

from application.kernel.ports import IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.wallets.origins import HEARERS
from application.wallets.screening import screen
from application.wallets.transaction_jobs import SEND
from domain.shared.evm_types import BaseUnits
from domain.shared.ids import WalletId, WalletTransactionId
from domain.wallets.transaction_errors import DailyLimitExceeded, TransactionLimitExceeded, WalletNotVerified
from domain.wallets.transaction_intent import Intent, Origin
from domain.wallets.wallet import Wallet
from domain.wallets.wallet_transaction import WalletTransaction

DAY = timedelta(hours=24)


async def enqueue(
    uow: IUnitOfWork, wallet_id: WalletId, intent: Intent, *, origin: Origin | None = None, now: datetime, ids: IIds
) -> WalletTransaction:
    """Note what a wallet is to send; a worker sends it after this transaction, once whatever happens.

    The wallet's row is locked until the end of the transaction. With an ``origin`` its use-case hears of the end.

    Raises:
        EntityNotFoundError: the organization has no such wallet.
        WalletWatchOnly: nobody here can sign for it.
        WalletNotVerified: nobody has shown yet that its signer has the key.
        AddressBlocked: the organization does no business with who would get it.
        AddressNotAllowed: there is an allow list without who would get it.
        TransactionLimitExceeded: it is more than one transaction of the wallet may send.
        DailyLimitExceeded: the wallet was asked to send too much within 24 hours.
    """
    if origin is not None and origin.kind not in HEARERS:
        raise LookupError(f"nobody hears of what {origin.kind} asks for")
    wallet = await uow.wallets.get(wallet_id, lock=True)
    wallet.ensure_can_sign()
    if wallet.verified_at is None:
        raise WalletNotVerified
    if intent.counterparty is not None:
        await screen(uow, intent.counterparty)
    await _keep_to_limits(uow, wallet, intent.value, now)
    transaction = WalletTransaction.request(
        intent, id=WalletTransactionId(ids.new()), organization_id=wallet.organization_id, wallet_id=wallet.id,
        chain_id=wallet.chain_id, sender=wallet.address, origin=origin, now=now,
    )  # fmt: skip
    uow.wallet_transactions.add(transaction)
    await uow.jobs.schedule(SEND, transaction.id)
    return transaction


async def _keep_to_limits(uow: IUnitOfWork, wallet: Wallet, value: BaseUnits, now: datetime) -> None:
    """Compare with the wallet's limits, under its lock."""
    if wallet.max_per_transaction is not None and value > wallet.max_per_transaction:
        raise TransactionLimitExceeded
    if wallet.max_per_day is None or not value:
        return
    if value + await uow.wallet_transactions.sent_since(wallet.id, now - DAY) > wallet.max_per_day:
        raise DailyLimitExceeded
