"""Tools in use: who may use which, every call, and what the calls add up to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.kernel.actor import Scope
from application.kernel.page import PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from application.mandates.spending import meter
from domain.agents.figures import CallFigures, ToolFigures
from domain.agents.specifications import grant_of, usages_matching
from domain.agents.tool_grant import ToolGrant
from domain.agents.tool_usage import MAX_DURATION_MS, ToolOutcome, ToolUsage
from domain.shared.ids import AgentId, TaskId, ToolGrantId, ToolId, ToolUsageId
from domain.shared.money import Money
from domain.shared.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolGrantView(View[ToolGrant]):
    """That an agent may use a tool."""

    id: ToolGrantId
    version: int
    tool_id: ToolId
    agent_id: AgentId
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTool:
    """Which tool, and to which agent."""

    tool_id: ToolId
    agent_id: AgentId


@use_case("tools.grant", scope=Scope.TOOLS_WRITE, example={}, statements=5)
async def grant_tool(cmd: GrantTool, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> ToolGrantView:
    """Let an agent use a tool, until the grant is revoked.

    Errors: `not_found`, `tool_already_granted`, `tool_unavailable` when the tool is retired, `transition_invalid`
    when the agent is.
    """
    tool, agent = await uow.tools.get(cmd.tool_id), await uow.agents.get(cmd.agent_id)
    grant = ToolGrant.give(tool, agent, id=ToolGrantId(ids.new()), now=clock.now())
    uow.tool_grants.add(grant)
    return ToolGrantView.of(grant)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToolGrant:
    """Which grant."""

    id: ToolGrantId


@use_case("tools.revoke", scope=Scope.TOOLS_WRITE, example={}, destructive=True, statements=4)
async def revoke_tool_grant(cmd: RevokeToolGrant, uow: IUnitOfWork) -> ToolGrantView:
    """Take a tool away from an agent: its next use is refused. What it used stays counted.

    Errors: `not_found`.
    """
    grant = await uow.tool_grants.get(cmd.id, lock=True)
    uow.tool_grants.purge(grant)
    return ToolGrantView.of(grant)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListToolGrants(PageQuery):
    """Grants of a tool, to an agent, or both."""

    tool_id: ToolId | None = None
    agent_id: AgentId | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "tools.list_grants", ListToolGrants, lambda uow: uow.tool_grants, ToolGrantView,
    "List which agents may use which tools.",
    where=lambda cmd: grant_of(cmd.tool_id, cmd.agent_id), scope=Scope.TOOLS_READ, example={"limit": 20},
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUsageView(View[ToolUsage]):
    """One call of a tool. `created_at` is when it was told."""

    id: ToolUsageId
    tool_id: ToolId
    agent_id: AgentId
    task_id: TaskId | None
    outcome: ToolOutcome
    duration_ms: int
    cost: Money | None
    error_code: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackToolUsage:
    """Which agent called which tool, how that ended, how long it took and what it cost.

    Without a `cost` the call cost what the tool costs. A call that failed may have an `error_code`. `task_id` is the
    task that it was made for.
    """

    tool_id: ToolId
    agent_id: AgentId
    outcome: ToolOutcome
    duration_ms: Annotated[int, Interval(ge=0, le=MAX_DURATION_MS)]
    cost: Money | None = None
    error_code: Annotated[str, Len(1, 64)] | None = None
    task_id: TaskId | None = None


@use_case(
    "tools.track_usage",
    scope=Scope.TOOLS_WORK,
    example={
        "outcome": "timeout", "duration_ms": 30000, "cost": {"amount": 2, "currency": "EUR"},
        "error_code": "upstream_timeout",
    },
    statements=12,
)  # fmt: skip
async def track_tool_usage(cmd: TrackToolUsage, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> ToolUsageView:
    """Write down one call of a tool, for good. An agent does this for itself only, and for tools granted to it.

    What a call costs is spent from the agent's mandate when its own key tells of it; without one it is refused.

    Errors: `not_found`, `not_the_agent`, `tool_not_granted`, `tool_unavailable`, `usage_invalid`, `cost_negative`,
    `amount_invalid`, `currency_invalid`, `mandate_missing`, `mandate_ambiguous`, `mandate_exceeded`.
    """
    uow.actor.act_as(cmd.agent_id)
    tool, agent = await uow.tools.get(cmd.tool_id), await uow.agents.get(cmd.agent_id)
    if cmd.task_id is not None:
        await uow.tasks.get(cmd.task_id)
    usage = ToolUsage.record_call(
        tool, id=ToolUsageId(ids.new()), agent_id=agent.id, outcome=cmd.outcome, duration_ms=cmd.duration_ms,
        cost=cmd.cost, error_code=cmd.error_code, task_id=cmd.task_id, now=clock.now(),
        granted=await uow.tool_grants.is_granted(cmd.tool_id, cmd.agent_id),
    )  # fmt: skip
    uow.tool_usages.add(usage)
    await meter(uow, usage, now=usage.created_at, ids=ids)
    return ToolUsageView.of(usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListToolUsages(PageQuery):
    """Calls of a tool, by an agent, for a task, that ended in one way."""

    tool_id: ToolId | None = None
    agent_id: AgentId | None = None
    task_id: TaskId | None = None
    outcome: ToolOutcome | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "tools.list_usages", ListToolUsages, lambda uow: uow.tool_usages, ToolUsageView, "List calls of tools.",
    where=lambda cmd: usages_matching(
        tool_id=cmd.tool_id, agent_id=cmd.agent_id, task_id=cmd.task_id, outcome=cmd.outcome
    ),
    scope=Scope.TOOLS_READ, example={"limit": 20, "outcome": "timeout"},
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFiguresView(View[CallFigures]):
    """Calls, how many of them failed (of those, `timeouts` took too long), and what they cost by currency.

    Half of the calls took at most `p50_ms`, and 95 % at most `p95_ms`.
    """

    calls: int
    failures: int
    timeouts: int
    p50_ms: int | None
    p95_ms: int | None
    costs: list[Money]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFiguresView(View[ToolFigures]):
    """The calls of one tool."""

    tool_id: ToolId
    calls: CallFiguresView


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUsageMetricsView:
    """The calls of a period by tool, those of most calls first."""

    since: datetime
    until: datetime
    data: list[ToolFiguresView]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetToolUsageMetrics:
    """Of which period, at most 366 days, of which tool and by which agent. `until` does not belong to the period."""

    since: datetime
    until: datetime
    tool_id: ToolId | None = None
    agent_id: AgentId | None = None


@use_case(
    "tools.get_usage_metrics",
    scope=Scope.TOOLS_READ,
    example={"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"},
    read_only=True,
    statements=2,
)
async def get_tool_usage_metrics(cmd: GetToolUsageMetrics, uow: IUnitOfWork) -> ToolUsageMetricsView:
    """Return how often tools were called, how often that failed, how long it took and what it cost.

    The thousand tools of most calls are in the answer.

    Errors: `period_invalid`.
    """
    period = Period.of(cmd.since, cmd.until)
    found = await uow.tool_usages.get_usage_metrics(period, tool_id=cmd.tool_id, agent_id=cmd.agent_id)
    return ToolUsageMetricsView(
        since=period.since, until=period.until, data=[ToolFiguresView.of(each) for each in found]
    )  # fmt: skip
