"""Statements of the tasks' repositories that are more than one aggregate by its values."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Executable,
    Integer,
    Interval,
    Select,
    Table,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    select,
    true,
    update,
)

from domain.work.task_plan import OVER, TaskStatus
from infrastructure.persistence import tenancy
from infrastructure.persistence.models.tasks import TaskDependencyRow, TaskRow, TaskRunRow
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import Guid, JsonText, ListOf, UtcDateTime, text

TASKS = cast("Table", TaskRow.__table__)
EDGES = cast("Table", TaskDependencyRow.__table__)
RUNS = cast("Table", TaskRunRow.__table__)

type Columns = Sequence[ColumnElement[Any]]  # reason: the columns of an aggregate are of every type
type Query = Select[*tuple[Any, ...]]  # reason: as above

_T, _R = TASKS.c, RUNS.c
_LANES = bindparam("lanes", type_=ListOf(text()))
# In the text, so that the plan of a prepared statement can use the index of pending tasks.
_PENDING: ColumnElement[str] = literal_column(f"'{TaskStatus.PENDING.value}'", text())
_LIMIT = bindparam("limit", type_=Integer())


def clock(*, postgres: bool) -> ColumnElement[datetime]:
    """Return the database's clock, as it goes on within a transaction; SQLite is the same machine and takes ours."""
    if postgres:
        return func.clock_timestamp(type_=DateTime(timezone=True))
    return bindparam("now", type_=UtcDateTime())


def _ready(*, postgres: bool) -> ColumnElement[bool]:
    """Say what waits to be claimed: no machine's clock keeps a task that another one's calls available."""
    now = bindparam("now", type_=UtcDateTime())
    available = func.greatest(func.now(), now) if postgres else now
    return and_(_T.status == _PENDING, _T.available_at <= available)


def pending(columns: Columns, *, limit: int, postgres: bool, lock: bool) -> Query:
    """Select the most urgent tasks of some lanes, and the time; each lane is one scan of the index of claims.

    Of every lane as many rows are locked as are asked for in all; those that are not taken are free again when the
    transaction ends, and whoever claims meanwhile passes over them. The limit is in the text: without it PostgreSQL
    expects a tenth of all tasks, and plans anew each time, which takes longer than claiming one.
    """
    few = literal_column(str(limit), Integer())
    urgency = (_T.rank, _T.available_at, _T.id)
    this = (tenancy.wall(TASKS), _ready(postgres=postgres))
    if not postgres:
        return (
            select(*columns, clock(postgres=False)).where(*this, AnyOf(_T.lane, _LANES)).order_by(*urgency).limit(few)
        )
    lanes = func.unnest(_LANES).table_valued("lane", name="lanes").render_derived()
    waiting = select(*columns).where(*this, _T.lane == lanes.c.lane).order_by(*urgency).limit(few)
    if lock:
        waiting = waiting.with_for_update(key_share=True, skip_locked=True)
    found = waiting.lateral("waiting")
    order = (found.c.rank, found.c.available_at, found.c.id)
    chosen = [found.c[column.name] for column in columns]
    return select(*chosen, clock(postgres=True)).select_from(lanes.join(found, true())).order_by(*order).limit(few)


def expired(columns: Columns, *, postgres: bool, laned: bool) -> Query:
    """Select tasks whose open runs are past their leases, and the time; a run that is just being extended is not."""
    query = (
        select(*columns, clock(postgres=postgres))
        .join(RUNS, and_(_R.organization_id == _T.organization_id, _R.task_id == _T.id))
        .where(tenancy.wall(TASKS), tenancy.wall(RUNS), *_over(postgres=postgres))
        .order_by(_R.lease_until)
        .limit(_LIMIT)
        .with_for_update(key_share=True, skip_locked=True, of=[TASKS, RUNS])
    )
    return query.where(AnyOf(_T.lane, _LANES)) if laned else query


def _over(*, postgres: bool) -> tuple[ColumnElement[bool], ...]:
    return _R.ended_at.is_(None), _R.lease_until < clock(postgres=postgres)


def organizations_with_expired(*, postgres: bool) -> Executable:
    """Select the organizations that have tasks whose leases are over."""
    return select(_R.organization_id).where(*_over(postgres=postgres)).distinct()


# -- runs ------------------------------------------------------------------------------------------


def _open(*, token: bool = True) -> tuple[ColumnElement[bool], ...]:
    mine = (_R.token == bindparam("mine", type_=text()),) if token else ()
    return tenancy.wall(RUNS), _R.ended_at.is_(None), *mine


