"""Ports to workflows' versions, executions and steps."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from domain.shared.ids import TaskId, WorkflowExecutionId, WorkflowId
from domain.shared.page import Page, PageRequest
from domain.shared.repository import IRepository
from domain.shared.specification import Spec
from domain.work.workflow import WorkflowVersion, WorkflowVersionHead
from domain.work.workflow_execution import WorkflowExecution
from domain.work.workflow_step import WorkflowStep


@frozen(kw_only=True)
class StepFailures:
    """How often a step failed, over all executions."""

    step: str
    failures: int


@frozen(kw_only=True)
class WorkflowMetrics:
    """How executions went. Durations are those of completed ones in milliseconds, None when there are none.

    Attributes:
        failures: the steps that failed most often, at most 20.
    """

    pending: int
    running: int
    waiting: int
    completed: int
    failed: int
    cancelled: int
    p50_ms: int | None
    p95_ms: int | None
    failures: list[StepFailures]


class IWorkflowVersionRepository(IRepository[WorkflowVersion], Protocol):
    """The organization's workflow versions."""

    async def get_version(self, workflow_id: WorkflowId, number: int) -> WorkflowVersion:
        """Return the version of a workflow with a number.

        Raises:
            WorkflowVersionNotFound: there is none.
        """
        ...

    async def page_of_heads(self, spec: Spec[WorkflowVersionHead], request: PageRequest) -> Page[WorkflowVersionHead]:
        """Return one keyset page of versions without their definitions."""
        ...


class IWorkflowExecutionRepository(IRepository[WorkflowExecution], Protocol):
    """The organization's workflow executions."""

    async def lock_free(self, ids: Collection[WorkflowExecutionId]) -> set[WorkflowExecutionId]:
        """Lock those that nobody else has without waiting for the others, and return which they are."""
        ...

    async def ids_under_way(self, workflow_id: WorkflowId) -> list[WorkflowExecutionId]:
        """Return up to two executions of a workflow that have not ended."""
        ...

    async def get_workflow_metrics(self, workflow_id: WorkflowId, since: datetime) -> WorkflowMetrics:
        """Return how the executions went that began since a moment."""
        ...


class IWorkflowStepRepository(Protocol):
    """The steps of the organization's executions. Whoever writes them holds their execution's row."""

    async def page(self, spec: Spec[WorkflowStep], request: PageRequest) -> Page[WorkflowStep]:
        """Return one keyset page."""
        ...

    async def get_step(self, execution_id: WorkflowExecutionId, key: str) -> WorkflowStep:
        """Return one step.

        Raises:
            WorkflowStepNotFound: the execution has none of this key.
        """
        ...

    async def executions_of(self, task_ids: Collection[TaskId]) -> dict[TaskId, WorkflowExecutionId]:
        """Return for tasks that are the latest attempt of a step the execution of that step."""
        ...

    async def of_task(self, task_id: TaskId) -> WorkflowStep | None:
        """Return the step that a task is the latest attempt of, or None."""
        ...

    async def insert(self, steps: Sequence[WorkflowStep]) -> None:
        """Write the steps of a new execution, in one statement."""
        ...

    async def write(self, steps: Sequence[WorkflowStep]) -> None:
        """Write the present state of steps, in one statement."""
        ...

    async def release(self, execution_id: WorkflowExecutionId, positions: Collection[int]) -> list[WorkflowStep]:
        """Count one open dependency less for each of these steps, and return those that wait for none any more."""
        ...

    async def outputs(self, execution_id: WorkflowExecutionId, keys: Collection[str]) -> dict[str, dict[str, object]]:
        """Return the outputs of completed steps by key."""
        ...

    async def completed(self, execution_id: WorkflowExecutionId, keys: Collection[str]) -> list[WorkflowStep]:
        """Return those of some steps that have an output, in the order of their positions."""
        ...

    async def to_begin(self, execution_id: WorkflowExecutionId) -> list[WorkflowStep]:
        """Return the steps that failed, and those that may begin and have not."""
        ...

    async def due(self, execution_id: WorkflowExecutionId, now: datetime, limit: int) -> list[WorkflowStep]:
        """Return waiting steps that Stoa is to look at by now, the longest overdue first."""
        ...

    async def next_due(self, execution_id: WorkflowExecutionId) -> datetime | None:
        """Return when Stoa is to look at a waiting step next."""
        ...

    async def cancel_open(self, execution_id: WorkflowExecutionId, now: datetime, by: str) -> list[TaskId]:
        """End every step that is not over, in one statement, and return the tasks of those that were running."""
        ...
