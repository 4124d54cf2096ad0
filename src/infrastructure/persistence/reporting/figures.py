"""Asking for the figures: whole hours from their sums, the rest of a period from the rows themselves.

All of a question is one statement, so that it sees one moment of the database: a payment is in the sums and in the
rows, or in neither.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
from sqlalchemy import BigInteger, Column, FromClause, and_, bindparam, column, func, select, true, union_all

from domain.payments.figures import AMOUNTS, Figures, IPaymentFigures, Span
from infrastructure.persistence import tenancy
from infrastructure.persistence.reporting import recount, sources
from infrastructure.persistence.reporting.sources import ALL_COLUMNS, MONEY_COLUMNS, Query
from infrastructure.persistence.reporting.tally import BASE, DAY, DURATIONS, FIGURES, HOUR, start_of
from infrastructure.persistence.session import Session
from infrastructure.persistence.types import JsonText, UtcDateTime, text


class SqlPaymentFigures(IPaymentFigures):
    """The figures of one organization."""

    def __init__(self, session: Session) -> None:
        """Read in the unit of work's transaction."""
        self._session = session

    async def over(self, span: Span) -> Sequence[Figures]:
        """Add up one span, with the states of orders."""
        return (await self._sums([span], ALL_COLUMNS, None))[0]

    async def series(self, spans: Sequence[Span], *, currency: str | None = None) -> Sequence[Sequence[Figures]]:
        """Add up many spans."""
        return await self._sums(spans, MONEY_COLUMNS, currency)

    async def durations(self, span: Span) -> Mapping[int, int]:
        """Add up the histogram of one span."""
        postgres = self._session.database.is_postgres
        statement = self._session.prepare("durations", lambda: _durations(postgres=postgres))
        rows = await self._session.rows(statement, _split([span], DAY))
        return {int(cast("int", at)): int(cast("int", count)) for at, count in rows if count}

    async def verify(self, days: Span) -> int:
        """Compare with everything counted again."""
        figures, durations = await recount.differences(self._session, days)
        return len(figures) + len(durations)

    async def recount(self, days: Span) -> int:
        """Add what is missing."""
        await self._session.flush()
        return await recount.correct(self._session, days)

    async def _sums(
        self, spans: Sequence[Span], names: Sequence[str], currency: str | None
    ) -> Sequence[Sequence[Figures]]:
        postgres, one = self._session.database.is_postgres, currency is not None
        statement = self._session.prepare(
            ("figures", len(names), one), lambda: _sums(names, postgres=postgres, one=one)
        )
        rows = await self._session.rows(statement, {**_split(spans, HOUR), "currency": currency})
        found: defaultdict[int, list[Figures]] = defaultdict(list)
        for at, of, *values in rows:
            sums = _joined({name: int(cast("int", value)) for name, value in zip(names, values, strict=True)})
            if any(sums.values()):
                found[cast("int", at)].append(Figures(cast("str", of), sums))
        return [found[n] for n in range(len(spans))]


def _joined(values: Mapping[str, int]) -> dict[str, int]:
    """Put the two halves of every amount together."""
    counts = {name: value for name, value in values.items() if not name.endswith(("_high", "_low"))}
    return counts | {name: values[f"{name}_high"] * BASE + values[f"{name}_low"] for name in AMOUNTS}


def _split(spans: Iterable[Span], grain: timedelta) -> dict[str, object]:
    """Cut spans into whole hours or days and what is left at their ends; both as JSON."""
    whole: list[dict[str, object]] = []
    edges: list[dict[str, object]] = []
    for n, (since, until) in enumerate(spans):
        first, last = -(-(since - _EPOCH) // grain) * grain + _EPOCH, start_of(until.astimezone(UTC), grain)
        if first < last:
            whole.append(_cut(n, first, last))
            parts = [(since, first), (last, until)]
        else:
            parts = [(since, until)]
        edges.extend(_cut(n, start, end) for start, end in parts if start < end)
    return {"whole": msgspec.json.encode(whole).decode(), "edges": msgspec.json.encode(edges).decode()}


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _cut(n: int, since: datetime, until: datetime) -> dict[str, object]:
    return {"span": n, "since": _written(since), "until": _written(until)}


def _written(moment: datetime) -> str:
    """Write a moment as SQLite stores it; PostgreSQL reads the same text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


# -- statements --------------------------------------------------------------------------------------


def _sums(names: Sequence[str], *, postgres: bool, one: bool) -> Query:
    kept = select(FIGURES.c.currency, *(FIGURES.c[name] for name in names)).where(tenancy.wall(FIGURES))
    rest = sources.contributions(names, _narrowed("edges", postgres=postgres))
    parts = union_all(_narrowed("whole", postgres=postgres)(kept, FIGURES.c.hour), *rest.selects).subquery("parts")
    added = (func.sum(parts.c[name]).label(name) for name in names)
    query = select(parts.c.span, parts.c.currency, *added)
    if one:
        query = query.where(parts.c.currency == bindparam("currency", type_=text()))
    return query.group_by(parts.c.span, parts.c.currency).order_by(parts.c.span, parts.c.currency)


def _durations(*, postgres: bool) -> Query:
    kept = select(DURATIONS.c.bin, DURATIONS.c.payments).where(tenancy.wall(DURATIONS))
    rest = sources.durations(_narrowed("edges", postgres=postgres))
    parts = union_all(_narrowed("whole", postgres=postgres)(kept, DURATIONS.c.day), rest).subquery("parts")
    return select(parts.c.bin, func.sum(parts.c.payments)).group_by(parts.c.bin).order_by(parts.c.bin)


def _narrowed(name: str, *, postgres: bool) -> sources.Narrow:
    """Return what keeps a query inside the spans given as JSON, and puts the span's number in front.

    On PostgreSQL each span is added up by itself: a plain join would let the planner, which knows nothing of how many
    spans there are or how long, compare every span with every row.
    """
    spans = _spans_postgres(name) if postgres else _spans_sqlite(name)

    def narrow(query: Query, at: Column[Any]) -> Query:
        within = and_(at >= spans.c.since, at < spans.c.until)
        if not postgres:
            joined = query.select_from(spans.join(at.table, within))
            return joined.with_only_columns(spans.c.span, *query.selected_columns)
        key, *values = query.selected_columns
        sums = (func.sum(value).label(value.name) for value in values)
        part = query.with_only_columns(key, *sums).where(within).group_by(key).correlate(spans).lateral()
        return select(spans.c.span, *part.c).select_from(spans.join(part, true()))

    return narrow


def _shape() -> list[Column[Any]]:
    return [
        cast("Column[Any]", column("span", BigInteger())),
        cast("Column[Any]", column("since", UtcDateTime())),
        cast("Column[Any]", column("until", UtcDateTime())),
    ]


def _spans_postgres(name: str) -> FromClause:
    given = func.jsonb_to_recordset(bindparam(name, type_=JsonText())).table_valued(*_shape())
    return given.render_derived(name=name, with_types=True)


def _spans_sqlite(name: str) -> FromClause:
    each = func.json_each(bindparam(name, type_=JsonText())).table_valued("value", name=f"each_{name}")
    fields = [
        func.json_extract(each.c.value, f"$.{field.name}", type_=field.type).label(field.name) for field in _shape()
    ]
    return select(*fields).subquery(name)
