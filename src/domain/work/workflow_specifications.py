"""Questions about workflows and their executions."""

from datetime import datetime

from domain.shared.ids import PlaybookVersionId, WorkflowExecutionId, WorkflowId
from domain.shared.specification import Contains, Equal, Everything, GreaterOrEqual, LessThan, Spec
from domain.work.workflow import Workflow, WorkflowStatus, WorkflowVersion, WorkflowVersionHead
from domain.work.workflow_execution import ExecutionStatus, WorkflowExecution
from domain.work.workflow_step import StepStatus, WorkflowStep


def workflows_matching(*, status: WorkflowStatus | None = None, text: str | None = None) -> Spec[Workflow]:
    """Workflows in a status whose name contains a text, or all."""
    found: Spec[Workflow] = Everything() if status is None else Equal("status", status)
    return found if text is None else found & Contains("name", text)


def version_of(workflow_id: WorkflowId, number: int) -> Spec[WorkflowVersion]:
    """The version of a workflow with a number."""
    return Equal("workflow_id", workflow_id) & Equal("number", number)


def heads_of(workflow_id: WorkflowId) -> Spec[WorkflowVersionHead]:
    """Every version of a workflow."""
    return Equal("workflow_id", workflow_id)


def executions_matching(
    *,
    workflow_id: WorkflowId | None = None,
    playbook_version_id: PlaybookVersionId | None = None,
    status: ExecutionStatus | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Spec[WorkflowExecution]:
    """Executions with exactly the values that are given, begun in a span."""
    found: Spec[WorkflowExecution] = Everything()
    wanted = {"workflow_id": workflow_id, "playbook_version_id": playbook_version_id, "status": status}
    for field, value in wanted.items():
        if value is not None:
            found &= Equal(field, value)
    if since is not None:
        found &= GreaterOrEqual("created_at", since)
    return found if until is None else found & LessThan("created_at", until)


def steps_matching(execution_id: WorkflowExecutionId, status: StepStatus | None = None) -> Spec[WorkflowStep]:
    """Steps of an execution, in a status or all."""
    found: Spec[WorkflowStep] = Equal("execution_id", execution_id)
    return found if status is None else found & Equal("status", status)
