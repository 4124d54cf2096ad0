"""Random histories of orders and refunds, and what they add up to when it is counted by hand."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import strategies as st

from domain.payments.durations import bin_of
from domain.payments.figures import Figures, Span
from domain.payments.payment_attempt import AttemptOutcome, AttemptStatus
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.payments.refund import Refund, RefundOutcome, RefundStatus
from domain.shared.errors import StoaError
from domain.shared.ids import PaymentAttemptId, PaymentOrderId, RefundId
from domain.shared.money import MAX_MINOR, Money
from domain.shared.specification import Equal, Everything
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import Shop, unit

START = datetime(2026, 3, 28, 22, 15, tzinfo=UTC)
MOMENTS = st.sampled_from([
    START + timedelta(hours=hours, microseconds=micros)
    for hours in (0, 0.75, 1, 1.75, 2, 25, 25.75, 26, 49)
    for micros in (-1, 0, 1, 999_999)
])  # fmt: skip
AMOUNTS = st.sampled_from([1, 999_999_999, 1_000_000_000, 2_500_000_001, MAX_MINOR])
CURRENCIES = st.sampled_from(["EUR", "JPY"])
ACTIONS = ("pay", "succeed", "decline", "wonder", "cancel", "expire", "refund", "settle", "fail", "forget", "relabel")


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to which order, when, and whether it is committed."""

    action: str
    which: int
    at: datetime
    minor: int
    currency: str
    committed: bool


STEPS = st.lists(
    st.builds(
        Step, st.sampled_from(("open", "open", "pay", "pay", "succeed", "succeed", *ACTIONS)), st.integers(0, 5),
        MOMENTS, AMOUNTS, CURRENCIES, st.sampled_from([True, True, True, False]),
    ),
    min_size=5, max_size=25,
)  # fmt: skip


async def live(shop: Shop, steps: list[Step]) -> None:
    """Take the steps, each in a unit of work of its own; what the rules refuse is rolled back like the rest."""
    order_ids: list[PaymentOrderId] = []
    for step in steps:
        async with unit(shop.stack, shop.actor) as uow:
            with suppress(StoaError):
                made = await _take(shop, uow, step, order_ids)
                if step.committed:
                    await uow.commit()
                    order_ids = [*order_ids, *made]


async def _take(shop: Shop, uow: SqlUnitOfWork, step: Step, order_ids: list[PaymentOrderId]) -> list[PaymentOrderId]:
    if step.action == "open" or not order_ids:
        orders = [_order(shop, step) for _ in range(1 + step.which % 2)]
        await uow.payment_orders.add_many(orders)
        return [order.id for order in orders]
    order = await uow.payment_orders.get(order_ids[step.which % len(order_ids)], lock=True)
    if step.action in _PLAIN:
        _PLAIN[step.action](shop, order, step.at)
    elif step.action == "forget":
        uow.payment_orders.purge(order)
    elif step.action == "relabel":
        await uow.payment_orders.update_where(Equal("id", order.id), {"metadata": {"n": step.which}})
    elif step.action == "refund":
        part = Money(max(1, order.refundable.minor // (1 + step.which % 2)), order.amount.currency)
        uow.refunds.add(Refund.request(order, id=RefundId(shop.stack.ids.new()), amount=part, now=step.at))
    else:
        await _conclude_refund(uow, order, step)
    return []


async def _conclude_refund(uow: SqlUnitOfWork, order: PaymentOrder, step: Step) -> None:
    refund = await uow.refunds.find_one(Equal("payment_order_id", order.id) & Equal("status", "pending"), lock=True)
    if refund is None:
        return
    status = RefundStatus.SUCCEEDED if step.action == "settle" else RefundStatus.FAILED
    if refund.conclude(RefundOutcome(status=status), step.at):
        if status is RefundStatus.SUCCEEDED:
            order.settle_refund(refund.id, refund.amount, step.at)
        else:
            order.release_refund(refund.id, refund.amount, step.at)


def _order(shop: Shop, step: Step) -> PaymentOrder:
    return PaymentOrder.open(
        shop.link, id=PaymentOrderId(shop.stack.ids.new()), number=uuid4().hex[:20], customer_id=shop.customer.id,
        quantity=1, amount=Money(step.minor, step.currency), now=step.at, expires_at=step.at + timedelta(days=90),
    )  # fmt: skip


def _concluding(status: AttemptStatus, *, fee: bool = False) -> Callable[[Shop, PaymentOrder, datetime], None]:
    def conclude(shop: Shop, order: PaymentOrder, at: datetime) -> None:
        kept = Money(min(7, order.amount.minor), order.amount.currency) if fee else None
        if order.attempts:
            order.conclude(order.attempts[-1].id, AttemptOutcome(status=status, fee=kept), at)

    return conclude


_PLAIN: dict[str, Callable[[Shop, PaymentOrder, datetime], object]] = {
    "pay": lambda shop, order, at: order.pay(PaymentAttemptId(shop.stack.ids.new()), shop.method.id, at),
    "succeed": _concluding(AttemptStatus.SUCCEEDED, fee=True),
    "decline": _concluding(AttemptStatus.DECLINED),
    "wonder": _concluding(AttemptStatus.UNKNOWN),
    "cancel": lambda _, order, at: order.cancel(at),
    "expire": lambda _, order, at: order.expire(at),
}


@dataclass(frozen=True, slots=True)
class ByHand:
    """What one span adds up to, counted in Python over everything there is."""

    figures: dict[str, dict[str, int]]
    durations: dict[int, int]

    @classmethod
    async def count(cls, uow: SqlUnitOfWork, span: Span) -> "ByHand":
        """Load every order and refund and count."""
        sums: dict[str, Counter[str]] = {}
        durations: Counter[int] = Counter()

        def add(at: datetime | None, currency: str, **adds: int) -> None:
            if at is not None and span.since <= at < span.until:
                sums.setdefault(currency, Counter()).update(adds)

        for order in await uow.payment_orders.find(Everything()):
            currency = order.amount.currency
            add(order.created_at, currency, **{f"orders_{order.status.value}": 1})
            add(order.completed_at, currency, captures=1, captured=order.captured_minor)
            add(order.completed_at or order.created_at, currency, fees=order.fee_minor)
            if order.completed_at and order.processing_at and span.since <= order.completed_at < span.until:
                durations[bin_of(order.processing_at, order.completed_at)] += 1
        for refund in await uow.refunds.find(Equal("status", "succeeded") & Equal("surplus", value=False)):
            add(refund.succeeded_at, refund.amount.currency, refunds=1, refunded=refund.amount.minor)
        return cls(_nonzero(sums), dict(durations))


def _nonzero(sums: dict[str, Counter[str]]) -> dict[str, dict[str, int]]:
    kept = {currency: {name: value for name, value in found.items() if value} for currency, found in sums.items()}
    return {currency: found for currency, found in kept.items() if found}


def readable(figures: "list[Figures]") -> dict[str, dict[str, int]]:
    """Return figures in the form of those counted by hand."""
    return {each.currency: {name: value for name, value in each.sums.items() if value} for each in figures}


def money_only(figures: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Leave the states of orders out, as a series does."""
    states = {f"orders_{status.value}" for status in PaymentOrderStatus}
    kept = {c: {name: value for name, value in sums.items() if name not in states} for c, sums in figures.items()}
    return {currency: sums for currency, sums in kept.items() if sums}
