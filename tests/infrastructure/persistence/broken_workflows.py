"""Every way in which workflows and playbooks can break a constraint of their tables, behind the back of the domain."""

from collections.abc import Awaitable, Callable

from domain.shared.errors import DuplicateError, StoaError, ValidationError
from domain.shared.ids import (
    PlaybookId,
    PlaybookVersionId,
    WorkflowExecutionId,
    WorkflowId,
    WorkflowStepId,
    WorkflowVersionId,
)
from domain.work.playbook import Playbook
from domain.work.workflow import Definition, Workflow
from domain.work.workflow_definition import StepDefinition, StepKind
from domain.work.workflow_execution import WorkflowExecution
from domain.work.workflow_step import WorkflowStep, steps_of
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import Shop

type Break = Callable[[Shop, SqlUnitOfWork], Awaitable[None]]

STEPS = [StepDefinition(key=key, kind=StepKind.APPROVAL, input={}) for key in ("one", "two")]
DEFINITION = Definition(steps=STEPS, parameters=[], defaults={}, output={})


async def _same_version(shop: Shop, uow: SqlUnitOfWork) -> None:
    now, new = shop.stack.clock.now(), shop.stack.ids.new
    workflow = Workflow.create(
        id=WorkflowId(new()), organization_id=shop.actor.organization_id, name="Twice", now=now
    )  # fmt: skip
    uow.workflows.add(workflow)
    for _ in range(2):
        version = workflow.publish(DEFINITION, id=WorkflowVersionId(new()), now=now)
        version.number = 1
        uow.workflow_versions.add(version)


async def _same_playbook_version(shop: Shop, uow: SqlUnitOfWork) -> None:
    now, new = shop.stack.clock.now(), shop.stack.ids.new
    playbook = Playbook.create(
        DEFINITION, id=PlaybookId(new()), organization_id=shop.actor.organization_id, name="Twice", now=now
    )  # fmt: skip
    uow.playbooks.add(playbook)
    for _ in range(2):
        version = playbook.publish(id=PlaybookVersionId(new()), notes="", now=now)
        version.number = 1
        uow.playbook_versions.add(version)


def _an_execution(shop: Shop) -> WorkflowExecution:
    return WorkflowExecution.start(
        id=WorkflowExecutionId(shop.stack.ids.new()), organization_id=shop.actor.organization_id, given={},
        output_template={}, steps=2, now=shop.stack.clock.now(),
    )  # fmt: skip


async def _too_many_steps(shop: Shop, uow: SqlUnitOfWork) -> None:
    execution = _an_execution(shop)
    execution.steps_completed, execution.steps_running = 2, 1
    uow.workflow_executions.add(execution)


def _steps_with(spoil: Callable[[WorkflowStep, WorkflowStep], None]) -> Break:
    async def break_it(shop: Shop, uow: SqlUnitOfWork) -> None:
        execution = _an_execution(shop)
        uow.workflow_executions.add(execution)
        await uow.flush()
        ids = [WorkflowStepId(shop.stack.ids.new()) for _ in STEPS]
        one, two = steps_of(STEPS, execution.id, execution.organization_id, ids)
        spoil(one, two)
        await uow.workflow_steps.insert([one, two])

    return break_it


def _same_place(one: WorkflowStep, two: WorkflowStep) -> None:
    two.position = one.position


def _same_key(one: WorkflowStep, two: WorkflowStep) -> None:
    two.key = one.key


def _counted_twice(one: WorkflowStep, _two: WorkflowStep) -> None:
    one.open_dependencies = -1


BROKEN_WORKFLOWS: dict[str, tuple[Break, type[StoaError]]] = {
    "uq_workflow_versions_organization_id_workflow_id_number": (_same_version, DuplicateError),
    "uq_playbook_versions_organization_id_playbook_id_number": (_same_playbook_version, DuplicateError),
    "ck_workflow_executions_counts_within_total": (_too_many_steps, ValidationError),
    "uq_workflow_steps_organization_id_execution_id_position": (_steps_with(_same_place), DuplicateError),
    "uq_workflow_steps_organization_id_execution_id_key": (_steps_with(_same_key), DuplicateError),
    "ck_workflow_steps_dependencies_counted_once": (_steps_with(_counted_twice), ValidationError),
}
