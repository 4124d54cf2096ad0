"""Counting everything again: do the kept sums equal what the rows add up to, and making them so."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, cast

from sqlalchemy import Column, Executable, Table, and_, bindparam, func, literal_column, or_, select, text, union_all

from domain.payments.figures import Span
from infrastructure.persistence import tenancy
from infrastructure.persistence.reporting import sources
from infrastructure.persistence.reporting.sources import ALL_COLUMNS, Query
from infrastructure.persistence.reporting.tally import BASE, DURATIONS, FIGURES, add_to
from infrastructure.persistence.session import Session
from infrastructure.persistence.types import UtcDateTime

type Difference = dict[str, object]
"""A row of one of the tables, in which every sum is what is missing from the stored one."""


async def differences(session: Session, days: Span) -> tuple[list[Difference], list[Difference]]:
    """Return what the stored figures and durations of whole days of UTC lack; nothing when they are right.

    Each of the two is one statement, so a payment that is just being committed is on both sides or on neither.
    """
    params = {"since": days.since, "until": days.until}
    figures = await session.rows(session.prepare("recount-figures", _figures), params)
    durations = await session.rows(session.prepare("recount-durations", _durations), params)
    names = ("hour", "currency", *ALL_COLUMNS)
    lacking = (_row(names, row) for row in figures)
    return (
        [row for row in lacking if _is_off(row)],
        [_row(("day", "bin", "payments"), row) for row in durations],
    )


async def correct(session: Session, days: Span) -> int:
    """Make the stored sums of whole days right; returns how many were wrong.

    Nobody's payments are added to the sums meanwhile: those that are not committed yet wait and are added afterwards.
    """
    if session.database.is_postgres:
        for table in (FIGURES, DURATIONS):
            await session.rows(session.prepare(("recount-lock", table.name), partial(_lock, table)), {})
    figures, durations = await differences(session, days)
    for table, rows in ((FIGURES, figures), (DURATIONS, durations)):
        if rows:
            await add_to(session, table, rows)
    return len(figures) + len(durations)


def _row(names: Sequence[str], values: Sequence[object]) -> Difference:
    keys = dict(zip(names[:2], values[:2], strict=True))
    return keys | {name: int(cast("int", value)) for name, value in zip(names[2:], values[2:], strict=True)}


def _is_off(row: Mapping[str, object]) -> bool:
    """Say whether a row means anything: the same amount can be split in two ways."""
    sums = cast("Mapping[str, int]", row)
    amounts = {name.removesuffix("_high") for name in row if name.endswith("_high")}
    counts = [name for name in ALL_COLUMNS if not name.endswith(("_high", "_low"))]
    return any(sums[name] for name in counts) or any(
        sums[f"{name}_high"] * BASE + sums[f"{name}_low"] for name in amounts
    )


def _lock(table: Table) -> Executable:
    return text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE")


def _figures() -> Query:
    stored = select(FIGURES.c.hour, FIGURES.c.currency, *((-FIGURES.c[name]).label(name) for name in ALL_COLUMNS))
    counted = sources.contributions(ALL_COLUMNS, _at("hour"))
    return _lacking(_of_span(stored, FIGURES, "hour"), *counted.selects, keys=("hour", "currency"), names=ALL_COLUMNS)


def _durations() -> Query:
    stored = select(DURATIONS.c.day, DURATIONS.c.bin, (-DURATIONS.c.payments).label("payments"))
    counted = sources.durations(_at("day"))
    return _lacking(_of_span(stored, DURATIONS, "day"), counted, keys=("day", "bin"), names=("payments",))


def _lacking(*parts: Any, keys: Sequence[str], names: Sequence[str]) -> Query:  # noqa: ANN401 - selects of any columns
    both = union_all(*parts).subquery("both")
    sums = {name: func.sum(both.c[name]) for name in names}
    query = select(*(both.c[key] for key in keys), *(total.label(name) for name, total in sums.items()))
    off = or_(*(total != literal_column("0") for total in sums.values()))
    return query.group_by(*(both.c[key] for key in keys)).having(off)


def _of_span(query: Query, table: Table, key: str) -> Query:
    return query.where(tenancy.wall(table), _inside(table.c[key]))


def _at(grain: str) -> sources.Narrow:
    """Return what restricts contributions to the span and puts the beginning of their hour or day in front."""

    def narrow(query: Query, at: Column[Any]) -> Query:
        inside = query.where(_inside(at))
        return inside.with_only_columns(sources.StartOf(at, grain).label(grain), *query.selected_columns)

    return narrow


def _inside(moment: Column[datetime]) -> Any:  # noqa: ANN401 - a condition
    since, until = bindparam("since", type_=UtcDateTime()), bindparam("until", type_=UtcDateTime())
    return and_(moment >= since, moment < until)
