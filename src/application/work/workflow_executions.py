"""Workflow executions: begin, watch, stop and retry."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.work.advancing import ATTEND, launch, relaunch
from application.work.workflow_views import VersionNumber, WorkflowExecutionView, WorkflowStepView
from domain.shared.ids import WorkflowExecutionId, WorkflowId
from domain.work.task_run import RunOutcome
from domain.work.workflow_execution import ExecutionStatus, WorkflowExecution
from domain.work.workflow_parameters import accept
from domain.work.workflow_specifications import executions_matching, steps_matching
from domain.work.workflow_step import StepStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StartWorkflowExecution:
    """Which workflow, with what; without a `number` its latest version runs."""

    workflow_id: WorkflowId
    number: VersionNumber | None = None
    input: dict[str, object] = field(default_factory=dict)


@use_case(
    "workflow_executions.start",
    scope=Scope.WORKFLOWS_WRITE,
    example={"input": {"order": "20310314-000002"}},
    statements=11,
)
async def start_workflow_execution(
    cmd: StartWorkflowExecution, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> WorkflowExecutionView:
    """Run a version of an active workflow: its first steps begin at once, every other when those before it are done.

    Errors: `not_found`, `workflow_not_active`, `workflow_version_not_found`, `parameter_missing`,
    `parameter_unknown`, `parameter_invalid`, `document_invalid`.
    """
    now = clock.now()
    workflow = await uow.workflows.get(cmd.workflow_id)
    workflow.ensure_active()
    version = await uow.workflow_versions.get_version(workflow.id, cmd.number or workflow.latest_version)
    execution = WorkflowExecution.start(
        id=WorkflowExecutionId(ids.new()), organization_id=workflow.organization_id, workflow_id=workflow.id,
        workflow_version_id=version.id, given=accept(version.parameters, cmd.input), output_template=version.output,
        steps=version.steps_count, now=now,
    )  # fmt: skip
    await launch(uow, execution, version.steps, now=now, ids=ids)
    return WorkflowExecutionView.of(execution)


get_use_case(
    "workflow_executions.get", lambda uow: uow.workflow_executions, WorkflowExecutionView,
    "Return one execution, with counts of its steps.", scope=Scope.WORKFLOWS_READ,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWorkflowExecutions(PageQuery):
    """Which executions: `created_from` belongs to the range, `created_before` does not."""

    workflow_id: WorkflowId | None = None
    status: ExecutionStatus | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "workflow_executions.list", ListWorkflowExecutions, lambda uow: uow.workflow_executions, WorkflowExecutionView,
    "List executions, of one workflow or of all.",
    where=lambda cmd: executions_matching(
        workflow_id=cmd.workflow_id, status=cmd.status, since=cmd.created_from, until=cmd.created_before
    ),
    scope=Scope.WORKFLOWS_READ, example={"limit": 20, "status": "running"}, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GetExecutionHistory(PageQuery):
    """Of which workflow."""

    id: WorkflowId
    sort: Literal["created_at", "-created_at"] = "-created_at"


@use_case(
    "workflows.get_execution_history", scope=Scope.WORKFLOWS_READ, example={"limit": 20}, read_only=True, statements=3
)
async def get_execution_history(cmd: GetExecutionHistory, uow: IUnitOfWork) -> ListView[WorkflowExecutionView]:
    """List every execution of a workflow, newest first.

    Errors: `not_found`.
    """
    workflow = await uow.workflows.get(cmd.id)
    page = await uow.workflow_executions.page(executions_matching(workflow_id=workflow.id), cmd.request(cmd.sort))
    return ListView.of(page, WorkflowExecutionView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWorkflowSteps(PageQuery):
    """Steps of which execution, in the order of the definition."""

    id: WorkflowExecutionId
    status: StepStatus | None = None
    sort: Literal["position", "-position"] = "position"


@use_case(
    "workflow_executions.list_steps", scope=Scope.WORKFLOWS_READ, example={"limit": 20}, read_only=True, statements=3
)
async def list_workflow_steps(cmd: ListWorkflowSteps, uow: IUnitOfWork) -> ListView[WorkflowStepView]:
    """List an execution's steps: what each was given, what it answered, and how often it was tried.

    Errors: `not_found`.
    """
    execution = await uow.workflow_executions.get(cmd.id)
    page = await uow.workflow_steps.page(steps_matching(execution.id, cmd.status), cmd.request(cmd.sort))
    return ListView.of(page, WorkflowStepView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelWorkflowExecution:
    """Which execution, and optionally the version the caller read."""

    id: WorkflowExecutionId
    expected_version: Version | None = None


@use_case("workflow_executions.cancel", scope=Scope.WORKFLOWS_WRITE, example={}, destructive=True, statements=12)
async def cancel_workflow_execution(
    cmd: CancelWorkflowExecution, uow: IUnitOfWork, *, clock: IClock
) -> WorkflowExecutionView:
    """Stop an execution for good, and with it every task that its agents have or could take; doing it twice is fine.

    Errors: `not_found`, `version_stale`, `transition_invalid` when it is completed.
    """
    execution = await uow.workflow_executions.get(cmd.id, lock=True)
    execution.expect_version(cmd.expected_version)
    if execution.cancel(clock.now()):
        await _cancel_steps(uow, execution, clock.now())
    return WorkflowExecutionView.of(execution)


async def _cancel_steps(uow: IUnitOfWork, execution: WorkflowExecution, now: datetime) -> None:
    task_ids = await uow.workflow_steps.cancel_open(execution.id, now, uow.actor.id)
    tasks = await uow.tasks.lock_many(task_ids)
    for task in tasks.values():
        if not task.is_over:
            task.cancel(now)
    await uow.task_runs.end_open(task_ids, RunOutcome.CANCELLED)
    await uow.jobs.finish(ATTEND, execution.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryWorkflowExecution:
    """Which execution, and optionally the version the caller read."""

    id: WorkflowExecutionId
    expected_version: Version | None = None


@use_case("workflow_executions.retry", scope=Scope.WORKFLOWS_WRITE, example={}, statements=10)
async def retry_workflow_execution(
    cmd: RetryWorkflowExecution, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> WorkflowExecutionView:
    """Go on with a failed execution: the steps that failed begin again, and what is completed is not repeated.

    Errors: `not_found`, `version_stale`, `transition_invalid` when it has not failed.
    """
    execution = await uow.workflow_executions.get(cmd.id, lock=True)
    execution.expect_version(cmd.expected_version)
    execution.retry(clock.now())
    await relaunch(uow, execution, now=clock.now(), ids=ids)
    return WorkflowExecutionView.of(execution)
