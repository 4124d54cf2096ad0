"""Running a playbook: its parameters are checked, and it becomes an execution like that of a workflow."""

from dataclasses import dataclass, field

from application.kernel.actor import Scope
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.work.advancing import launch
from application.work.playbook_views import PlaybookRunView
from application.work.workflow_views import VersionNumber
from domain.shared.ids import PlaybookId, PlaybookRunId, WorkflowExecutionId
from domain.work.playbook import PlaybookRun
from domain.work.workflow_execution import WorkflowExecution
from domain.work.workflow_parameters import accept


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlaybook:
    """Which playbook, with which values for its parameters; without a `number` its latest version runs."""

    playbook_id: PlaybookId
    number: VersionNumber | None = None
    parameters: dict[str, object] = field(default_factory=dict)


@use_case(
    "playbooks.run",
    scope=Scope.PLAYBOOKS_WRITE,
    example={"parameters": {"customer": "Ada Lovelace"}},
    statements=10,
)
async def run_playbook(cmd: RunPlaybook, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> PlaybookRunView:
    """Run a version of a playbook; the execution that it becomes is watched and stopped like every other.

    Errors: `not_found`, `playbook_unpublished`, `playbook_archived`, `playbook_version_not_found`,
    `parameter_missing`, `parameter_unknown`, `parameter_invalid`, `document_invalid`.
    """
    now, playbook = clock.now(), await uow.playbooks.get(cmd.playbook_id)
    version = await uow.playbook_versions.get_version(playbook.id, playbook.number_to_run(cmd.number))
    given = accept(version.parameters, cmd.parameters)
    execution = WorkflowExecution.start(
        id=WorkflowExecutionId(ids.new()), organization_id=playbook.organization_id, playbook_version_id=version.id,
        given=given, output_template=version.output, steps=version.steps_count, now=now,
    )  # fmt: skip
    await launch(uow, execution, version.steps, now=now, ids=ids)
    run = PlaybookRun.of(
        version, id=PlaybookRunId(ids.new()), execution_id=execution.id, parameters=given, now=now
    )  # fmt: skip
    uow.playbook_runs.add(run)
    return PlaybookRunView.of(run)
