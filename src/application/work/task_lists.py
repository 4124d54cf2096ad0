"""Finding tasks: lists, search, what waits for an agent, and the history of attempts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from application.kernel.actor import Scope
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock
from application.kernel.reads import list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.work.task_fields import Batch, Label, SearchTerm
from application.work.task_views import TaskRunView, TasksView, TaskView
from domain.shared.ids import AgentId, ConversationId, TaskId
from domain.shared.specification import Spec
from domain.work.lanes import lanes_of
from domain.work.task import Task
from domain.work.task_plan import TaskStatus
from domain.work.task_run import RunOutcome, TaskRun
from domain.work.task_specifications import runs_matching, search_tasks, tasks_matching


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTasks(PageQuery):
    """Which tasks: exactly these values, where any are given."""

    status: TaskStatus | None = None
    agent_id: AgentId | None = None
    conversation_id: ConversationId | None = None
    parent_id: TaskId | None = None
    type: Label | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"

    def wanted(self) -> Spec[Task]:
        """Return the question."""
        return tasks_matching(
            status=self.status, agent_id=self.agent_id, conversation_id=self.conversation_id,
            parent_id=self.parent_id, type=self.type,
        )  # fmt: skip


list_use_case(
    "tasks.list",
    ListTasks,
    lambda uow: uow.tasks,
    TaskView,
    "List tasks by what they are, the newest first.",
    where=ListTasks.wanted,
    scope=Scope.TASKS_READ,
    example={"limit": 20, "status": "pending"},
    statements=2,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTasks(PageQuery):
    """Which tasks: everything that is given has to hold.

    `term` looks into title and description. `due_from` belongs to the range, `due_before` does not.
    """

    term: SearchTerm | None = None
    conversation_id: ConversationId | None = None
    agent_id: AgentId | None = None
    status: TaskStatus | None = None
    due_from: datetime | None = None
    due_before: datetime | None = None
    sort: Literal["created_at", "-created_at", "due_at", "-due_at"] = "-created_at"

    def wanted(self) -> Spec[Task]:
        """Return the question."""
        return search_tasks(
            conversation_id=self.conversation_id, agent_id=self.agent_id, status=self.status, term=self.term,
            due_from=self.due_from, due_before=self.due_before,
        )  # fmt: skip


list_use_case(
    "tasks.search",
    SearchTasks,
    lambda uow: uow.tasks,
    TaskView,
    "Search tasks by words, by what they belong to and by when they are due.",
    where=SearchTasks.wanted,
    scope=Scope.TASKS_READ,
    example={"limit": 20, "term": "harvest", "sort": "due_at"},
    statements=2,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPendingForAgent:
    """For which agent, and how many tasks at most."""

    agent_id: AgentId
    limit: Batch = 20


@use_case("tasks.find_pending_for_agent", scope=Scope.TASKS_READ, example={"limit": 20}, read_only=True, statements=2)
async def find_pending_for_agent(cmd: FindPendingForAgent, uow: IUnitOfWork, *, clock: IClock) -> TasksView:
    """Return the tasks that the agent could claim now, the most urgent first, without claiming any.

    Errors: `not_found` for the agent.
    """
    agent = await uow.agents.get(cmd.agent_id)
    lanes = lanes_of(agent.id, agent.capabilities)
    return TasksView.of(await uow.tasks.find_pending_for_agent(lanes, clock.now(), cmd.limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTaskRuns(PageQuery):
    """Which attempts: of one task, of one agent, with one outcome."""

    task_id: TaskId | None = None
    agent_id: AgentId | None = None
    outcome: RunOutcome | None = None
    sort: Literal["started_at", "-started_at"] = "-started_at"

    def wanted(self) -> Spec[TaskRun]:
        """Return the question."""
        return runs_matching(task_id=self.task_id, agent_id=self.agent_id, outcome=self.outcome)


@use_case(
    "tasks.list_runs", scope=Scope.TASKS_READ, example={"limit": 20}, read_only=True,
    statements=2,
)  # fmt: skip
async def list_task_runs(cmd: ListTaskRuns, uow: IUnitOfWork) -> ListView[TaskRunView]:
    """List attempts at tasks, the latest first: who had a task from when to when, and how that ended."""
    return ListView.of(await uow.task_runs.page(cmd.wanted(), cmd.request(cmd.sort)), TaskRunView.of)
