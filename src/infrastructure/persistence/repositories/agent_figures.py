"""Statements that count what agents did and what tools can do, of one tenant each."""

from collections.abc import Iterable
from typing import cast
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Executable, Integer, Table, bindparam, case, func, null, select
from sqlalchemy import cast as as_type

from domain.agents.figures import CallFigures, MetricFigures
from domain.agents.tool_usage import ToolOutcome
from domain.shared.ids import AgentId, ToolId
from domain.shared.money import Money
from domain.shared.period import Period
from infrastructure.persistence import tenancy
from infrastructure.persistence.models.agents import PerformanceRecordRow, ToolCapabilityRow, ToolRow, ToolUsageRow
from infrastructure.persistence.session import Session
from infrastructure.persistence.types import Guid, UtcDateTime

_TOOLS = cast("Table", ToolRow.__table__)
_CAPABILITIES = cast("Table", ToolCapabilityRow.__table__)
_USAGES = cast("Table", ToolUsageRow.__table__)
_RECORDS = cast("Table", PerformanceRecordRow.__table__)
_MOST_TOOLS = 1000


async def calls(
    session: Session, period: Period, *, tool_id: ToolId | None = None, agent_id: AgentId | None = None,
    by_tool: bool = True,
) -> dict[UUID | None, CallFigures]:  # fmt: skip
    """Count the calls of a period by tool, those of most calls first, or all together under None; in two statements."""
    names = tuple(name for name, value in (("tool_id", tool_id), ("agent_id", agent_id)) if value is not None)
    params = {"since": period.since, "until": period.until, "tool_id": tool_id, "agent_id": agent_id}
    named = {name: value for name, value in params.items() if name in (*names, "since", "until")}
    counting = session.prepare(("calls", names, by_tool), lambda: _calls(names, by_tool=by_tool))
    spending = session.prepare(("costs", names, by_tool), lambda: _costs(names, by_tool=by_tool))
    counted = await session.rows(counting, named)
    costs: dict[object, list[Money]] = {}
    for tool, currency, minor in await session.rows(spending, named):
        costs.setdefault(tool, []).append(Money.of(int(cast("int", minor)), cast("str", currency)))
    return {
        cast("UUID | None", tool): CallFigures(
            calls=cast("int", number), failures=int(cast("int", failures)), timeouts=int(cast("int", timeouts)),
            p50_ms=cast("int | None", p50), p95_ms=cast("int | None", p95), costs=tuple(costs.get(tool, ())),
        )
        for tool, number, failures, timeouts, p50, p95 in counted
    }  # fmt: skip


async def measurements(session: Session, period: Period, agent_id: AgentId) -> list[MetricFigures]:
    """Summarize the agent's measurements of a period by metric and unit, in one statement."""
    statement = session.prepare("measurements", _measurements)
    rows = await session.rows(statement, {"since": period.since, "until": period.until, "agent_id": agent_id})
    return [
        MetricFigures(
            metric=cast("str", metric), unit=cast("str", unit), records=cast("int", records),
            total=int(cast("int", total)), lowest=cast("int", lowest), highest=cast("int", highest),
        )
        for metric, unit, records, total, lowest, highest in rows
    ]  # fmt: skip


def capabilities() -> Executable:
    """Select capability, id, name and availability of tools that are not retired, by capability and name."""
    of_tool = (_CAPABILITIES.c.organization_id == _TOOLS.c.organization_id) & (_CAPABILITIES.c.tool_id == _TOOLS.c.id)
    return (
        select(_CAPABILITIES.c.capability, _TOOLS.c.id, _TOOLS.c.name, _TOOLS.c.availability)
        .select_from(_CAPABILITIES.join(_TOOLS, of_tool))
        .where(tenancy.wall(_CAPABILITIES), tenancy.wall(_TOOLS), _TOOLS.c.retired_at.is_(None))
        .order_by(_CAPABILITIES.c.capability, _TOOLS.c.name, _TOOLS.c.id)
        .limit(bindparam("limit", type_=Integer()))
    )


def _within(table: Table, names: Iterable[str]) -> list[ColumnElement[bool]]:
    at = table.c.created_at
    return [
        tenancy.wall(table),
        at >= bindparam("since", type_=UtcDateTime()),
        at < bindparam("until", type_=UtcDateTime()),
        *(table.c[name] == bindparam(name, type_=Guid()) for name in names),
    ]


def _calls(names: Iterable[str], *, by_tool: bool) -> Executable:
    """Count, and find the durations of the nearest rank by numbering the calls, which both databases can."""
    u = _USAGES.c
    group = [u.tool_id] if by_tool else []
    rank = func.row_number().over(partition_by=group or None, order_by=(u.duration_ms, u.id))
    size = func.count().over(partition_by=group or None)
    ranked = (
        select(u.tool_id, u.outcome, u.duration_ms, rank.label("rank"), size.label("size"))
        .where(*_within(_USAGES, names))
        .subquery()
    )
    r = ranked.c

    def nearest(percent: int) -> ColumnElement[int]:
        return func.min(case((r.rank * 100 >= r.size * percent, r.duration_ms)))

    def ended(outcome: ToolOutcome) -> ColumnElement[int]:
        return func.count(case((r.outcome == outcome.value, 1)))

    tool = r.tool_id if by_tool else as_type(null(), Guid())
    failed = func.count(case((r.outcome != ToolOutcome.OK.value, 1)))
    counted = select(tool, func.count(), failed, ended(ToolOutcome.TIMEOUT), nearest(50), nearest(95))
    if not by_tool:
        return counted.having(func.count() > 0)
    return counted.group_by(r.tool_id).order_by(func.count().desc(), r.tool_id).limit(_MOST_TOOLS)


def _costs(names: Iterable[str], *, by_tool: bool) -> Executable:
    u = _USAGES.c
    tool = u.tool_id if by_tool else as_type(null(), Guid())
    group = [u.tool_id, u.cost_currency] if by_tool else [u.cost_currency]
    return (
        select(tool, u.cost_currency, as_type(func.sum(u.cost_minor), BigInteger))
        .where(*_within(_USAGES, names), u.cost_minor.is_not(None))
        .group_by(*group)
        .order_by(u.cost_currency)
    )


def _measurements() -> Executable:
    r = _RECORDS.c
    return (
        select(
            r.metric, r.unit, func.count(), as_type(func.sum(r.value), BigInteger), func.min(r.value), func.max(r.value)
        )
        .where(*_within(_RECORDS, ["agent_id"]))
        .group_by(r.metric, r.unit)
        .order_by(r.metric, r.unit)
    )
