"""How agents work: measurements of them, and what they did in a period."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval

from application.agents.tool_use import CallFiguresView
from application.kernel.actor import Scope
from application.kernel.page import PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.agents.figures import AgentMetrics, MetricFigures, WorkFigures
from domain.agents.labels import METRIC
from domain.agents.performance_record import MAX_VALUE, NOTE, UNIT, PerformanceRecord
from domain.agents.specifications import records_matching
from domain.shared.ids import AgentId, PerformanceRecordId, TaskId
from domain.shared.money import Money
from domain.shared.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceRecordView(View[PerformanceRecord]):
    """One measurement of an agent's work."""

    id: PerformanceRecordId
    agent_id: AgentId
    task_id: TaskId | None
    metric: str
    value: int
    unit: str
    note: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPerformance:
    """Which agent, and what was measured: so many of a unit, as a whole number (`942` of `permille`), at which task."""

    agent_id: AgentId
    metric: Annotated[str, METRIC]
    value: Annotated[int, Interval(ge=-MAX_VALUE, le=MAX_VALUE)]
    unit: Annotated[str, UNIT]
    note: Annotated[str, NOTE] = ""
    task_id: TaskId | None = None


@use_case(
    "agents.record_performance",
    scope=Scope.AGENTS_WORK,
    example={"metric": "quality.score", "value": 942, "unit": "permille", "note": "Judged by the reviewer."},
    statements=5,
)
async def record_performance(
    cmd: RecordPerformance, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> PerformanceRecordView:
    """Write down one measurement of an agent's work, for good. An agent does this for itself only.

    Errors: `not_found`, `not_the_agent`, `metric_invalid`, `measurement_invalid`, `text_invalid`.
    """
    uow.actor.act_as(cmd.agent_id)
    if cmd.task_id is not None:
        await uow.tasks.get(cmd.task_id)
    record = PerformanceRecord.measure(
        await uow.agents.get(cmd.agent_id), id=PerformanceRecordId(ids.new()), metric=cmd.metric, value=cmd.value,
        unit=cmd.unit, note=cmd.note, task_id=cmd.task_id, now=clock.now(),
    )  # fmt: skip
    uow.performance_records.add(record)
    return PerformanceRecordView.of(record)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPerformance(PageQuery):
    """Of which agent, and of which metric."""

    agent_id: AgentId
    metric: Annotated[str, METRIC] | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "agents.list_performance", ListPerformance, lambda uow: uow.performance_records, PerformanceRecordView,
    "List measurements of an agent's work.\n\nErrors: `metric_invalid`.",
    where=lambda cmd: records_matching(agent_id=cmd.agent_id, metric=cmd.metric),
    scope=Scope.AGENTS_READ, example={"limit": 20, "metric": "quality.score"},
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFiguresView(View[MetricFigures]):
    """The measurements of one metric in one unit: their average is `total` by `records`."""

    metric: str
    unit: str
    records: int
    total: int
    lowest: int
    highest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFiguresView(View[WorkFigures]):
    """Runs of tasks that began in the period, and how they ended; a task that is tried again is another run.

    Half of the completed ones took at most `p50_ms`, and 95 % at most `p95_ms`.
    """

    runs: int
    completed: int
    failed: int
    timed_out: int
    p50_ms: int | None
    p95_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMetricsView:
    """What an agent did in a period. `spent` is what its mandates paid in it, for orders and for tools."""

    agent_id: AgentId
    since: datetime
    until: datetime
    tasks: WorkFiguresView
    tools: CallFiguresView
    spent: list[Money]
    performance: list[MetricFiguresView]

    @classmethod
    def of(cls, agent_id: AgentId, period: Period, metrics: AgentMetrics) -> "AgentMetricsView":
        """Show an agent's figures of a period."""
        return cls(
            agent_id=agent_id,
            since=period.since,
            until=period.until,
            tasks=WorkFiguresView.of(metrics.tasks),
            tools=CallFiguresView.of(metrics.tools),
            spent=list(metrics.spent),
            performance=[MetricFiguresView.of(each) for each in metrics.performance],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAgentMetrics:
    """Which agent, and which period, at most 366 days. `until` does not belong to it."""

    id: AgentId
    since: datetime
    until: datetime


@use_case(
    "agents.get_metrics",
    scope=Scope.AGENTS_READ,
    example={"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"},
    read_only=True,
    statements=6,
)
async def get_agent_metrics(cmd: GetAgentMetrics, uow: IUnitOfWork) -> AgentMetricsView:
    """Return what an agent did: its runs of tasks, its calls of tools, what it spent, and what was measured of it.

    Errors: `not_found`, `period_invalid`.
    """
    period = Period.of(cmd.since, cmd.until)
    agent = await uow.agents.get(cmd.id)
    return AgentMetricsView.of(agent.id, period, await uow.agents.get_agent_metrics(agent.id, period))
