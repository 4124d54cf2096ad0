"""A step of an execution: a row of it, and no aggregate. What happens to one is recorded by its execution."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from attrs import define

from domain.shared.ids import AgentId, OrganizationId, TaskId, ToolId, WorkflowExecutionId, WorkflowStepId
from domain.work.workflow_definition import StepDefinition, StepKind, dependents_of
from domain.work.workflow_errors import StepNotExternal, StepNotOpen


class StepStatus(StrEnum):
    """Where a step stands: not begun, an agent at work, waiting for somebody else, or over in one of three ways."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = frozenset({StepStatus.RUNNING, StepStatus.WAITING})
EXTERNAL = frozenset({StepKind.TOOL_CALL, StepKind.WAIT})
"""Kinds that whoever does them reports from outside."""


@define(kw_only=True, eq=False)
class WorkflowStep:
    """One step of one execution.

    Attributes:
        position: its place in the definition.
        dependents: positions of the steps that wait for it.
        open_dependencies: how many it still waits for itself; it may begin at 0.
        template: its input with references.
        input: what it was begun with, once it was.
        error: why it failed, with a ``code``; None while it has not.
        task_id: the task of its latest attempt.
        due_at: when Stoa looks at it by itself.
        attempts: how often it was begun.
        failures: how often it failed.
        concluded_by: who ended it.
    """

    id: WorkflowStepId
    organization_id: OrganizationId
    execution_id: WorkflowExecutionId
    position: int
    key: str
    kind: StepKind
    name: str
    status: StepStatus = StepStatus.PENDING
    depends_on: tuple[str, ...]
    dependents: tuple[int, ...]
    open_dependencies: int
    template: dict[str, object]
    input: dict[str, object] | None = None
    output: dict[str, object] | None = None
    error: dict[str, object] | None = None
    agent_id: AgentId | None
    capability: str | None
    tool_id: ToolId | None
    wait_seconds: int | None
    max_attempts: int
    task_id: TaskId | None = None
    due_at: datetime | None = None
    attempts: int = 0
    failures: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    concluded_by: str | None = None

    def begin(self, status: StepStatus, given: dict[str, object], now: datetime) -> None:
        """Start another attempt with an input; nothing of an earlier one is left."""
        self.status, self.input, self.started_at = status, given, now
        self.output = self.error = self.ended_at = self.concluded_by = self.task_id = self.due_at = None
        self.attempts += 1

    def complete(self, output: dict[str, object], now: datetime, by: str) -> None:
        """End well.

        Raises:
            StepNotOpen: it has not begun, or is over.
        """
        self._end(StepStatus.COMPLETED, now, by)
        self.output = output

    def fail(self, error: dict[str, object], now: datetime, by: str) -> None:
        """End badly; retrying the execution begins it again.

        Raises:
            StepNotOpen: it has not begun, or is over.
        """
        self._end(StepStatus.FAILED, now, by)
        self.error = error
        self.failures += 1

    def ensure_external(self) -> None:
        """Refuse to be concluded from outside unless that is how this kind of step ends.

        Raises:
            StepNotExternal: tasks, people or payments conclude it.
        """
        if self.kind not in EXTERNAL:
            raise StepNotExternal

    def ensure_approval(self) -> None:
        """Refuse a person's decision unless the step waits for one.

        Raises:
            StepNotOpen: it is no approval, or not waiting for one.
        """
        if self.kind is not StepKind.APPROVAL or self.status is not StepStatus.WAITING:
            raise StepNotOpen

    def _end(self, status: StepStatus, now: datetime, by: str) -> None:
        if self.status not in OPEN:
            raise StepNotOpen
        self.status, self.ended_at, self.due_at, self.concluded_by = status, now, None, by


def steps_of(
    definition: Sequence[StepDefinition], execution_id: WorkflowExecutionId, organization_id: OrganizationId,
    ids: Sequence[WorkflowStepId],
) -> list[WorkflowStep]:  # fmt: skip
    """Return an execution's steps, none of them begun."""
    waiting = dependents_of(definition)
    return [
        WorkflowStep(
            id=id, organization_id=organization_id, execution_id=execution_id, position=position, key=step.key,
            kind=step.kind, name=step.name, depends_on=step.depends_on, dependents=tuple(waiting[step.key]),
            open_dependencies=len(step.depends_on), template=step.input, agent_id=step.agent_id,
            capability=step.capability, tool_id=step.tool_id, wait_seconds=step.wait_seconds,
            max_attempts=step.max_attempts,
        )
        for position, (step, id) in enumerate(zip(definition, ids, strict=True))
    ]  # fmt: skip
