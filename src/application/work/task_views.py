"""How tasks, runs and claims are shown."""

from dataclasses import dataclass
from datetime import datetime

from application.kernel.view import View
from domain.shared.documents import Document
from domain.shared.ids import AgentId, ConversationId, TaskId, TaskRunId
from domain.shared.money import Money
from domain.work.task import Task
from domain.work.task_plan import TaskStatus
from domain.work.task_run import RunOutcome, TaskRun


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView(View[Task]):
    """Something to do, and how far it has come.

    A `pending` task can be claimed from `available_at` on by its agent, or by any agent with the `capability`. A
    `blocked` one waits for `open_dependencies` others. `error` is that of the last attempt that failed.
    """

    id: TaskId
    version: int
    title: str
    type: str
    description: str
    agent_id: AgentId | None
    capability: str | None
    conversation_id: ConversationId | None
    parent_id: TaskId | None
    status: TaskStatus
    input: Document
    output: Document | None
    error: Document | None
    priority: int
    not_before: datetime | None
    due_at: datetime | None
    timeout_seconds: int | None
    max_attempts: int
    attempt: int
    cost: Money | None
    metadata: dict[str, str | int | bool]
    available_at: datetime
    open_dependencies: int
    claimed_by: AgentId | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksView:
    """Some tasks, all there are of them."""

    data: list[TaskView]

    @classmethod
    def of(cls, tasks: list[Task]) -> "TasksView":
        """Show tasks in the order given."""
        return cls(data=[TaskView.of(task) for task in tasks])


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView:
    """A task that is the caller's until `lease_until`, unless a heartbeat extends that.

    Whatever is said about it needs the `token`. `times_out_at` is when the attempt ends in any case.
    """

    task: TaskView
    run_id: TaskRunId
    token: str
    lease_until: datetime
    times_out_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsView:
    """The tasks that were claimed, the most urgent first; none when there was nothing to do."""

    data: list[ClaimView]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseView:
    """Until when the task stays the caller's."""

    id: TaskId
    lease_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRunView(View[TaskRun]):
    """One attempt at a task: who had it, from when to when, and how it ended; an open one has no `outcome` yet."""

    id: TaskRunId
    task_id: TaskId
    agent_id: AgentId
    worker: str
    attempt: int
    started_at: datetime
    lease_until: datetime
    times_out_at: datetime | None
    ended_at: datetime | None
    outcome: RunOutcome | None
    error: Document | None
