"""Writing money's movements into the books, in the transaction that records them."""

from collections.abc import Iterator
from datetime import datetime

from application.kernel.ports import IIds
from application.kernel.unit_of_work import IUnitOfWork
from domain.books.journal_entry import EntryType, JournalEntry, Units
from domain.payments.payment_attempt import Collected
from domain.payments.payment_order import PaymentOrder
from domain.payments.refund import Refund
from domain.shared.money import Money

_CHARGES = {
    (False, False): EntryType.CHARGE,
    (False, True): EntryType.SURPLUS,
    (True, False): EntryType.CHAIN_CHARGE,
    (True, True): EntryType.CHAIN_SURPLUS,
}
"""Why money came in: whether in a token, and whether the order no longer wanted it."""


def post_collected(
    uow: IUnitOfWork, order: PaymentOrder, collected: Collected, ids: IIds, now: datetime, *, units: Units | None = None
) -> None:
    """Post a charge and the provider's fee, or whichever of the two is news; ``units`` of what moved on a chain."""
    for type_, amount in _movements(collected):
        uow.journal_entries.add(
            JournalEntry.post(
                type_, amount, organization_id=order.organization_id, payment_order_id=order.id,
                source_id=collected.attempt.id, new_id=ids.new, now=now, units=units,
            )
        )  # fmt: skip


def post_refund(uow: IUnitOfWork, refund: Refund, ids: IIds, now: datetime) -> None:
    """Post money that was given back."""
    uow.journal_entries.add(
        JournalEntry.post(
            EntryType.SURPLUS_REFUND if refund.surplus else EntryType.REFUND, refund.amount,
            organization_id=refund.organization_id, payment_order_id=refund.payment_order_id, source_id=refund.id,
            new_id=ids.new, now=now,
        )
    )  # fmt: skip


def _movements(collected: Collected) -> Iterator[tuple[EntryType, Money]]:
    if collected.money is not None:
        yield _CHARGES[collected.attempt.in_token, collected.surplus], collected.money
    if collected.fee is not None:
        yield EntryType.FEE, collected.fee
