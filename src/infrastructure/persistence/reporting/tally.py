"""Keeping the figures: one unit of work's differences, added to the stored sums just before it commits.

What an aggregate contributed before its change is taken from the values it was loaded with, so nothing is read again.
The sums are the last rows a commit locks, always in the order of their keys: commits of one organization wait for each
other from here to the end of the commit, and never in a circle.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
from sqlalchemy import Column, Executable, Table, bindparam, column, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from domain.payments.figures import AMOUNTS, COUNTS, Contribution, duration_of, of_order, of_refund
from domain.payments.payment_order import PaymentOrder
from domain.payments.refund import Refund
from domain.shared.entity import Entity
from infrastructure.persistence import tenancy
from infrastructure.persistence.models.reporting import PaymentDurationsRow, PaymentFiguresRow
from infrastructure.persistence.session import Session
from infrastructure.persistence.tracking import Change, Operation
from infrastructure.persistence.types import Guid, JsonText

FIGURES = cast("Table", PaymentFiguresRow.__table__)
DURATIONS = cast("Table", PaymentDurationsRow.__table__)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BASE = 10**9
"""What an amount is split by."""

type Key = tuple[datetime, str | int]


def start_of(at: datetime, grain: timedelta) -> datetime:
    """Return the beginning of the hour or day of UTC that a moment lies in."""
    if grain == DAY:
        return at.replace(hour=0, minute=0, second=0, microsecond=0)
    return at.replace(minute=0, second=0, microsecond=0)


def columns_of(adds: Mapping[str, int]) -> dict[str, int]:
    """Return the stored columns of sums by name: amounts split in two, each part with the amount's sign."""
    stored = {name: adds.get(name, 0) for name in COUNTS}
    for name in AMOUNTS:
        value = adds.get(name, 0)
        high = abs(value) // BASE * (1 if value >= 0 else -1)
        stored[f"{name}_high"], stored[f"{name}_low"] = high, value - high * BASE
    return stored


class Tally:
    """Collects what changed aggregates add to the figures until the unit of work commits."""

    def __init__(self, session: Session) -> None:
        """Start with nothing."""
        self._session = session
        self._sums: defaultdict[Key, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._durations: defaultdict[Key, int] = defaultdict(int)

    def note(self, changes: Sequence[Change]) -> None:
        """Take away what the aggregates contributed before, and add what they contribute now."""
        for change in changes:
            if not isinstance(change.entity, PaymentOrder | Refund):
                continue
            if change.before is not None:
                self._count(change.before(), -1)
            if change.operation is not Operation.DELETED:
                self._count(change.entity, 1)

    def _count(self, entity: Entity, sign: int) -> None:
        match entity:
            case PaymentOrder():
                self._add(of_order(entity), sign)
                took = duration_of(entity)
                if took is not None:
                    self._durations[start_of(took.at, DAY), took.bin] += sign
            case Refund():
                self._add(of_refund(entity), sign)

    def _add(self, contributions: Iterable[Contribution], sign: int) -> None:
        for at, currency, adds in contributions:
            sums = self._sums[start_of(at, HOUR), currency]
            for name, value in adds.items():
                sums[name] += sign * value

    async def write(self) -> None:
        """Add the differences to the stored sums: one statement for each table that has any."""
        sums = {key: values for key, values in sorted(self._sums.items()) if any(values.values())}
        durations = {key: count for key, count in sorted(self._durations.items()) if count}
        self._sums.clear()
        self._durations.clear()
        if sums:
            rows: list[dict[str, object]] = [
                {"hour": hour, "currency": currency, **columns_of(values)} for (hour, currency), values in sums.items()
            ]
            await add_to(self._session, FIGURES, rows)
        if durations:
            rows = [{"day": day, "bin": at, "payments": count} for (day, at), count in durations.items()]
            await add_to(self._session, DURATIONS, rows)


async def add_to(session: Session, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Add rows of differences to the stored sums, making those that are not there yet."""
    if session.database.is_postgres:
        statement = session.prepare(("tally", table.name), lambda: _add_postgres(table))
        await session.rows(statement, {"rows": msgspec.json.encode(rows).decode()})
        return
    statement = session.prepare(("tally", table.name), lambda: _add_sqlite(table))
    organization = session.organization_id
    named = [{tenancy.TENANT: organization, **{f"c_{name}": each[name] for name in each}} for each in rows]
    await session.transaction.many(statement, named)


def _columns(table: Table) -> list[Column[object]]:
    return [each for each in table.columns if each.name != "organization_id"]


def _add_postgres(table: Table) -> Executable:
    shape = [column(each.name, each.type) for each in _columns(table)]
    given = func.jsonb_to_recordset(bindparam("rows", type_=JsonText())).table_valued(*shape)
    source = given.render_derived(name="given", with_types=True)
    keys = [each.name for each in table.primary_key if each.name != "organization_id"]
    chosen = select(bindparam(tenancy.TENANT, type_=Guid()), *source.c).order_by(*(source.c[key] for key in keys))
    names = ["organization_id", *(each.name for each in shape)]
    statement = postgresql.insert(table).from_select(names, chosen)
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=_sum(table, statement.excluded))


def _add_sqlite(table: Table) -> Executable:
    values = {each.name: bindparam(f"c_{each.name}", type_=each.type) for each in _columns(table)}
    statement = sqlite.insert(table).values({"organization_id": bindparam(tenancy.TENANT, type_=Guid()), **values})
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=_sum(table, statement.excluded))


def _sum(table: Table, excluded: ReadOnlyColumnCollection[str, Any]) -> dict[str, object]:  # reason: as SQLAlchemy
    return {each.name: each + excluded[each.name] for each in table.columns if not each.primary_key}
