"""When a transaction is seen to next, and that somebody hears of its end."""

from datetime import datetime, timedelta

from application.kernel.unit_of_work import IUnitOfWork
from application.wallets.origins import REPORT
from domain.wallets.transaction_status import WalletTransactionStatus
from domain.wallets.wallet_transaction import WalletTransaction

SEND = "wallets.send"
AT_ONCE, SOONEST, LATEST = timedelta(), timedelta(seconds=1), timedelta(seconds=30)
_PART = 8


def pause(transaction: WalletTransaction, now: datetime) -> timedelta:
    """Return how long to wait before the chain is asked again: an eighth of the time it took so far."""
    mined = transaction.status is WalletTransactionStatus.MINED
    since = (transaction.mined_at if mined else transaction.broadcast_at) or transaction.created_at
    return min(max((now - since) / _PART, SOONEST), LATEST)


async def follow_up(uow: IUnitOfWork, transaction: WalletTransaction, now: datetime) -> None:
    """Have what is left to do done, at once unless it has to wait; at the end tell whoever asked for it."""
    if not transaction.is_final:
        await uow.jobs.schedule(SEND, transaction.id, delay=pause(transaction, now) if transaction.waits else AT_ONCE)
        return
    await uow.jobs.finish(SEND, transaction.id)
    if transaction.origin_kind is not None:
        await uow.jobs.schedule(REPORT, transaction.id)
