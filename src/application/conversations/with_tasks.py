"""Conversations together with the tasks that came of them."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from application.conversations.conversation_view import ConversationView
from application.conversations.conversations import CreateConversation, start_conversation
from application.kernel.actor import Scope
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.work.task_fields import Attempts, Description, Label, Priority, Timeout, Title
from application.work.task_views import TaskView
from domain.conversations.conversation import ConversationStatus
from domain.conversations.specifications import conversations_matching
from domain.shared.documents import Document
from domain.shared.ids import AgentId, ConversationId, CustomerId, TaskId, UserId
from domain.work.task import Task
from domain.work.task_plan import NORMAL_PRIORITY, TaskPlan

TASKS_SHOWN = 50
"""How many tasks of one conversation are shown; `tasks.list` has the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstTask:
    """What is to be done, as `tasks.create` takes it; without an `agent_id` it is the conversation's agent's."""

    title: Title
    type: Label = "task"
    description: Description = ""
    agent_id: AgentId | None = None
    capability: Label | None = None
    input: Document = field(default_factory=dict)
    priority: Priority = NORMAL_PRIORITY
    not_before: datetime | None = None
    due_at: datetime | None = None
    timeout_seconds: Timeout | None = None
    max_attempts: Attempts = 3
    metadata: dict[str, str | int | bool] = field(default_factory=dict)

    def plan(self, conversation_id: ConversationId, agent_id: AgentId | None) -> TaskPlan:
        """Return what is wanted, of whom the task itself names or else of another agent."""
        return TaskPlan(
            title=self.title, type=self.type, description=self.description, agent_id=self.agent_id or agent_id,
            capability=self.capability, conversation_id=conversation_id, input=self.input, priority=self.priority,
            not_before=self.not_before, due_at=self.due_at, timeout_seconds=self.timeout_seconds,
            max_attempts=self.max_attempts, metadata=self.metadata,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateConversationWithTask(CreateConversation):
    """A conversation as `conversations.create` takes it, and the task to begin with."""

    task: FirstTask


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationWithTasksView:
    """A conversation and its newest 50 tasks, the newest first; `id` is the conversation's."""

    id: ConversationId
    conversation: ConversationView
    tasks: list[TaskView]


@use_case(
    "conversations.create_with_task",
    scope=Scope.CONVERSATIONS_WRITE,
    example={"title": "Refund for a broken grinder", "task": {"title": "Look the order up", "input": {"order": "42"}}},
    statements=9,
)
async def create_conversation_with_task(
    cmd: CreateConversationWithTask, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> ConversationWithTasksView:
    """Begin a conversation and create its first task: both are there, or neither. It takes `tasks:write` as well.

    Errors: those of `conversations.create` and `tasks.create`, `scope_missing`.
    """
    uow.actor.require(Scope.TASKS_WRITE)
    conversation = await start_conversation(cmd, uow, ConversationId(ids.new()), clock)
    if cmd.task.agent_id is not None:
        await uow.agents.get(cmd.task.agent_id)
    task = Task.create(
        cmd.task.plan(conversation.id, conversation.agent_id), id=TaskId(ids.new()),
        organization_id=conversation.organization_id, now=clock.now(),
    )  # fmt: skip
    uow.tasks.add(task)
    shown = ConversationView.of(conversation)
    return ConversationWithTasksView(id=conversation.id, conversation=shown, tasks=[TaskView.of(task)])


@dataclass(frozen=True, slots=True, kw_only=True)
class FindConversationsWithTasks(PageQuery):
    """Which conversations."""

    status: ConversationStatus | None = None
    agent_id: AgentId | None = None
    customer_id: CustomerId | None = None
    user_id: UserId | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


@use_case(
    "conversations.find_with_tasks",
    scope=Scope.CONVERSATIONS_READ,
    example={"limit": 20, "status": "open"},
    read_only=True,
    # Two, and one to count when the total is asked for.
    statements=3,
)
async def find_with_tasks(
    cmd: FindConversationsWithTasks, uow: IUnitOfWork
) -> ListView[ConversationWithTasksView]:  # fmt: skip
    """List conversations, each with its newest 50 tasks. It takes `tasks:read` as well.

    Errors: `scope_missing`.
    """
    uow.actor.require(Scope.TASKS_READ)
    wanted = conversations_matching(
        status=cmd.status, agent_id=cmd.agent_id, customer_id=cmd.customer_id, user_id=cmd.user_id
    )
    page = await uow.conversations.page(wanted, cmd.request(cmd.sort))
    tasks = await uow.tasks.newest_of_conversations([each.id for each in page.items], TASKS_SHOWN)
    of: defaultdict[ConversationId | None, list[TaskView]] = defaultdict(list)
    for task in tasks:
        of[task.conversation_id].append(TaskView.of(task))
    return ListView.of(
        page,
        lambda each: ConversationWithTasksView(id=each.id, conversation=ConversationView.of(each), tasks=of[each.id]),
    )
