"""Jobs and counters: small tables that handlers write through the unit of work."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import Date, DateTime, Executable, Integer, Interval, Table, bindparam, delete, func
from sqlalchemy.dialects import postgresql, sqlite

from application.kernel.causality import Cause
from application.kernel.unit_of_work import IJobs, INumbers
from infrastructure.persistence import tenancy
from infrastructure.persistence.models.technical import CounterRow, JobRow
from infrastructure.persistence.session import Session
from infrastructure.persistence.types import Guid, UtcDateTime, text

_JOBS = cast("Table", JobRow.__table__)
_COUNTERS = cast("Table", CounterRow.__table__)
_TOKEN_BITS = 30  # claims count up from there, within 32 bits


class Jobs(IJobs):
    """Jobs of one organization; a worker role claims them across tenants."""

    def __init__(self, session: Session) -> None:
        """Write in the unit of work's transaction."""
        self._session = session
        self._pending: dict[tuple[str, UUID], timedelta] = {}
        self.scheduled = False

    async def schedule(self, kind: str, subject_id: UUID, *, delay: timedelta = timedelta()) -> None:
        """Remember the job until :meth:`write`, which knows the event that caused it."""
        self._pending[kind, subject_id] = delay
        self.scheduled = True

    async def write(self, cause_of: Callable[[UUID], Cause]) -> None:
        """Insert every remembered job, or move the one that is there."""
        pending, self._pending = self._pending, {}
        session = self._session
        for (kind, subject_id), delay in pending.items():
            cause = cause_of(subject_id)
            params = {
                "job_kind": kind, "job_subject": subject_id, "job_correlation": cause.correlation_id,
                "job_delay": delay, "job_at": session.now() + delay,
                "job_causation": cause.causation_id, "job_trace": cause.traceparent,
                # Random, so that whoever held an earlier job of the same name cannot take this one for theirs.
                "job_token": secrets.randbits(_TOKEN_BITS),
            }  # fmt: skip
            statement = session.prepare("job-schedule", lambda: _schedule(postgres=session.database.is_postgres))
            await session.rows(statement, params)

    async def finish(self, kind: str, subject_id: UUID) -> None:
        """Delete the job, if it is there."""
        self._pending.pop((kind, subject_id), None)
        statement = self._session.prepare("job-finish", _finish)
        await self._session.rows(statement, {"job_kind": kind, "job_subject": subject_id})


class Numbers(INumbers):
    """Counters of one organization: the row lock makes numbers gapless and takers wait."""

    def __init__(self, session: Session) -> None:
        """Write in the unit of work's transaction."""
        self._session = session

    async def next(self, name: str, day: datetime) -> int:
        """Insert 1 or add 1, and return it."""
        session = self._session
        statement = session.prepare("number-next", lambda: _next(postgres=session.database.is_postgres))
        rows = await session.rows(statement, {"counter_name": name, "counter_day": day.date()})
        return cast("int", rows[0][0])


def _upsert(table: Table, *, postgres: bool) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if postgres else sqlite.insert(table)


def _schedule(*, postgres: bool) -> Executable:
    # By the clock of whoever claims it: a process whose own is an hour fast would let everybody wait for an hour. And
    # by its present, not by when the transaction began: nothing is due before the delay that was asked for.
    now = func.clock_timestamp(type_=DateTime(timezone=True))
    at = now + bindparam("job_delay", type_=Interval()) if postgres else bindparam("job_at", type_=UtcDateTime())
    values = {
        "organization_id": bindparam(tenancy.TENANT, type_=Guid()), "kind": bindparam("job_kind", type_=text()),
        "subject_id": bindparam("job_subject", type_=Guid()), "run_at": at, "attempts": 0,
        "token": bindparam("job_token", type_=Integer()),
    }  # fmt: skip
    alive = {"dead_at": None, "last_error": None}
    caused = {
        "correlation_id": bindparam("job_correlation", type_=text()),
        "causation_id": bindparam("job_causation", type_=Guid()), "traceparent": bindparam("job_trace", type_=text()),
    }  # fmt: skip
    values.update(caused)
    again = {**caused, "run_at": at, "lease_until": None, "attempts": 0, "token": _JOBS.c.token + 1, **alive}
    keys = ["organization_id", "kind", "subject_id"]
    return _upsert(_JOBS, postgres=postgres).values(values).on_conflict_do_update(index_elements=keys, set_=again)


def _finish() -> Executable:
    return delete(_JOBS).where(
        tenancy.wall(_JOBS),
        _JOBS.c.kind == bindparam("job_kind", type_=text()),
        _JOBS.c.subject_id == bindparam("job_subject", type_=Guid()),
    )


def _next(*, postgres: bool) -> Executable:
    values = {
        "organization_id": bindparam(tenancy.TENANT, type_=Guid()), "name": bindparam("counter_name", type_=text()),
        "day": bindparam("counter_day", type_=Date()), "value": 1,
    }  # fmt: skip
    statement = _upsert(_COUNTERS, postgres=postgres).values(values)
    keys = ["organization_id", "name", "day"]
    taken = statement.on_conflict_do_update(index_elements=keys, set_={"value": _COUNTERS.c.value + 1})
    return taken.returning(_COUNTERS.c.value)
