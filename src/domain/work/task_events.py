"""Facts about tasks."""

from datetime import datetime
from typing import ClassVar

from attrs import frozen

from domain.shared.events import DomainEvent
from domain.shared.ids import AgentId, ConversationId, TaskId
from domain.shared.money import Money


@frozen(kw_only=True)
class TaskCreatedEvent(DomainEvent):
    """There is something to do. Neither input nor title is published."""

    verb: ClassVar[str] = "created"
    type: str
    agent_id: AgentId | None
    capability: str | None
    conversation_id: ConversationId | None
    parent_id: TaskId | None
    blocked: bool


@frozen(kw_only=True)
class TaskClaimedEvent(DomainEvent):
    """An agent began an attempt."""

    verb: ClassVar[str] = "claimed"
    agent_id: AgentId
    attempt: int


@frozen(kw_only=True)
class TaskCompletedEvent(DomainEvent):
    """The task is done."""

    verb: ClassVar[str] = "completed"
    agent_id: AgentId
    attempt: int
    cost: Money | None


@frozen(kw_only=True)
class TaskFailedEvent(DomainEvent):
    """An attempt failed; ``retry_at`` is when there is another one, None when there is none."""

    verb: ClassVar[str] = "failed"
    agent_id: AgentId
    attempt: int
    retry_at: datetime | None


@frozen(kw_only=True)
class TaskTimedOutEvent(DomainEvent):
    """An agent was not heard of for longer than its lease, or took longer than the task allows."""

    verb: ClassVar[str] = "timed_out"
    agent_id: AgentId
    attempt: int
    will_retry: bool


@frozen(kw_only=True)
class TaskReleasedEvent(DomainEvent):
    """An agent gave the task back; the attempt does not count."""

    verb: ClassVar[str] = "released"
    agent_id: AgentId


@frozen(kw_only=True)
class TaskCancelledEvent(DomainEvent):
    """The task is not wanted any more."""

    verb: ClassVar[str] = "cancelled"


@frozen(kw_only=True)
class TaskRetriedEvent(DomainEvent):
    """A task that had been given up may be claimed again, with a full count of attempts."""

    verb: ClassVar[str] = "retried"


@frozen(kw_only=True)
class TaskDependencyAddedEvent(DomainEvent):
    """The task waits for another one."""

    verb: ClassVar[str] = "dependency_added"
    depends_on_id: TaskId


@frozen(kw_only=True)
class TaskDependencyRemovedEvent(DomainEvent):
    """The task no longer waits for another one."""

    verb: ClassVar[str] = "dependency_removed"
    depends_on_id: TaskId


@frozen(kw_only=True)
class TaskUnblockedEvent(DomainEvent):
    """A task that this one waits for is done; ``open_dependencies`` others are not."""

    verb: ClassVar[str] = "unblocked"
    depends_on_id: TaskId
    open_dependencies: int
