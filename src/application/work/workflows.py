"""Workflows: named processes, their immutable versions, and how their executions went."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.changes import change_use_case
from application.kernel.fields import Version
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from application.work.workflow_views import (
    Description,
    Document,
    Name,
    Parameters,
    Steps,
    VersionNumber,
    WorkflowVersionHeadView,
    WorkflowVersionView,
    WorkflowView,
    read_definition,
)
from application.work.workflow_workers import refuse_unknown_workers
from domain.shared.ids import WorkflowId, WorkflowVersionId
from domain.work.workflow import Workflow, WorkflowStatus
from domain.work.workflow_repositories import StepFailures, WorkflowMetrics
from domain.work.workflow_specifications import heads_of, workflows_matching


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWorkflow:
    """What the process is called."""

    name: Name
    description: Description = ""


@use_case(
    "workflows.create",
    scope=Scope.WORKFLOWS_WRITE,
    example={"name": "Refund a late parcel", "description": "From the complaint to the money."},
    statements=3,
)
async def create_workflow(cmd: CreateWorkflow, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> WorkflowView:
    """Name a process. It runs once a version is published and it is active.

    Errors: `text_invalid`.
    """
    workflow = Workflow.create(
        id=WorkflowId(ids.new()), organization_id=uow.actor.organization_id, name=cmd.name,
        description=cmd.description, now=clock.now(),
    )  # fmt: skip
    uow.workflows.add(workflow)
    return WorkflowView.of(workflow)


get_use_case(
    "workflows.get", lambda uow: uow.workflows, WorkflowView, "Return one workflow.", scope=Scope.WORKFLOWS_READ
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWorkflows(PageQuery):
    """Which workflows: `text` occurs in the name."""

    status: WorkflowStatus | None = None
    text: Annotated[str, Len(1, 200)] | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "workflows.list", ListWorkflows, lambda uow: uow.workflows, WorkflowView, "List the organization's workflows.",
    where=lambda cmd: workflows_matching(status=cmd.status, text=cmd.text), scope=Scope.WORKFLOWS_READ,
    example={"limit": 20, "status": "active"}, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWorkflowsByStatus(PageQuery):
    """In which status."""

    status: WorkflowStatus
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "workflows.get_by_status", GetWorkflowsByStatus, lambda uow: uow.workflows, WorkflowView,
    "List the workflows in one status.", where=lambda cmd: workflows_matching(status=cmd.status),
    scope=Scope.WORKFLOWS_READ, example={"limit": 20, "status": "draft"}, statements=2,
)  # fmt: skip

change_use_case(
    "workflows.activate", lambda uow: uow.workflows, WorkflowView, Workflow.activate,
    "Let executions of a workflow begin; also of an archived one.", scope=Scope.WORKFLOWS_WRITE, statements=5,
    errors="`workflow_unpublished`",
)  # fmt: skip

change_use_case(
    "workflows.archive", lambda uow: uow.workflows, WorkflowView, Workflow.archive,
    "Let no execution of a workflow begin any more; those under way go on.", scope=Scope.WORKFLOWS_WRITE,
    statements=5, destructive=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishWorkflowVersion:
    """The whole definition; `defaults` are the parameters' default values, `output` what an execution answers."""

    id: WorkflowId
    steps: Steps
    parameters: Parameters = field(default_factory=list)
    defaults: dict[str, object] = field(default_factory=dict)
    output: dict[str, object] = field(default_factory=dict)
    notes: Description = ""
    expected_version: Version | None = None


EXAMPLE: Document = {
    "steps": [
        {"key": "judge", "kind": "agent_task", "capability": "parcels", "input": {"order": {"from": "params.order"}}},
        {"key": "agree", "kind": "approval", "name": "Is the refund right?", "depends_on": ["judge"]},
        {
            "key": "tell",
            "kind": "agent_task",
            "capability": "parcels",
            "depends_on": ["agree"],
            "input": {"why": {"from": "judge.output.why"}},
        },
    ],
    "parameters": [{"name": "order", "type": "string", "required": False}],
    "defaults": {"order": "20310314-000001"},
    "output": {"why": {"from": "judge.output.why"}},
}


