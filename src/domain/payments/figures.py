"""Figures of payments: what every order and refund adds to the sums of an organization.

An aggregate's contributions are a function of its present state and nothing else. So the sums are exact whatever
happened: a change takes away what the aggregate contributed before and adds what it contributes now.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from attrs import frozen

from domain.payments.durations import bin_of
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.payments.refund import Refund, RefundStatus
from domain.shared.errors import Invalid
from domain.shared.money import MAX_MINOR, Money

MAX_PERIOD_DAYS = 3660
COUNTS = (*(f"orders_{status.value}" for status in PaymentOrderStatus), "captures", "refunds")
"""What is counted: orders by their state, successful charges, successful refunds."""

AMOUNTS = ("captured", "fees", "refunded")
"""What is added up, in minor units of one currency."""

PAID = (PaymentOrderStatus.COMPLETED, PaymentOrderStatus.PARTIALLY_REFUNDED, PaymentOrderStatus.REFUNDED)


class FiguresTooLarge(Invalid):
    """A sum does not fit into an amount of money; a shorter period may have one that does."""

    code = "figures_too_large"
    summary = "The sum of the amounts is beyond 64 bits."


class Contribution(NamedTuple):
    """What an aggregate adds to the figures of one currency at one moment, by the names above."""

    at: datetime
    currency: str
    adds: Mapping[str, int]


class Duration(NamedTuple):
    """That a payment which was completed at a moment took so long; ``bin`` is the histogram's."""

    at: datetime
    bin: int


def of_order(order: PaymentOrder) -> Iterator[Contribution]:
    """Yield what an order adds: to the moment it was opened its state, to the moment it was paid the money.

    What a provider keeps of money that an order did not want any more counts when the order was opened.
    """
    currency = order.amount.currency
    state = {f"orders_{order.status.value}": 1}
    if order.completed_at is None:
        yield Contribution(order.created_at, currency, {**state, "fees": order.fee_minor})
        return
    yield Contribution(order.created_at, currency, state)
    paid = {"captures": 1, "captured": order.captured_minor, "fees": order.fee_minor}
    yield Contribution(order.completed_at, currency, paid)


def duration_of(order: PaymentOrder) -> Duration | None:
    """Return how long a paid order's successful attempt took."""
    if order.completed_at is None or order.processing_at is None:
        return None
    return Duration(order.completed_at, bin_of(order.processing_at, order.completed_at))


def of_refund(refund: Refund) -> Iterator[Contribution]:
    """Yield what a refund adds once it succeeded; money that was never captured is not given back by it."""
    if refund.status is RefundStatus.SUCCEEDED and refund.succeeded_at is not None and not refund.surplus:
        given_back = {"refunds": 1, "refunded": refund.amount.minor}
        yield Contribution(refund.succeeded_at, refund.amount.currency, given_back)


@frozen
class Figures:
    """The sums of one currency over one period, by the names above; a name without a sum has 0."""

    currency: str
    sums: Mapping[str, int]

    def count(self, name: str) -> int:
        """Return how many."""
        return self.sums.get(name, 0)

    def money(self, name: str) -> Money:
        """Return how much.

        Raises:
            FiguresTooLarge: more than an amount can hold.
        """
        return money_of(self.count(name), self.currency)

    @property
    def net(self) -> Money:
        """What is left of the captured money without fees and refunds."""
        return money_of(self.count("captured") - self.count("fees") - self.count("refunded"), self.currency)

    @property
    def average(self) -> Money | None:
        """What a paid order was worth, rounded half up to the minor unit; None without one."""
        captured, captures = self.count("captured"), self.count("captures")
        return money_of((2 * captured + captures) // (2 * captures), self.currency) if captures else None


def money_of(minor: int, currency: str) -> Money:
    """Return a sum as money.

    Raises:
        FiguresTooLarge: more than an amount can hold.
    """
    if not -MAX_MINOR <= minor <= MAX_MINOR:
        raise FiguresTooLarge
    return Money(minor, currency)


def share(part: int, whole: int) -> str | None:
    """Return part of a whole as a decimal fraction with four digits, ``0.9731``, rounded half up; None of nothing."""
    if not whole:
        return None
    units, rest = divmod((2 * part * 10_000 + whole) // (2 * whole), 10_000)
    return f"{units}.{rest:04}"


class Span(NamedTuple):
    """From ``since`` on and before ``until``."""

    since: datetime
    until: datetime


class IPaymentFigures(Protocol):
    """The figures of the organization's payments, at any time equal to what its orders and refunds add up to."""

    async def over(self, span: Span) -> Sequence[Figures]:
        """Return the figures of a span by currency, in one statement; currencies without any are left out."""
        ...

    async def series(self, spans: Sequence[Span], *, currency: str | None = None) -> Sequence[Sequence[Figures]]:
        """Return for each span its money by currency, without states of orders, all in one statement."""
        ...

    async def durations(self, span: Span) -> Mapping[int, int]:
        """Return how many payments of each bin were completed, in one statement."""
        ...

    async def verify(self, days: Span) -> int:
        """Count everything on whole days of UTC again; return how many sums are not what the rows add up to."""
        ...

    async def recount(self, days: Span) -> int:
        """Do the same and make those sums right; returns how many were wrong."""
        ...