def extend(*, postgres: bool) -> Executable:
    """Let a lease begin anew, but not beyond the time that the attempt has."""
    now = clock(postgres=postgres)
    zero = literal_column("0", Integer())
    lease = func.make_interval(zero, zero, zero, zero, zero, zero, _R.lease_seconds, type_=Interval())
    fresh: ColumnElement[datetime] = (
        now + lease
        if postgres
        else func.strftime(
            "%Y-%m-%dT%H:%M:%f000Z", now, func.printf("+%d seconds", _R.lease_seconds), type_=UtcDateTime()
        )
    )
    until = case((_R.times_out_at < fresh, _R.times_out_at), else_=fresh)
    this = (*_open(), _R.task_id == bindparam("this_task", type_=Guid()))
    return update(RUNS).where(*this).values(lease_until=until).returning(_R.lease_until, now)


def _ended(*, postgres: bool) -> dict[str, object]:
    return {
        "ended_at": clock(postgres=postgres), "outcome": bindparam("new_outcome", type_=text()),
        "error": bindparam("new_error", type_=JsonText()),
    }  # fmt: skip


def end(*, postgres: bool) -> Executable:
    """End the open run that has the token."""
    this = (*_open(), _R.task_id == bindparam("this_task", type_=Guid()))
    return update(RUNS).where(*this).values(_ended(postgres=postgres)).returning(_R.id)


def end_open(*, postgres: bool) -> Executable:
    """End the open runs of some tasks, whoever has them."""
    of = AnyOf(_R.task_id, bindparam("tasks", type_=ListOf(Guid())))
    return update(RUNS).where(*_open(token=False), of).values(_ended(postgres=postgres)).returning(_R.id)


def has_ended() -> Executable:
    """Look for a run that has the token and ended in one way."""
    return select(_R.id).where(
        tenancy.wall(RUNS),
        _R.task_id == bindparam("this_task", type_=Guid()),
        _R.token == bindparam("mine", type_=text()),
        _R.outcome == bindparam("wanted_outcome", type_=text()),
    )


# -- dependencies ----------------------------------------------------------------------------------


def dependants(columns: Columns) -> Query:
    """Select and lock the unfinished tasks that wait for one."""
    waiting = select(EDGES.c.task_id).where(
        tenancy.wall(EDGES), EDGES.c.depends_on_id == bindparam("this_task", type_=Guid())
    )
    unfinished = and_(*(_T.status != status.value for status in sorted(OVER)))
    query = select(*columns).where(tenancy.wall(TASKS), _T.id.in_(waiting), unfinished)
    return query.order_by(_T.id).with_for_update(key_share=True, of=TASKS)


def dependencies(columns: Columns) -> Query:
    """Select the tasks that one waits for, or did."""
    awaited = select(EDGES.c.depends_on_id).where(
        tenancy.wall(EDGES), EDGES.c.task_id == bindparam("this_task", type_=Guid())
    )
    return select(*columns).where(tenancy.wall(TASKS), _T.id.in_(awaited)).order_by(_T.id)


def dependency_count() -> Executable:
    """Count the tasks that one waits for."""
    return select(func.count()).where(tenancy.wall(EDGES), EDGES.c.task_id == bindparam("this_task", type_=Guid()))


def reaches() -> Executable:
    """Walk from a task to everything it waits for, and look for another one there."""
    first = (
        select(EDGES.c.depends_on_id.label("id"))
        .where(tenancy.wall(EDGES), EDGES.c.task_id == bindparam("this_task", type_=Guid()))
        .cte("upstream", recursive=True)
    )
    further = select(EDGES.c.depends_on_id).where(tenancy.wall(EDGES), EDGES.c.task_id == first.c.id)
    upstream = first.union(further)
    return select(exists().where(upstream.c.id == bindparam("other_task", type_=Guid())))


def forget_dependency() -> Executable:
    """Delete one edge."""
    return (
        delete(EDGES)
        .where(
            tenancy.wall(EDGES),
            EDGES.c.task_id == bindparam("this_task", type_=Guid()),
            EDGES.c.depends_on_id == bindparam("other_task", type_=Guid()),
        )
        .returning(EDGES.c.id)
    )


def newest_of_conversations(columns: Columns) -> Query:
    """Select the newest tasks of each of some conversations."""
    newest = (_T.created_at.desc(), _T.id.desc())
    place = func.row_number().over(partition_by=_T.conversation_id, order_by=newest).label("place")
    asked = AnyOf(_T.conversation_id, bindparam("ids", type_=ListOf(Guid())))
    placed = select(_T.id, place).where(tenancy.wall(TASKS), asked).subquery()
    first = select(placed.c.id).where(placed.c.place <= bindparam("each", type_=Integer()))
    return select(*columns).where(tenancy.wall(TASKS), _T.id.in_(first)).order_by(*newest)
