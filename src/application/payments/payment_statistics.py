"""What an organization's payments add up to: statistics of a period, and a series by the day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.fields import Currency
from application.kernel.ports import IClock
from application.kernel.query_cache import cached
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.payments.durations import percentile_ms
from domain.payments.figures import MAX_PERIOD_DAYS, PAID, Figures, Span, share
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.shared.calendar import check_date, check_zone, day_bounds, days_between
from domain.shared.money import Money
from domain.shared.period import InvalidPeriod

MAX_DAYS = 366
FIGURES = cached(5, "payment_order", "refund")
Day = Annotated[str, Len(10, 10)]
ZoneName = Annotated[str, Len(1, 64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyVolumeView:
    """The money of one currency. `refund_rate` is `refunded` by `captured`; `average_order` is of captured orders."""

    currency: str
    captures: int
    captured: Money
    refunds: int
    refunded: Money
    fees: Money
    net: Money
    refund_rate: str | None
    average_order: Money | None

    @classmethod
    def of(cls, figures: Figures) -> "CurrencyVolumeView":
        """Show the money of one currency."""
        return cls(
            currency=figures.currency,
            captures=figures.count("captures"),
            captured=figures.money("captured"),
            refunds=figures.count("refunds"),
            refunded=figures.money("refunded"),
            fees=figures.money("fees"),
            net=figures.net,
            refund_rate=share(figures.count("refunded"), figures.count("captured")),
            average_order=figures.average,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingTimeView:
    """How long successful attempts took, in milliseconds; wrong by at most 5 %, because durations are kept in bins."""

    payments: int
    p50_ms: int | None
    p90_ms: int | None
    p99_ms: int | None

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> "ProcessingTimeView":
        """Read the percentiles off a histogram."""
        p50, p90, p99 = (percentile_ms(counts, percent) for percent in (50, 90, 99))
        return cls(payments=sum(counts.values()), p50_ms=p50, p90_ms=p90, p99_ms=p99)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStatisticsView:
    """A period in figures.

    `orders`, `orders_by_status` and `success_rate` are about the orders opened in it, as they are now; the rate is the
    paid ones, refunded since or not, by the paid and the failed ones, as a fraction. Money and processing times are of
    what was captured and refunded in it.
    """

    since: datetime
    until: datetime
    orders: int
    orders_by_status: dict[str, int]
    success_rate: str | None
    processing_time: ProcessingTimeView
    volume: list[CurrencyVolumeView]

    @classmethod
    def of(cls, span: Span, figures: Sequence[Figures], durations: Mapping[int, int]) -> "PaymentStatisticsView":
        """Show the figures of all currencies."""
        states = {
            status: sum(each.count(f"orders_{status.value}") for each in figures) for status in PaymentOrderStatus
        }
        paid = sum(states[status] for status in PAID)
        return cls(
            since=span.since,
            until=span.until,
            orders=sum(states.values()),
            orders_by_status={status.value: count for status, count in states.items()},
            success_rate=share(paid, paid + states[PaymentOrderStatus.FAILED]),
            processing_time=ProcessingTimeView.of(durations),
            volume=[CurrencyVolumeView.of(each) for each in figures if _has_money(each)],
        )


def _has_money(figures: Figures) -> bool:
    return any(figures.count(name) for name in ("captures", "refunds", "fees"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPaymentStatistics:
    """A period: `since` belongs to it, `until` does not. Left out, it is the 30 days until now; at most ten years."""

    since: datetime | None = None
    until: datetime | None = None


@use_case(
    "payment_orders.get_statistics",
    scope=Scope.PAYMENT_ORDERS_READ,
    example={"since": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"},
    read_only=True,
    statements=2,
    cached=FIGURES,
)
async def get_payment_statistics(
    cmd: GetPaymentStatistics, uow: IUnitOfWork, *, clock: IClock
) -> PaymentStatisticsView:
    """Return the organization's success rate, volume by currency, refunds, fees and processing times of a period.

    Errors: `period_invalid`, `figures_too_large`.
    """
    span = _period(cmd, clock.now())
    figures = await uow.payment_figures.over(span)
    return PaymentStatisticsView.of(span, figures, await uow.payment_figures.durations(span))


def _period(cmd: GetPaymentStatistics, now: datetime) -> Span:
    until = now if cmd.until is None else cmd.until
    since = until - timedelta(days=30) if cmd.since is None else cmd.since
    if not timedelta() < until - since <= timedelta(days=MAX_PERIOD_DAYS):
        raise InvalidPeriod(path="until")
    return Span(since, until)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayVolumeView:
    """One day, in minor units of the series' currency. `net` is what is left without fees and refunds."""

    date: str
    captures: int
    captured_minor: int
    refunds: int
    refunded_minor: int
    fees_minor: int
    net_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencySeriesView:
    """Every day of the period in one currency, also those on which nothing happened."""

    currency: str
    days: list[DayVolumeView]


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyVolumeView:
    """A series for each currency that has anything in the period, or for the one that was asked for."""

    time_zone: str
    first_day: str
    last_day: str
    series: list[CurrencySeriesView]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDailyVolume:
    """The days, both included and at most 366, as they are counted in an IANA time zone."""

    first_day: Day
    last_day: Day
    time_zone: ZoneName = "UTC"
    currency: Currency | None = None


