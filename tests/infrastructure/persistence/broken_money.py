"""How the constraints of orders, refunds and the books are broken, behind the back of the domain."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import cast

from attrs import evolve

from domain.books.journal_entry import Direction, EntryAlreadyPosted, EntryType, JournalEntry, Posting
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_errors import RefundExceedsCaptured
from domain.payments.refund import Refund
from domain.shared.errors import DuplicateError, StoaError, ValidationError
from domain.shared.ids import PaymentAttemptId, RefundId
from domain.shared.money import Money
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import Shop

type Break = Callable[[Shop, SqlUnitOfWork], Awaitable[None]]


class Sideways(StrEnum):
    """Neither debit nor credit."""

    SIDEWAYS = "sideways"


async def _an_order(shop: Shop, uow: SqlUnitOfWork) -> PaymentOrder:
    order = shop.order()
    shop.attempt(order)
    uow.payment_orders.add(order)
    await uow.flush()
    return order


async def _refunded_before_collected(shop: Shop, uow: SqlUnitOfWork) -> None:
    order = shop.order()
    order.refunded_minor = order.amount.minor
    uow.payment_orders.add(order)


async def _a_refund_of_nothing(shop: Shop, uow: SqlUnitOfWork) -> None:
    order = await _an_order(shop, uow)
    refund = Refund(
        id=RefundId(shop.stack.ids.new()), organization_id=order.organization_id, created_at=order.created_at,
        updated_at=order.updated_at, payment_order_id=order.id, attempt_id=order.attempts[0].id,
        amount=Money(0, "EUR"), reason="", charge_reference="ch_1",
    )  # fmt: skip
    uow.refunds.add(refund)


def _an_entry(shop: Shop, order: PaymentOrder, source_id: PaymentAttemptId) -> JournalEntry:
    return JournalEntry.post(
        EntryType.CHARGE, order.amount, organization_id=order.organization_id, payment_order_id=order.id,
        source_id=source_id, new_id=shop.stack.ids.new, now=shop.stack.clock.now(),
    )  # fmt: skip


async def _the_same_entry_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    order = await _an_order(shop, uow)
    await uow.journal_entries.add_many([_an_entry(shop, order, order.attempts[0].id) for _ in range(2)])


def _postings(change: Callable[[Posting], Posting]) -> Break:
    async def break_it(shop: Shop, uow: SqlUnitOfWork) -> None:
        order = await _an_order(shop, uow)
        entry = _an_entry(shop, order, order.attempts[0].id)
        entry.postings = [change(posting) for posting in entry.postings]
        uow.journal_entries.add(entry)

    return break_it


BROKEN_MONEY: dict[str, tuple[Break, type[StoaError]]] = {
    "ck_payment_orders_money_within_bounds": (_refunded_before_collected, RefundExceedsCaptured),
    "ck_refunds_amount_positive": (_a_refund_of_nothing, ValidationError),
    "uq_journal_entries_organization_id_type_source_id": (_the_same_entry_twice, EntryAlreadyPosted),
    "uq_journal_postings_organization_id_journal_entry_id_number": (
        _postings(lambda line: evolve(line, number=1)),
        DuplicateError,
    ),
    "ck_journal_postings_direction_known": (
        _postings(lambda line: evolve(line, direction=cast("Direction", Sideways.SIDEWAYS))),
        ValidationError,
    ),
    "ck_journal_postings_amount_positive": (
        _postings(lambda line: evolve(line, amount=Money(0, "EUR"))),
        ValidationError,
    ),
}
