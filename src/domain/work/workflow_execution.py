"""One run of a workflow or a playbook: which of its steps are open, and how it ended.

Whoever changes a step holds the execution's row, so that its counts are always those of its steps.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.shared.entity import Entity
from domain.shared.errors import InvalidTransition
from domain.shared.events import DomainEvent
from domain.shared.ids import (
    OrganizationId,
    PlaybookVersionId,
    TaskId,
    WorkflowExecutionId,
    WorkflowId,
    WorkflowVersionId,
)
from domain.work.workflow_definition import StepKind
from domain.work.workflow_step import StepStatus, WorkflowStep


class ExecutionStatus(StrEnum):
    """Where an execution stands; it is waiting while no agent works and somebody else is awaited."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNDER_WAY = frozenset({ExecutionStatus.PENDING, ExecutionStatus.RUNNING, ExecutionStatus.WAITING})


@frozen(kw_only=True)
class ExecutionStartedEvent(DomainEvent):
    """A workflow or a playbook began to run."""

    verb: ClassVar[str] = "started"
    workflow_id: WorkflowId | None
    steps: int


@frozen(kw_only=True)
class StepConcludedEvent(DomainEvent):
    """A step ended well or badly."""

    verb: ClassVar[str] = "step_concluded"
    step: str
    status: StepStatus
    task_id: TaskId | None


@frozen(kw_only=True)
class ApprovalRequestedEvent(DomainEvent):
    """A step waits for a person's decision."""

    verb: ClassVar[str] = "approval_requested"
    step: str


@frozen(kw_only=True)
class ExecutionCompletedEvent(DomainEvent):
    """Every step is completed."""

    verb: ClassVar[str] = "completed"


@frozen(kw_only=True)
class ExecutionFailedEvent(DomainEvent):
    """A step failed; no other begins until the execution is retried."""

    verb: ClassVar[str] = "failed"
    step: str


@frozen(kw_only=True)
class ExecutionCancelledEvent(DomainEvent):
    """Somebody stopped it."""

    verb: ClassVar[str] = "cancelled"


@frozen(kw_only=True)
class ExecutionRetriedEvent(DomainEvent):
    """The steps that had failed begin again."""

    verb: ClassVar[str] = "retried"
    steps: int


@define(kw_only=True, eq=False)
class WorkflowExecution(Entity):
    """One run, pinned to one version of a workflow or of a playbook.

    Attributes:
        output: what it answers once it is completed, made of ``output_template``.
        failed_step: the key of the latest step that failed, while it is failed.
        duration_ms: from its beginning to its end; None before that.
    """

    kind: ClassVar[str] = "workflow_execution"

    id: WorkflowExecutionId
    workflow_id: WorkflowId | None
    workflow_version_id: WorkflowVersionId | None
    playbook_version_id: PlaybookVersionId | None
    status: ExecutionStatus = ExecutionStatus.PENDING
    input: dict[str, object]
    output_template: dict[str, object]
    output: dict[str, object] | None = None
    failed_step: str | None = None
    steps_total: int
    steps_completed: int = 0
    steps_failed: int = 0
    steps_running: int = 0
    steps_waiting: int = 0
    started_at: datetime
    ended_at: datetime | None = None
    duration_ms: int | None = None

    @classmethod
    def start(
        cls, *, id: WorkflowExecutionId, organization_id: OrganizationId, workflow_id: WorkflowId | None = None,
        workflow_version_id: WorkflowVersionId | None = None, playbook_version_id: PlaybookVersionId | None = None,
        given: dict[str, object], output_template: dict[str, object], steps: int, now: datetime,
    ) -> Self:  # fmt: skip
        """Begin a run whose steps have not begun."""
        execution = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, workflow_id=workflow_id,
            workflow_version_id=workflow_version_id, playbook_version_id=playbook_version_id, input=given,
            output_template=output_template, steps_total=steps, started_at=now,
        )  # fmt: skip
        execution.record(ExecutionStartedEvent(workflow_id=workflow_id, steps=steps), now)
        return execution

    @property
    def is_under_way(self) -> bool:
        """Whether its steps begin as soon as they may."""
        return self.status in UNDER_WAY

    def moment(self, now: datetime) -> datetime:
        """Return when something happens: after what is stored already, though whoever did that looked up later."""
        return max(now, self.updated_at)

    def begun(self, steps: Sequence[WorkflowStep], now: datetime) -> None:
        """Count steps that have just begun, and those of them that failed in doing so."""
        for step in steps:
            self._count(step.status, 1)
            if step.status is StepStatus.FAILED:
                self._tell(step, now)
            elif step.kind is StepKind.APPROVAL:
                self.record(ApprovalRequestedEvent(step=step.key), now)
        self._settle(now)

    def concluded(self, step: WorkflowStep, was: StepStatus, now: datetime) -> None:
        """Count a step that has just ended; ``was`` is how it was open."""
        self._count(was, -1)
        self._count(step.status, 1)
        self._tell(step, now)
        self._settle(now)

    def answer(self, output: dict[str, object]) -> None:
        """Keep what a completed run answers."""
        self.output = output

    def cancel(self, now: datetime) -> bool:
        """Stop for good, and say whether that changes anything.

        Raises:
            InvalidTransition: it is completed.
        """
        if self.status is ExecutionStatus.COMPLETED:
            raise InvalidTransition
        if self.status is ExecutionStatus.CANCELLED:
            return False
        self.steps_running = self.steps_waiting = 0
        self._end(ExecutionStatus.CANCELLED, now)
        self.record(ExecutionCancelledEvent(), now)
        return True

    def retry(self, now: datetime) -> None:
        """Forget its failures, so that it goes on.

        Raises:
            InvalidTransition: it has not failed.
        """
        if self.status is not ExecutionStatus.FAILED:
            raise InvalidTransition
        self.record(ExecutionRetriedEvent(steps=self.steps_failed), now)
        self.status, self.steps_failed = ExecutionStatus.PENDING, 0
        self.failed_step = self.ended_at = self.duration_ms = None

    def _tell(self, step: WorkflowStep, now: datetime) -> None:
        self.record(StepConcludedEvent(step=step.key, status=step.status, task_id=step.task_id), now)
        if step.status is StepStatus.FAILED:
            self.failed_step = step.key

    def _count(self, status: StepStatus, by: int) -> None:
        match status:
            case StepStatus.RUNNING:
                self.steps_running += by
            case StepStatus.WAITING:
                self.steps_waiting += by
            case StepStatus.COMPLETED:
                self.steps_completed += by
            case StepStatus.FAILED:
                self.steps_failed += by

    def _settle(self, now: datetime) -> None:
        """Be in the status that the counts say."""
        if self.steps_failed:
            if self.status is not ExecutionStatus.FAILED and self.failed_step is not None:
                self._end(ExecutionStatus.FAILED, now)
                self.record(ExecutionFailedEvent(step=self.failed_step), now)
        elif self.steps_completed == self.steps_total:
            self._end(ExecutionStatus.COMPLETED, now)
            self.record(ExecutionCompletedEvent(), now)
        elif self.steps_running or self.steps_waiting:
            self.status = ExecutionStatus.RUNNING if self.steps_running else ExecutionStatus.WAITING

    def _end(self, status: ExecutionStatus, now: datetime) -> None:
        self.status, self.ended_at = status, now
        self.duration_ms = int((now - self.started_at).total_seconds() * 1000)
