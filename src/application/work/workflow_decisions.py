"""Steps that somebody outside of Stoa ends: whoever calls a tool, and a person who agrees."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from application.kernel.actor import Actor, Scope
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.work.advancing import step_ended
from application.work.workflow_views import StepKey, WorkflowExecutionView
from domain.shared.errors import InsufficientPermissions
from domain.shared.ids import WorkflowExecutionId, WorkflowId
from domain.shared.text import TextRule
from domain.work.workflow_errors import ExecutionAmbiguous, WorkflowNotRunning
from domain.work.workflow_step import WorkflowStep

Comment = Annotated[str, TextRule(max_length=2_000, min_length=0, markup=True, multiline=True)]


class StepResult(StrEnum):
    """How a step ended outside of Stoa."""

    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateExecutionState:
    """Which step of which execution ended, how, and with what; `error` is for one that failed."""

    id: WorkflowExecutionId
    step: StepKey
    status: StepResult = StepResult.COMPLETED
    output: dict[str, object] = field(default_factory=dict)
    error: dict[str, object] = field(default_factory=dict)


@use_case(
    "workflow_executions.update_state",
    scope=Scope.WORKFLOWS_WRITE,
    example={"step": "look-up", "status": "completed", "output": {"parcel": "late"}},
    statements=11,
)
async def update_execution_state(
    cmd: UpdateExecutionState, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> WorkflowExecutionView:
    """Say that a `tool_call` or a `wait` step has ended, well or badly; what waited for it begins at once.

    Errors: `not_found`, `workflow_step_not_found`, `workflow_step_not_open`, `workflow_step_not_external`.
    """
    now = clock.now()
    return await end_step(uow, cmd.id, cmd.step, lambda step: _conclude(step, cmd, now, uow.actor), now=now, ids=ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateWorkflowState:
    """As for an execution, but the workflow says which: the one that is under way."""

    id: WorkflowId
    step: StepKey
    status: StepResult = StepResult.COMPLETED
    output: dict[str, object] = field(default_factory=dict)
    error: dict[str, object] = field(default_factory=dict)


@use_case(
    "workflows.update_execution_state",
    scope=Scope.WORKFLOWS_WRITE,
    example={"step": "look-up", "status": "completed", "output": {"parcel": "late"}},
    statements=13,
)
async def update_workflow_state(
    cmd: UpdateWorkflowState, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> WorkflowExecutionView:
    """Say that a `tool_call` or a `wait` step of a workflow's only execution under way has ended.

    Errors: `not_found`, `workflow_not_running`, `workflow_execution_ambiguous` when several are under way,
    `workflow_step_not_found`, `workflow_step_not_open`, `workflow_step_not_external`.
    """
    now, workflow = clock.now(), await uow.workflows.get(cmd.id)
    execution_id = await _only_one_under_way(uow, workflow.id)
    return await end_step(
        uow, execution_id, cmd.step, lambda step: _conclude(step, cmd, now, uow.actor), now=now, ids=ids
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideStep:
    """Which step of which execution, and optionally why."""

    id: WorkflowExecutionId
    step: StepKey
    comment: Comment = ""


@use_case(
    "workflow_approvals.approve",
    scope=Scope.APPROVALS_WRITE,
    example={"step": "agree", "comment": "Yes, the parcel was late."},
    statements=11,
)
async def approve_step(cmd: DecideStep, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> WorkflowExecutionView:
    """Agree to what an `approval` step asks for; agents cannot.

    Errors: `not_found`, `scope_missing` for agents, `workflow_step_not_found`, `workflow_step_not_open`.
    """
    now, by = clock.now(), _person(uow.actor)
    output: dict[str, object] = {"approved_by": by, "comment": cmd.comment}

    def approve(step: WorkflowStep) -> None:
        step.ensure_approval()
        step.complete(output, now, by)

    return await end_step(uow, cmd.id, cmd.step, approve, now=now, ids=ids)


@use_case(
    "workflow_approvals.refuse",
    scope=Scope.APPROVALS_WRITE,
    example={"step": "agree", "comment": "The parcel was on time."},
    statements=11,
)
async def refuse_step(cmd: DecideStep, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> WorkflowExecutionView:
    """Refuse what an `approval` step asks for: the execution fails, and asks again if it is retried. Agents cannot.

    Errors: `not_found`, `scope_missing` for agents, `workflow_step_not_found`, `workflow_step_not_open`.
    """
    now, by = clock.now(), _person(uow.actor)
    error: dict[str, object] = {"code": "approval_refused", "refused_by": by, "comment": cmd.comment}

    def refuse(step: WorkflowStep) -> None:
        step.ensure_approval()
        step.fail(error, now, by)

    return await end_step(uow, cmd.id, cmd.step, refuse, now=now, ids=ids)


async def end_step(
    uow: IUnitOfWork, execution_id: WorkflowExecutionId, key: str, end: Callable[[WorkflowStep], None], *,
    now: datetime, ids: IIds,
) -> WorkflowExecutionView:  # fmt: skip
    """Lock an execution, end one of its steps, and begin what waited for it."""
    execution = await uow.workflow_executions.get(execution_id, lock=True)
    step = await uow.workflow_steps.get_step(execution.id, key)
    was = step.status
    end(step)
    await step_ended(uow, execution, step, was, now=now, ids=ids)
    return WorkflowExecutionView.of(execution)


def _conclude(step: WorkflowStep, cmd: UpdateExecutionState | UpdateWorkflowState, now: datetime, actor: Actor) -> None:
    step.ensure_external()
    if cmd.status is StepResult.COMPLETED:
        step.complete(cmd.output, now, actor.id)
    else:
        step.fail(cmd.error or {"code": "reported_failed"}, now, actor.id)


async def _only_one_under_way(uow: IUnitOfWork, workflow_id: WorkflowId) -> WorkflowExecutionId:
    # Read without a lock, which an aggregate gets when it is first read: the counts alone are looked at.
    ids = await uow.workflow_executions.ids_under_way(workflow_id)
    if not ids:
        raise WorkflowNotRunning
    if len(ids) > 1:
        raise ExecutionAmbiguous
    return ids[0]


def _person(actor: Actor) -> str:
    """Return who decides.

    Raises:
        InsufficientPermissions: it is an agent.
    """
    if actor.agent_id is not None:
        raise InsufficientPermissions("A person decides, not an agent.")
    return actor.id
