"""The statements of the job worker. PostgreSQL reckons with its own clock, SQLite takes ours: it is one machine."""

from datetime import datetime
from typing import cast

from sqlalchemy import (
    CTE,
    ColumnElement,
    DateTime,
    Executable,
    Integer,
    Interval,
    Table,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    union_all,
    update,
)

from infrastructure.persistence.models.technical import JobRow
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import Guid, ListOf, UtcDateTime, text

_JOBS = cast("Table", JobRow.__table__)


def _now(*, postgres: bool) -> ColumnElement[datetime]:
    return func.now(type_=DateTime(timezone=True)) if postgres else bindparam("now", type_=UtcDateTime())


def _then(*, postgres: bool) -> ColumnElement[datetime]:
    if postgres:
        return func.now(type_=DateTime(timezone=True)) + bindparam("after", type_=Interval())
    return bindparam("then", type_=UtcDateTime())


def claim(lanes: int, *, postgres: bool) -> Executable:
    """Take due jobs, of each lane as many as it has room for.

    They are picked in sub-queries of their own, so that limits and skipped locks are decided once.
    """
    c = _JOBS.c
    due = union_all(*(select(_due(lane, postgres=postgres)) for lane in range(lanes))).cte("due")
    same = and_(c.organization_id == due.c.organization_id, c.kind == due.c.kind, c.subject_id == due.c.subject_id)
    return (
        update(_JOBS)
        .where(same)
        .values(lease_until=_then(postgres=postgres), token=c.token + 1, attempts=c.attempts + 1)
        .returning(
            c.organization_id,
            c.kind,
            c.subject_id,
            c.token,
            c.attempts,
            c.correlation_id,
            c.causation_id,
            c.traceparent,
        )
    )


def _due(lane: int, *, postgres: bool) -> CTE:
    """Pick the jobs of one lane that have been due for longest."""
    c, now = _JOBS.c, _now(postgres=postgres)
    due = (
        select(c.organization_id, c.kind, c.subject_id)
        .where(
            AnyOf(c.kind, bindparam(f"kinds_{lane}", type_=ListOf(text()))),
            c.dead_at.is_(None),
            c.run_at <= now,
            or_(c.lease_until.is_(None), c.lease_until < now),
        )
        .order_by(c.run_at)
        .limit(bindparam(f"room_{lane}", type_=Integer()))
        .with_for_update(skip_locked=True)
        .cte(f"due_{lane}")
    )
    return due.prefix_with("MATERIALIZED") if postgres else due


def _ours() -> ColumnElement[bool]:
    return and_(
        _JOBS.c.organization_id == bindparam("organization", type_=Guid()),
        _JOBS.c.kind == bindparam("this_kind", type_=text()),
        _JOBS.c.subject_id == bindparam("subject", type_=Guid()),
        _JOBS.c.token == bindparam("mine", type_=Integer()),
    )


def postpone(*, postgres: bool) -> Executable:
    """Give a job back until later."""
    return update(_JOBS).where(_ours()).values(run_at=_then(postgres=postgres), lease_until=None)


def hold(*, postgres: bool) -> Executable:
    """Give a job back until later, and forget this try."""
    return (
        update(_JOBS)
        .where(_ours())
        .values(run_at=_then(postgres=postgres), lease_until=None, attempts=_JOBS.c.attempts - 1)
    )


def bury(*, postgres: bool) -> Executable:
    """Keep a job that nobody tries again by themselves."""
    dead = {"dead_at": _now(postgres=postgres), "last_error": bindparam("last_error", type_=text(80))}
    return update(_JOBS).where(_ours()).values(lease_until=None, **dead)


def discard(*, postgres: bool) -> Executable:  # noqa: ARG001 - the statement is the same on both
    """Forget a job that is done."""
    return delete(_JOBS).where(_ours())
