"""A million orders of one organization: pages far down a list, a year in figures, a year by the day."""

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Literal, cast
from unittest.mock import patch
from uuid import UUID

import asyncpg

from application.kernel.wire import Wire
from application.payments.payment_order_search import SearchPaymentOrders
from application.payments.payment_statistics import GetDailyVolume, GetPaymentStatistics
from benchmarks.arena import Arena
from benchmarks.measure import compare, progress
from benchmarks.report import Figure, Row, at_most
from benchmarks.stoa import Stoa, open_stoa
from domain.payments.figures import Span
from domain.shared.ids import OrganizationId
from domain.shared.specification import Everything, IsNotNull, Spec
from infrastructure.persistence.cursor import Cursors, Position

ORDERS, FEW_ORDERS = 1_000_000, 100_000
YEAR = Span(datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
_DAYS = {"first_day": date(2025, 1, 1).isoformat(), "last_day": date(2025, 12, 31).isoformat()}
_COMMON = "organization_id, id, version, created_at, created_by, updated_at, updated_by"
_STATEMENTS = (
    """
    INSERT INTO organizations ({common}, name, slug, default_currency, status)
    VALUES ('{owner}', '{owner}', 1, now(), 'operator', now(), 'operator', 'Large', 'a-large-one', 'EUR', 'active')
    """,
    """
    INSERT INTO payment_orders ({common}, number, payment_link_id, customer_id, product_id, price_id, quantity,
        amount_minor, amount_currency, status, payment_method_id, failure_permanent, processing_at, completed_at,
        failed_at, captured_minor, fee_minor)
    SELECT '{owner}', uuidv7(), 1, at, 'operator', at, 'operator', '2025-' || n, uuidv7(), uuidv7(), uuidv7(),
        uuidv7(), 1, amount, (ARRAY['EUR', 'USD', 'JPY'])[n % 3 + 1], CASE WHEN paid THEN 'completed' ELSE 'failed' END,
        uuidv7(), false, at, CASE WHEN paid THEN at + took END, CASE WHEN NOT paid THEN at + took END,
        CASE WHEN paid THEN amount ELSE 0 END, CASE WHEN paid THEN amount / 50 ELSE 0 END
    FROM (
        SELECT n, timestamptz '2025-01-01 00:00Z' + (n - 0.5) * interval '365 days' / {count} AS at, n % 8 > 0 AS paid,
            n::bigint * 7919 % 100000 + 1 AS amount, exp(random() * 6 - 1) * interval '1 second' AS took
        FROM generate_series(1, {count}) AS n
    ) AS made
    """,
    """
    INSERT INTO payment_attempts (organization_id, id, payment_order_id, number, payment_method_id, status, reference,
        permanent, started_at, concluded_at)
    SELECT organization_id, uuidv7(), id, 1, payment_method_id, 'succeeded', 'ch_' || number, false, created_at,
        completed_at
    FROM payment_orders WHERE organization_id = '{owner}'
    """,
    "VACUUM ANALYZE",
)
_SORTS = {"-created_at": "-created_at", "-completed_at": "-completed_at", "-amount": "-amount.minor"}


async def scale(arena: Arena) -> list[Row]:
    """Make the large organization, and measure whole use-cases in it."""
    count = FEW_ORDERS if arena.scale.quick else ORDERS
    owner = await _seed(arena.ground.superuser, count)
    async with open_stoa(arena.ground.app, owner) as stoa:
        await _count(stoa, arena.ground.superuser)
        rows = [await _pages(arena, stoa, sort, count) for sort in _SORTS]
        rows.append(await _figure(arena, "statistics of a year", partial(_statistics, stoa), count))
        for zone in ("Europe/Berlin", "Asia/Kathmandu"):
            for currency in ("EUR", None):
                name = f"daily volume of a year, {zone}, {currency or 'three currencies'}"
                rows.append(await _figure(arena, name, partial(_daily, stoa, zone, currency), count))
    return rows


async def _seed(superuser_url: str, count: int) -> OrganizationId:
    progress(f"making {count:,} orders of one organization …")
    connection = await asyncpg.connect(superuser_url)
    try:
        owner: UUID = await connection.fetchval("SELECT uuidv7()")
        # Orders point to customers, links and prices nobody looks at here: foreign keys are off while seeding.
        await connection.execute("SET session_replication_role = replica")
        for statement in _STATEMENTS:
            await connection.execute(statement.format(common=_COMMON, owner=owner, count=count))
    finally:
        await connection.close()
    return OrganizationId(owner)


async def _count(stoa: Stoa, superuser_url: str) -> None:
    """Fill the figures, which orders made behind Stoa's back did not."""
    progress("counting them …")
    for month in range(24):
        since = YEAR.since + timedelta(days=16 * month)
        async with stoa.unit() as uow:
            await uow.payment_figures.recount(Span(since, since + timedelta(days=16)))
            await uow.commit()
    connection = await asyncpg.connect(superuser_url)
    try:
        for table in ("payment_figures", "payment_durations"):
            await connection.execute(f"VACUUM ANALYZE {table}")
    finally:
        await connection.close()


async def _pages(arena: Arena, stoa: Stoa, sort: str, count: int) -> Row:
    """Compare the first page of 100 with the last one."""
    second = cast("dict[str, str]", await _page(stoa, sort, None))["next_cursor"]
    shortcuts = _Shortcuts()
    shortcuts.known[f"{second}!"] = await _position_of_the_last_page(stoa, sort)
    with patch.object(Cursors, "read", shortcuts.reader()):
        last = cast("dict[str, list[Wire] | None]", await _page(stoa, sort, f"{second}!"))
        assert len(last["data"] or ()) == 100
        assert last["next_cursor"] is None
        series = await compare(
            f"pages of 100 sorted by {sort}",
            {"first": partial(_page, stoa, sort, None), "last": partial(_page, stoa, sort, f"{second}!")},
            rounds=arena.scale.rounds(40), number=5,
        )  # fmt: skip
    ratio = Figure.of(series.ratio("last", "first"), at_most(1.5))
    return Row(f"{count:,} orders by {sort}: last page vs first", ratio, micros=series.micros())


async def _position_of_the_last_page(stoa: Stoa, sort: str) -> Position:
    """Return the place that somebody has come to who has read every page but the last."""
    attribute = _SORTS[sort].removeprefix("-")
    wanted: Spec[object] = IsNotNull("completed_at") if "completed" in sort else Everything()
    async with stoa.unit(read_only=True) as uow:
        (turned,) = await uow.payment_orders.find(wanted, sort=attribute, limit=1, offset=100)
    value: object = turned
    for name in attribute.split("."):
        value = getattr(value, name)
    return Position(value, turned.id)


class _Shortcuts:
    """Cursors to places nobody has paged to; writing a real one takes reading ten thousand pages."""

    def __init__(self) -> None:
        self.known: dict[str, Position] = {}
        self._read = Cursors.read

    def reader(self) -> Callable[[Cursors, str], Position]:
        def read(cursors: Cursors, text: str) -> Position:
            # A real one is read as well, so that the work is the same.
            place = self._read(cursors, text.partition("!")[0])
            return self.known.get(text, place)

        return read


async def _page(stoa: Stoa, sort: str, cursor: str | None) -> Wire:
    return await _answer(stoa, "payment_orders.search", replace(_search(sort), cursor=cursor))


def _search(sort: str) -> SearchPaymentOrders:
    return SearchPaymentOrders(limit=100, sort=cast("Literal['-created_at', '-completed_at', '-amount']", sort))


async def _statistics(stoa: Stoa) -> Wire:
    since, until = YEAR.since + timedelta(minutes=7), YEAR.until - timedelta(minutes=7)
    return await _answer(stoa, "payment_orders.get_statistics", GetPaymentStatistics(since=since, until=until))


async def _daily(stoa: Stoa, zone: str, currency: str | None) -> Wire:
    command = GetDailyVolume(**_DAYS, time_zone=zone, currency=currency)
    return await _answer(stoa, "payment_orders.get_daily_volume", command)


async def _answer(stoa: Stoa, name: str, command: object) -> Wire:
    return (await stoa.dispatch(name, command, stoa.call)).body


async def _figure(arena: Arena, name: str, act: Callable[[], Awaitable[Wire]], count: int) -> Row:
    """Return the median milliseconds of a whole use-case."""
    taken = []
    for _ in range(arena.scale.rounds(40) + 2):
        started = time.perf_counter()
        await act()
        taken.append((time.perf_counter() - started) * 1000)
    median = statistics.median(taken[2:])
    progress(f"{name}: {median:.1f} ms")
    return Row(f"{count:,} orders: {name}, ms", Figure(round(median, 1), goal=at_most(50)))