@use_case(
    "workflows.publish_version",
    scope=Scope.WORKFLOWS_WRITE,
    example={**EXAMPLE, "notes": "A person agrees now.", "expected_version": 1},
    statements=7,
)
async def publish_workflow_version(
    cmd: PublishWorkflowVersion, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> WorkflowVersionView:
    """Publish a definition as the workflow's next version, which never changes; executions keep the one they have.

    Errors: `not_found` for the workflow, an agent or a tool, `version_stale`, `workflow_archived`,
    `workflow_too_large`, `workflow_step_duplicate`, `workflow_step_invalid`, `workflow_dependency_unknown`,
    `workflow_dependency_duplicate`, `workflow_cycle`, `workflow_reference_invalid`, `workflow_reference_not_upstream`,
    `parameter_invalid`, `parameter_unknown`, `document_invalid`, `text_invalid`.
    """
    workflow = await uow.workflows.get(cmd.id, lock=True)
    workflow.expect_version(cmd.expected_version)
    definition = read_definition(cmd.steps, cmd.parameters, cmd.defaults, cmd.output)
    await refuse_unknown_workers(uow, definition.steps)
    version = workflow.publish(definition, id=WorkflowVersionId(ids.new()), notes=cmd.notes, now=clock.now())
    uow.workflow_versions.add(version)
    return WorkflowVersionView.of(version)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWorkflowVersion:
    """Which version of which workflow."""

    workflow_id: WorkflowId
    number: VersionNumber


@use_case(
    "workflows.get_version", scope=Scope.WORKFLOWS_READ, example={"number": 1}, read_only=True, statements=2
)  # fmt: skip
async def get_workflow_version(cmd: GetWorkflowVersion, uow: IUnitOfWork) -> WorkflowVersionView:
    """Return one version with its whole definition.

    Errors: `not_found`, `workflow_version_not_found`.
    """
    workflow = await uow.workflows.get(cmd.workflow_id)
    return WorkflowVersionView.of(await uow.workflow_versions.get_version(workflow.id, cmd.number))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWorkflowVersions(PageQuery):
    """Versions of which workflow."""

    workflow_id: WorkflowId
    sort: Literal["number", "-number"] = "-number"


@use_case(
    "workflows.list_versions", scope=Scope.WORKFLOWS_READ, example={"limit": 20}, read_only=True, statements=3
)  # fmt: skip
async def list_workflow_versions(cmd: ListWorkflowVersions, uow: IUnitOfWork) -> ListView[WorkflowVersionHeadView]:
    """List a workflow's versions without their definitions, newest first.

    Errors: `not_found`.
    """
    workflow = await uow.workflows.get(cmd.workflow_id)
    page = await uow.workflow_versions.page_of_heads(heads_of(workflow.id), cmd.request(cmd.sort))
    return ListView.of(page, WorkflowVersionHeadView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailuresView(View[StepFailures]):
    """How often a step failed."""

    step: str
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowMetricsView(View[WorkflowMetrics]):
    """Executions by status, how long completed ones took in milliseconds, and the 20 steps that failed most often."""

    pending: int
    running: int
    waiting: int
    completed: int
    failed: int
    cancelled: int
    p50_ms: int | None
    p95_ms: int | None
    failures: list[StepFailuresView]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWorkflowMetrics:
    """Of which workflow; `since` leaves out executions that began earlier."""

    id: WorkflowId
    since: datetime | None = None


@use_case(
    "workflows.get_metrics",
    scope=Scope.WORKFLOWS_READ,
    example={"since": "2026-01-01T00:00:00Z"},
    read_only=True,
    statements=5,
)
async def get_workflow_metrics(cmd: GetWorkflowMetrics, uow: IUnitOfWork) -> WorkflowMetricsView:
    """Return how a workflow's executions went.

    Errors: `not_found`.
    """
    workflow = await uow.workflows.get(cmd.id)
    since = cmd.since or datetime.min.replace(tzinfo=UTC)
    return WorkflowMetricsView.of(await uow.workflow_executions.get_workflow_metrics(workflow.id, since))