@use_case(
    "payment_orders.get_daily_volume",
    scope=Scope.PAYMENT_ORDERS_READ,
    example={"first_day": "2026-01-01", "last_day": "2026-12-31", "time_zone": "Europe/Berlin", "currency": "EUR"},
    read_only=True,
    statements=1,
    cached=FIGURES,
)
async def get_daily_volume(cmd: GetDailyVolume, uow: IUnitOfWork) -> DailyVolumeView:
    """Return what was captured, refunded and kept as fees on every day of a period, by currency.

    A day at which the clock changes has 23 or 25 hours and counts exactly those.

    Errors: `period_invalid`, `date_invalid`, `time_zone_invalid`, `currency_invalid`, `figures_too_large`.
    """
    zone, days = check_zone(cmd.time_zone), _days(cmd)
    wanted = [] if cmd.currency is None else [Money.zero(cmd.currency).currency]
    found = await uow.payment_figures.series([Span(*day_bounds(day, zone)) for day in days], currency=cmd.currency)
    return DailyVolumeView(
        time_zone=cmd.time_zone, first_day=cmd.first_day, last_day=cmd.last_day,
        series=_series([day.isoformat() for day in days], found, wanted),
    )  # fmt: skip


def _days(cmd: GetDailyVolume) -> Sequence[date]:
    first, last = check_date(cmd.first_day, "first_day"), check_date(cmd.last_day, "last_day")
    if not 0 <= (last - first).days < MAX_DAYS:
        raise InvalidPeriod(path="last_day")
    return days_between(first, last)


def _series(days: Sequence[str], found: Sequence[Sequence[Figures]], wanted: Sequence[str]) -> list[CurrencySeriesView]:
    """Turn what was found by day into a series by currency without gaps."""
    by_day = [{each.currency: each for each in figures} for figures in found]
    currencies = wanted or sorted({currency for figures in by_day for currency in figures})
    return [
        CurrencySeriesView(
            currency=currency,
            days=[
                _day(day, figures.get(currency) or Figures(currency, {}))
                for day, figures in zip(days, by_day, strict=True)
            ],
        )
        for currency in currencies
    ]


def _day(day: str, figures: Figures) -> DayVolumeView:
    return DayVolumeView(
        date=day,
        captures=figures.count("captures"),
        captured_minor=figures.money("captured").minor,
        refunds=figures.count("refunds"),
        refunded_minor=figures.money("refunded").minor,
        fees_minor=figures.money("fees").minor,
        net_minor=figures.net.minor,
    )
