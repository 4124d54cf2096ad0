"""Statements that count how an agent's runs of tasks ended, and what its mandates paid."""

from typing import cast

from sqlalchemy import BigInteger, ColumnElement, Executable, Table, bindparam, case, func, select
from sqlalchemy import cast as as_type

from domain.agents.figures import WorkFigures
from domain.shared.ids import AgentId
from domain.shared.money import Money
from domain.shared.period import Period
from infrastructure.persistence import tenancy
from infrastructure.persistence.models.mandates import MandateHoldRow
from infrastructure.persistence.models.tasks import TaskRunRow
from infrastructure.persistence.session import Session
from infrastructure.persistence.spans import ElapsedMicros
from infrastructure.persistence.types import Guid, UtcDateTime

_RUNS = cast("Table", TaskRunRow.__table__)
_HOLDS = cast("Table", MandateHoldRow.__table__)
_MICROS = 1000
# As the contexts of work and mandates call them, whose words a context of its own knows by value only.
_COMPLETED, _FAILED, _TIMED_OUT, _COMMITTED = "completed", "failed", "timed_out", "committed"


async def work(session: Session, period: Period, agent_id: AgentId) -> WorkFigures:
    """Count the agent's runs of a period, in one statement."""
    statement = session.prepare("runs-of-agent", _runs)
    [row] = await session.rows(statement, {"since": period.since, "until": period.until, "agent_id": agent_id})
    runs, completed, failed, timed_out, p50, p95 = (cast("int | None", value) for value in row)
    return WorkFigures(
        runs=runs or 0, completed=completed or 0, failed=failed or 0, timed_out=timed_out or 0,
        p50_ms=None if p50 is None else p50 // _MICROS, p95_ms=None if p95 is None else p95 // _MICROS,
    )  # fmt: skip


async def spent(session: Session, period: Period, agent_id: AgentId) -> tuple[Money, ...]:
    """Add up what the agent's mandates paid in a period by currency, in one statement."""
    statement = session.prepare("spent-by-agent", _spent)
    rows = await session.rows(statement, {"since": period.since, "until": period.until, "agent_id": agent_id})
    return tuple(Money.of(int(cast("int", minor)), cast("str", currency)) for currency, minor in rows)


def _within(table: Table, at: ColumnElement[object]) -> list[ColumnElement[bool]]:
    return [
        tenancy.wall(table),
        table.c.agent_id == bindparam("agent_id", type_=Guid()),
        at >= bindparam("since", type_=UtcDateTime()),
        at < bindparam("until", type_=UtcDateTime()),
    ]


def _runs() -> Executable:
    r = _RUNS.c
    elapsed = ElapsedMicros(r.started_at, r.ended_at)
    ranked = (
        select(
            r.outcome,
            elapsed.label("elapsed"),
            func.row_number().over(partition_by=r.outcome, order_by=(elapsed, r.id)).label("rank"),
            func.count().over(partition_by=r.outcome).label("size"),
        )
        .where(*_within(_RUNS, r.started_at))
        .subquery()
    )
    c = ranked.c

    def ended(outcome: str) -> ColumnElement[int]:
        return func.count(case((c.outcome == outcome, 1)))

    def nearest(percent: int) -> ColumnElement[int]:
        within = (c.outcome == _COMPLETED) & (c.rank * 100 >= c.size * percent)
        return func.min(case((within, c.elapsed)))

    return select(
        func.count(), ended(_COMPLETED), ended(_FAILED), ended(_TIMED_OUT), nearest(50), nearest(95)
    ).select_from(ranked)  # fmt: skip


def _spent() -> Executable:
    h = _HOLDS.c
    return (
        select(h.amount_currency, as_type(func.sum(h.amount_minor), BigInteger))
        .where(*_within(_HOLDS, h.committed_at), h.status == _COMMITTED)
        .group_by(h.amount_currency)
        .order_by(h.amount_currency)
    )
