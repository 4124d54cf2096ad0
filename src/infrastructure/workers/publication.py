"""What becomes of published outbox rows: they move into their organizations' event logs, and webhooks are told.

On PostgreSQL all of it is one statement, so that an event is either waiting to be published or in the log with a
delivery for every endpoint that wants it, whatever is killed in between.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Delete,
    Executable,
    FromClause,
    Interval,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql

from domain.webhooks.webhook_delivery import DeliveryStatus
from domain.webhooks.webhook_endpoint import EndpointStatus, WebhookEndpoint, WebhookEndpointTestedEvent
from infrastructure.persistence.database import Database
from infrastructure.persistence.models.technical import EventRow, OutboxRow
from infrastructure.persistence.models.webhooks import WebhookDeliveryRow, WebhookEndpointRow
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import ListOf, UtcDateTime, text
from infrastructure.system import SystemClock
from infrastructure.workers.connection import WorkerConnection

PRUNED = 1000
_OUTBOX = cast("Table", OutboxRow.__table__)
_EVENTS = cast("Table", EventRow.__table__)
_ENDPOINTS = cast("Table", WebhookEndpointRow.__table__)
_DELIVERIES = cast("Table", WebhookDeliveryRow.__table__)
_TESTED = f"{WebhookEndpoint.kind}.{WebhookEndpointTestedEvent.verb}"
_COPIED = (
    "organization_id", "type", "schema_version", "aggregate_type", "aggregate_id", "aggregate_version",
    "occurred_at", "payload",
)  # fmt: skip
_NEW = (
    "organization_id", "id", "endpoint_id", "event_id", "event_type", "status", "created_at", "due_at", "token",
    "tries",
)  # fmt: skip


class Publication:
    """Moves published rows, and prunes what was kept long enough."""

    def __init__(self, database: Database, retention: timedelta) -> None:
        """Keep published events for so long."""
        self._database = database
        self._retention = retention
        self._clock = SystemClock()

    async def move(self, connection: WorkerConnection, ids: Sequence[int]) -> int:
        """Move the outbox rows with these ids, and return how many deliveries they made."""
        prepare = self._database.prepare
        params = {"ids": ids, "first": min(ids), "last": max(ids), "now": self._clock.now()}
        if self._database.is_postgres:
            return cast("int", (await connection.rows(prepare("publication-move", _move), params))[0][0])
        async with connection.transaction():
            await connection.rows(prepare("publication-log", _log), params)
            made = await connection.rows(prepare("publication-fan-out", _fan_out), params)
            await connection.rows(prepare("publication-delete", _delete), params)
        return len(made)

    async def prune(self, connection: WorkerConnection) -> int:
        """Delete some of the events that are older than the retention, with their deliveries; returns how many."""
        statement = self._database.prepare("publication-prune", lambda: _prune(postgres=self._database.is_postgres))
        params = {"keep": self._retention, "before": self._clock.now() - self._retention}
        return len(await connection.rows(statement, params))


def _ids() -> ListOf:
    return ListOf(BigInteger())


def _chosen() -> ColumnElement[bool]:
    """Say which rows; the range is what makes the database look them up instead of reading the whole table."""
    c, big = _OUTBOX.c, BigInteger()
    between = c.id.between(bindparam("first", type_=big), bindparam("last", type_=big))
    return and_(between, AnyOf(c.id, bindparam("ids", type_=_ids())))


def _delete() -> Delete:
    return delete(_OUTBOX).where(_chosen())


def _move() -> Executable:
    """Delete, log and fan out in one statement of PostgreSQL."""
    gone = _delete().returning(*_OUTBOX.c).cte("gone")
    source = _logged_columns(gone, func.now(type_=DateTime(timezone=True)))
    logged = (
        insert(_EVENTS)
        # Positions are counted in this order, which is that of the commits of every aggregate.
        .from_select(["id", "recorded_at", *_COPIED], select(*source).order_by(gone.c.id))
        .returning(_EVENTS.c.organization_id, _EVENTS.c.id, _EVENTS.c.type, _EVENTS.c.aggregate_id)
        .cte("logged")
    )
    now = func.now(type_=DateTime(timezone=True))
    wanted = postgresql.array(
        [literal("*"), logged.c.type, func.split_part(logged.c.type, ".", 1, type_=text()) + literal(".*")]
    )
    wants: ColumnElement[bool] = func.jsonb_exists_any(_ENDPOINTS.c.events, wanted)
    new = _deliveries(logged, wants, id_=func.gen_random_uuid(), now=now)
    made = insert(_DELIVERIES).from_select(list(_NEW), new).returning(_DELIVERIES.c.id).cte("made")
    return select(func.count()).select_from(made)


def _log() -> Executable:
    source = _logged_columns(_OUTBOX, bindparam("now", type_=UtcDateTime()))
    rows = select(*source).where(_chosen()).order_by(_OUTBOX.c.id)
    return insert(_EVENTS).from_select(["id", "recorded_at", *_COPIED], rows)


def _logged_columns(
    source: FromClause, now: ColumnElement[datetime]
) -> list[ColumnElement[Any]]:  # reason: of as many types as there are columns
    return [source.c.event_id.label("id"), now.label("recorded_at"), *(source.c[name] for name in _COPIED)]


def _fan_out() -> Executable:
    """Do on SQLite, for rows that are still in the outbox, what is part of ``_move`` on PostgreSQL."""
    columns = (_OUTBOX.c.organization_id, _OUTBOX.c.event_id.label("id"), _OUTBOX.c.type, _OUTBOX.c.aggregate_id)
    logged = select(*columns).where(_chosen()).subquery("logged")
    kind = func.substr(logged.c.type, 1, func.instr(logged.c.type, "."), type_=text())
    each = func.json_each(_ENDPOINTS.c.events).table_valued("value")
    wants = select(each.c.value).where(each.c.value.in_([literal("*"), logged.c.type, kind + literal("*")])).exists()
    random_id = func.lower(func.hex(func.randomblob(16)), type_=text())
    new = _deliveries(logged, wants, id_=random_id, now=bindparam("now", type_=UtcDateTime()))
    return insert(_DELIVERIES).from_select(list(_NEW), new).returning(_DELIVERIES.c.event_type)


def _deliveries(
    logged: FromClause, wants: ColumnElement[bool], *, id_: ColumnElement[Any], now: ColumnElement[datetime]
) -> Select[*tuple[Any, ...]]:  # reason: of any types; the table's own columns are what counts
    """Select one new delivery for every enabled endpoint that wants an event; a test is for its own endpoint alone."""
    test = logged.c.type == _TESTED
    endpoints = _ENDPOINTS.c
    return (
        select(
            logged.c.organization_id, id_, endpoints.id, logged.c.id, logged.c.type,
            literal(DeliveryStatus.PENDING.value, text()), now, now, literal(0), literal(0),
        )
        .join_from(logged, _ENDPOINTS, logged.c.organization_id == endpoints.organization_id)
        .where(
            endpoints.status == EndpointStatus.ENABLED.value,
            endpoints.deleted_at.is_(None),
            or_(and_(test, endpoints.id == logged.c.aggregate_id), and_(~test, wants)),
        )
    )  # fmt: skip


def _prune(*, postgres: bool) -> Executable:
    """Delete a bounded number; deliveries and their attempts go with their events."""
    c = _EVENTS.c
    if postgres:
        before: ColumnElement[datetime] = func.now(type_=DateTime(timezone=True)) - bindparam("keep", type_=Interval())
    else:
        before = bindparam("before", type_=UtcDateTime())
    old = select(c.organization_id, c.id).where(c.recorded_at < before).limit(PRUNED).subquery("old")
    chosen = and_(c.organization_id == old.c.organization_id, c.id == old.c.id)
    if postgres:
        return delete(_EVENTS).where(chosen).returning(c.id)
    return delete(_EVENTS).where(select(old.c.id).where(chosen).exists()).returning(c.type)
