"""What a caller wants of a task, apart from how far it has come."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Self

from attrs import evolve, frozen

from domain.shared.documents import Document
from domain.shared.ids import AgentId, ConversationId, TaskId
from domain.shared.metadata import MetadataValue, check_metadata
from domain.shared.text import DESCRIPTION, NAME
from domain.work.lanes import check_capability
from domain.work.task_errors import InvalidSchedule

NORMAL_PRIORITY = 5
MAX_ATTEMPTS = 100
MAX_DEPENDENCIES = 100


class TaskStatus(StrEnum):
    """Where a task stands: a blocked one waits for others, a dead one was tried as often as it may be."""

    PENDING = "pending"
    BLOCKED = "blocked"
    CLAIMED = "claimed"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"

    @classmethod
    def from_string(cls, text: str) -> Self:
        """Return the status of this name, in whatever letter case.

        Raises:
            ValueError: there is none.
        """
        return cls(text.strip().lower())


OVER = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.DEAD})
"""Nobody works on these any more."""


@frozen(kw_only=True)
class TaskPlan:
    """What a caller wants done. It may change as long as nobody works on it."""

    title: str
    type: str = "task"
    description: str = ""
    agent_id: AgentId | None = None
    capability: str | None = None
    conversation_id: ConversationId | None = None
    parent_id: TaskId | None = None
    input: Document
    priority: int = NORMAL_PRIORITY
    not_before: datetime | None = None
    due_at: datetime | None = None
    timeout_seconds: int | None = None
    max_attempts: int = 3
    metadata: Mapping[str, MetadataValue]

    def checked(self) -> Self:
        """Return the plan in canonical form.

        Raises:
            InvalidText: title, type, description or capability is not acceptable.
            InvalidMetadata: the metadata is not acceptable.
            InvalidSchedule: the task is due before it may be begun.
        """
        if self.due_at is not None and self.not_before is not None and self.due_at <= self.not_before:
            raise InvalidSchedule(path="due_at")
        return evolve(
            self,
            title=NAME.check(self.title),
            type=check_capability(self.type),
            description=DESCRIPTION.check(self.description),
            capability=None if self.capability is None else check_capability(self.capability),
            metadata=check_metadata(self.metadata),
        )
