"""Tasks: creating, describing and cancelling them, and the tasks they wait for."""

from dataclasses import dataclass, field
from datetime import datetime

from attrs import evolve

from application.kernel.actor import Scope
from application.kernel.changes import change_use_case
from application.kernel.fields import Version
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.work import task_endings
from application.work.advancing import hold_execution
from application.work.task_fields import Attempts, Dependencies, Description, Label, Priority, Timeout, Title
from application.work.task_views import TaskView
from domain.shared.documents import Document
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import AgentId, ConversationId, TaskId
from domain.work.task import Task
from domain.work.task_plan import NORMAL_PRIORITY, TaskPlan, TaskStatus
from domain.work.task_run import RunOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """What is to be done, and by whom.

    With an `agent_id` only that agent gets the task, with a `capability` any agent that has it, with neither anybody.
    The higher the `priority`, the sooner. `timeout_seconds` bounds one attempt, whatever heartbeats say; after
    `max_attempts` the task is `dead` until somebody retries it.
    """

    title: Title
    type: Label = "task"
    description: Description = ""
    agent_id: AgentId | None = None
    capability: Label | None = None
    conversation_id: ConversationId | None = None
    parent_id: TaskId | None = None
    input: Document = field(default_factory=dict)
    priority: Priority = NORMAL_PRIORITY
    not_before: datetime | None = None
    due_at: datetime | None = None
    timeout_seconds: Timeout | None = None
    max_attempts: Attempts = 3
    metadata: dict[str, str | int | bool] = field(default_factory=dict)

    def plan(self) -> TaskPlan:
        """Return what is wanted."""
        return TaskPlan(
            title=self.title, type=self.type, description=self.description, agent_id=self.agent_id,
            capability=self.capability, conversation_id=self.conversation_id, parent_id=self.parent_id,
            input=self.input, priority=self.priority, not_before=self.not_before, due_at=self.due_at,
            timeout_seconds=self.timeout_seconds, max_attempts=self.max_attempts, metadata=self.metadata,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTask(NewTask):
    """What is to be done, by whom, and after which tasks.

    With an `agent_id` only that agent gets the task, with a `capability` any agent that has it, with neither anybody.
    The higher the `priority`, the sooner. `timeout_seconds` bounds one attempt, whatever heartbeats say; after
    `max_attempts` the task is `dead` until somebody retries it. It waits until all tasks of `depends_on` are completed.
    """

    depends_on: Dependencies = field(default_factory=list)


@use_case(
    "tasks.create",
    scope=Scope.TASKS_WRITE,
    example={
        "title": "Summarise the harvest report", "type": "summarise", "description": "One page, for the board.",
        "parent_id": None, "depends_on": [], "input": {"document": "harvest-2031", "pages": 1}, "priority": 7,
        "timeout_seconds": 600, "max_attempts": 3, "metadata": {"season": "2031"},
    },
    statements=8,
)  # fmt: skip
async def create_task(cmd: CreateTask, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> TaskView:
    """Give agents something to do; it can be claimed at once, or when the tasks it depends on are completed.

    Errors: `not_found` for what it refers to, `dependency_limit`, `schedule_invalid`, `document_invalid`,
    `text_invalid`, `metadata_invalid`.
    """
    # Locked, so that none of them is completed meanwhile without this task being told.
    awaited = await uow.tasks.lock_many(cmd.depends_on)
    if len(awaited) < len(set(cmd.depends_on)):
        raise EntityNotFoundError
    await _check_references(cmd.plan(), uow)
    unfinished = sum(other.status is not TaskStatus.COMPLETED for other in awaited.values())
    task = Task.create(
        cmd.plan(), id=TaskId(ids.new()), organization_id=uow.actor.organization_id, now=clock.now(),
        open_dependencies=unfinished,
    )  # fmt: skip
    uow.tasks.add(task)
    await uow.tasks.add_dependencies(task.id, [other.id for other in awaited.values()])
    return TaskView.of(task)


async def _check_references(plan: TaskPlan, uow: IUnitOfWork) -> None:
    """Refuse what the organization does not have."""
    if plan.agent_id is not None:
        await uow.agents.get(plan.agent_id)
    if plan.conversation_id is not None:
        await uow.conversations.get(plan.conversation_id)
    if plan.parent_id is not None:
        await uow.tasks.get(plan.parent_id)


get_use_case("tasks.get", lambda uow: uow.tasks, TaskView, "Return one task.", scope=Scope.TASKS_READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTask:
    """New values for what is mentioned; the rest stays."""

    id: TaskId
    expected_version: Version
    title: Maybe[Title] = UNSET
    description: Maybe[Description] = UNSET
    agent_id: Maybe[AgentId | None] = UNSET
    capability: Maybe[Label | None] = UNSET
    input: Maybe[Document] = UNSET
    priority: Maybe[Priority] = UNSET
    not_before: Maybe[datetime | None] = UNSET
    due_at: Maybe[datetime | None] = UNSET
    timeout_seconds: Maybe[Timeout | None] = UNSET
    max_attempts: Maybe[Attempts] = UNSET
    metadata: Maybe[dict[str, str | int | bool]] = UNSET

    def plan(self, present: TaskPlan) -> TaskPlan:
        """Return what is wanted now."""
        names = (
            "title", "description", "agent_id", "capability", "input", "priority", "not_before", "due_at",
            "timeout_seconds", "max_attempts", "metadata",
        )  # fmt: skip
        return evolve(present, **{name: given(getattr(self, name), getattr(present, name)) for name in names})


@use_case(
    "tasks.update",
    scope=Scope.TASKS_WRITE,
    example={"expected_version": 1, "title": "Summarise the harvest report, briefly", "priority": 9},
    statements=5,
)
async def update_task(cmd: UpdateTask, uow: IUnitOfWork, *, clock: IClock) -> TaskView:
    """Change what is wanted of a task that nobody is working on; fields left out stay, `input` is replaced as a whole.

    Errors: `not_found` for task or agent, `version_stale`, `task_claimed`, `task_finished`, `schedule_invalid`,
    `document_invalid`, `text_invalid`, `metadata_invalid`.
    """
    task = await uow.tasks.get(cmd.id, lock=True)
    task.expect_version(cmd.expected_version)
    if cmd.agent_id is not UNSET and cmd.agent_id is not None:
        await uow.agents.get(cmd.agent_id)
    task.edit(cmd.plan(task.plan()), clock.now())
    return TaskView.of(task)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTask:
    """Which task, and optionally the version the caller read."""

    id: TaskId
    expected_version: Version | None = None


@use_case("tasks.cancel", scope=Scope.TASKS_WRITE, example={}, destructive=True, statements=5)
async def cancel_task(cmd: CancelTask, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> TaskView:
    """Want a task no longer; whoever works on it learns so from the next heartbeat. What depends on it stays blocked.

    Errors: `not_found`, `version_stale`, `task_finished`.
    """
    executions = await hold_execution(uow, cmd.id)
    task = await uow.tasks.get(cmd.id, lock=True)
    task.expect_version(cmd.expected_version)
    if task.status is TaskStatus.CLAIMED:
        await uow.task_runs.end_open([task.id], RunOutcome.CANCELLED)
    task.cancel(clock.now())
    await task_endings.given_up([task], executions, uow, clock.now(), ids)
    return TaskView.of(task)


change_use_case(
    "tasks.retry",
    lambda uow: uow.tasks,
    TaskView,
    Task.retry,
    "Have a `dead` or `failed` task claimed again at once, with a full count of attempts.",
    scope=Scope.TASKS_WRITE,
    statements=4,
    errors="`transition_invalid` for a task that was not given up",
)
