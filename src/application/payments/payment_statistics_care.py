"""Counting payments again, for whoever doubts the figures."""

from dataclasses import dataclass
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from application.kernel.actor import Scope
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.payments.payment_statistics import Day
from domain.payments.figures import Span
from domain.shared.calendar import check_date, day_start
from domain.shared.period import InvalidPeriod

MAX_DAYS = 92
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsVerificationView:
    """How many sums of an hour or a day were not what orders and refunds add up to; none is, unless by hand."""

    first_day: str
    last_day: str
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPaymentStatistics:
    """The days of UTC to count, both included and at most 92."""

    first_day: Day
    last_day: Day


@use_case(
    "payment_orders.verify_statistics",
    scope=Scope.PAYMENT_ORDERS_READ,
    example={"first_day": "2026-01-01", "last_day": "2026-01-31"},
    read_only=True,
    statements=2,
)
async def verify_payment_statistics(cmd: VerifyPaymentStatistics, uow: IUnitOfWork) -> StatisticsVerificationView:
    """Count all orders and refunds of some days and compare them with the figures that statistics are made of.

    Errors: `date_invalid`, `period_invalid`.
    """
    wrong = await uow.payment_figures.verify(_whole(cmd.first_day, cmd.last_day))
    return StatisticsVerificationView(first_day=cmd.first_day, last_day=cmd.last_day, wrong=wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecountPaymentStatistics:
    """The days of UTC to count, both included and at most 92."""

    first_day: Day
    last_day: Day


@use_case(
    "payment_orders.recount_statistics",
    scope=Scope.PLATFORM_OPERATE,
    internal="Figures are only ever wrong where rows were changed by hand, by whoever runs the database.",
    example={"first_day": "2020-01-01", "last_day": "2020-01-31"},
    statements=8,
)
async def recount_payment_statistics(cmd: RecountPaymentStatistics, uow: IUnitOfWork) -> StatisticsVerificationView:
    """Count all orders and refunds of some days and make the figures right; payments wait for as long as it takes.

    Errors: `date_invalid`, `period_invalid`.
    """
    wrong = await uow.payment_figures.recount(_whole(cmd.first_day, cmd.last_day))
    return StatisticsVerificationView(first_day=cmd.first_day, last_day=cmd.last_day, wrong=wrong)


def _whole(first_day: str, last_day: str) -> Span:
    first, last = check_date(first_day, "first_day"), check_date(last_day, "last_day")
    if not 0 <= (last - first).days < MAX_DAYS:
        raise InvalidPeriod(path="last_day")
    since, until = (day_start(day, _UTC).astimezone(UTC) for day in (first, last + timedelta(days=1)))
    return Span(since, until)
