"""A task: something that an agent is to do, and how far it has come."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from attrs import asdict, define, fields

from domain.shared.documents import Document
from domain.shared.entity import Entity
from domain.shared.errors import InvalidTransition
from domain.shared.ids import AgentId, ConversationId, OrganizationId, TaskId
from domain.shared.money import Money
from domain.work import task_events as events
from domain.work.lanes import lane_of, rank_of
from domain.work.retries import pause_after
from domain.work.task_errors import TaskClaimed, TaskFinished, TooManyDependencies
from domain.work.task_plan import MAX_DEPENDENCIES, OVER, TaskPlan, TaskStatus


@define(kw_only=True, eq=False)
class Task(Entity):
    """Something to do. Who works on it is fenced by the token of its open run (``domain.work.task_run``).

    ``lane`` is where it waits, ``rank`` before whom (the lowest first), ``available_at`` from when on.
    ``open_dependencies`` counts the tasks it still waits for. ``attempt`` counts claims since it was last given a full
    count, released ones aside.
    """

    kind: ClassVar[str] = "task"

    id: TaskId
    title: str
    type: str
    description: str
    agent_id: AgentId | None
    capability: str | None
    conversation_id: ConversationId | None
    parent_id: TaskId | None
    status: TaskStatus
    input: Document
    output: Document | None = None
    error: Document | None = None
    priority: int
    not_before: datetime | None
    due_at: datetime | None
    timeout_seconds: int | None
    max_attempts: int
    attempt: int = 0
    cost: Money | None = None
    metadata: dict[str, str | int | bool]
    lane: str
    rank: int
    available_at: datetime
    open_dependencies: int = 0
    claimed_by: AgentId | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @classmethod
    def create(
        cls, plan: TaskPlan, *, id: TaskId, organization_id: OrganizationId, now: datetime, open_dependencies: int = 0
    ) -> Self:
        """Note that something is to be done, once ``open_dependencies`` other tasks are.

        Raises:
            InvalidText: a text is not acceptable.
            InvalidMetadata: the metadata is not acceptable.
            InvalidSchedule: the task is due before it may be begun.
            TooManyDependencies: it would wait for more than 100 others.
        """
        if open_dependencies > MAX_DEPENDENCIES:
            raise TooManyDependencies(path="depends_on", max=MAX_DEPENDENCIES)
        checked = plan.checked()
        task = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, **asdict(checked, recurse=False),
            status=TaskStatus.BLOCKED if open_dependencies else TaskStatus.PENDING, open_dependencies=open_dependencies,
            lane=lane_of(checked.agent_id, checked.capability), rank=rank_of(checked.priority),
            available_at=plan.not_before or now,
        )  # fmt: skip
        fact = events.TaskCreatedEvent(
            type=task.type, agent_id=task.agent_id, capability=task.capability, conversation_id=task.conversation_id,
            parent_id=task.parent_id, blocked=open_dependencies > 0,
        )  # fmt: skip
        task.record(fact, now)
        return task

    @property
    def is_over(self) -> bool:
        """Whether nobody works on it any more."""
        return self.status in OVER

    def plan(self) -> TaskPlan:
        """Return what is wanted, to be changed with ``attrs.evolve``."""
        return TaskPlan(**{each.name: getattr(self, each.name) for each in fields(TaskPlan)})

    def edit(self, plan: TaskPlan, now: datetime) -> None:
        """Want something else, as long as nobody is working on it.

        Raises:
            TaskClaimed: an agent is at it.
            TaskFinished: it is over.
            InvalidText, InvalidMetadata, InvalidSchedule: as for :meth:`create`.
        """
        self._refuse_over()
        if self.status is TaskStatus.CLAIMED:
            raise TaskClaimed
        checked = plan.checked()
        moved = plan.not_before != self.not_before
        available_at = (plan.not_before or now) if moved else self.available_at
        lane, rank = lane_of(checked.agent_id, checked.capability), rank_of(checked.priority)
        self.amend(now, **asdict(checked, recurse=False), lane=lane, rank=rank, available_at=available_at)

    # -- working on it -----------------------------------------------------------------------------

    def claim(self, agent_id: AgentId, now: datetime) -> None:
        """Begin an attempt.

        Raises:
            InvalidTransition: it is not waiting to be claimed.
        """
        if self.status is not TaskStatus.PENDING:
            raise InvalidTransition
        self.status, self.claimed_by, self.attempt = TaskStatus.CLAIMED, agent_id, self.attempt + 1
        self.started_at = self.started_at or now
        self.record(events.TaskClaimedEvent(agent_id=agent_id, attempt=self.attempt), now)

    def complete(self, output: Document | None, cost: Money | None, now: datetime) -> None:
        """Be done.

        Raises:
            InvalidTransition: nobody has claimed it.
        """
        agent_id = self._end_attempt()
        self.status, self.output, self.error, self.cost, self.completed_at = (
            TaskStatus.COMPLETED, output, None, cost, now,
        )  # fmt: skip
        self.record(events.TaskCompletedEvent(agent_id=agent_id, attempt=self.attempt, cost=cost), now)

    def fail(self, error: Document, now: datetime, *, retry: bool, chance: float) -> None:
        """End an attempt without success; there is another one while there are any left and ``retry`` says so.

        Raises:
            InvalidTransition: nobody has claimed it.
        """
        agent_id = self._end_attempt()
        self.error = error
        retry_at = None
        if not retry:
            self.status, self.completed_at = TaskStatus.FAILED, now
        elif self._give_up_if_spent(now):
            retry_at = self.available_at = now + pause_after(self.attempt, chance)
        fact = events.TaskFailedEvent(agent_id=agent_id, attempt=self.attempt, retry_at=retry_at)
        self.record(fact, now)

    def expire(self, error: Document, now: datetime) -> None:
        """End an attempt whose lease is over; it is to be had again at once while there are attempts left.

        Raises:
            InvalidTransition: nobody has claimed it.
        """
        agent_id = self._end_attempt()
        self.error = error
        will_retry = self._give_up_if_spent(now)
        self.record(events.TaskTimedOutEvent(agent_id=agent_id, attempt=self.attempt, will_retry=will_retry), now)

    def release(self, now: datetime, *, after: timedelta = timedelta()) -> None:
        """Give it back for somebody else; the attempt does not count.

        Raises:
            InvalidTransition: nobody has claimed it.
        """
        agent_id = self._end_attempt()
        self.status, self.attempt, self.available_at = TaskStatus.PENDING, self.attempt - 1, now + after
        self.record(events.TaskReleasedEvent(agent_id=agent_id), now)

    def cancel(self, now: datetime) -> None:
        """Want it no longer; doing it twice changes nothing.

        Raises:
            TaskFinished: it is over in another way.
        """
        if self.status is TaskStatus.CANCELLED:
            return
        self._refuse_over()
        self.status, self.claimed_by, self.completed_at = TaskStatus.CANCELLED, None, now
        self.record(events.TaskCancelledEvent(), now)

    def retry(self, now: datetime) -> None:
        """Have it claimed again after it was given up, with a full count of attempts.

        Raises:
            InvalidTransition: it was not given up.
        """
        if self.status not in (TaskStatus.DEAD, TaskStatus.FAILED):
            raise InvalidTransition
        self.attempt, self.completed_at, self.available_at = 0, None, now
        self.status = TaskStatus.BLOCKED if self.open_dependencies else TaskStatus.PENDING
        self.record(events.TaskRetriedEvent(), now)

    def _end_attempt(self) -> AgentId:
        """Take it from whoever has it, and return who that was."""
        agent_id = self.claimed_by
        if self.status is not TaskStatus.CLAIMED or agent_id is None:
            raise InvalidTransition
        self.claimed_by = None
        return agent_id

    def _give_up_if_spent(self, now: datetime) -> bool:
        """Say whether there is another attempt; without one the task is dead."""
        if self.attempt < self.max_attempts:
            self.status = TaskStatus.PENDING
            return True
        self.status, self.completed_at = TaskStatus.DEAD, now
        return False

    # -- waiting for others ------------------------------------------------------------------------

    def depend_on(self, other: "Task", now: datetime, *, edges: int) -> None:
        """Wait for another task; that this makes no cycle is checked before, and ``edges`` is for how many it waits.

        Raises:
            TaskClaimed: an agent is at it already.
            TaskFinished: it is over.
            TooManyDependencies: it waits for 100 others.
        """
        self._refuse_over()
        if self.status is TaskStatus.CLAIMED:
            raise TaskClaimed
        if edges >= MAX_DEPENDENCIES:
            raise TooManyDependencies(path="depends_on_id", max=MAX_DEPENDENCIES)
        if other.status is not TaskStatus.COMPLETED:
            self.open_dependencies, self.status = self.open_dependencies + 1, TaskStatus.BLOCKED
        self.record(events.TaskDependencyAddedEvent(depends_on_id=other.id), now)

    def stop_waiting_for(self, other: "Task", now: datetime) -> None:
        """Wait for another task no longer."""
        if other.status is not TaskStatus.COMPLETED:
            self._count_down()
        self.record(events.TaskDependencyRemovedEvent(depends_on_id=other.id), now)

    def resolve(self, completed: TaskId, now: datetime) -> None:
        """Take note that a task this one waits for is done; after the last one it can be claimed."""
        self._count_down()
        fact = events.TaskUnblockedEvent(depends_on_id=completed, open_dependencies=self.open_dependencies)
        self.record(fact, now)

    def _count_down(self) -> None:
        self.open_dependencies -= 1
        if self.open_dependencies == 0 and self.status is TaskStatus.BLOCKED:
            self.status = TaskStatus.PENDING

    def _refuse_over(self) -> None:
        if self.is_over:
            raise TaskFinished
