"""Who is behind a payment of an execution: people, who need no mandate, or an agent, who does."""

from application.kernel.unit_of_work import IUnitOfWork
from domain.shared.ids import ID_PREFIXES, AgentId, decode_id
from domain.work.workflow_execution import WorkflowExecution
from domain.work.workflow_references import steps_in
from domain.work.workflow_step import WorkflowStep

_AGENT = ID_PREFIXES[AgentId]


async def payer_of(uow: IUnitOfWork, execution: WorkflowExecution, step: WorkflowStep) -> AgentId | None:
    """Return the agent that wanted a payment: it began the execution, wrote it down, or chose what is paid.

    None when people did all of that. Stoa's own worker pays, and without this an agent could have it pay what its
    mandate does not allow.
    """
    authors = [execution.created_by, *await _advisers(uow, step)]
    if execution.workflow_version_id is not None:
        authors.append((await uow.workflow_versions.get(execution.workflow_version_id)).created_by)
    if execution.playbook_version_id is not None:
        authors.append((await uow.playbook_versions.get(execution.playbook_version_id)).created_by)
    agents = [author for author in authors if author.startswith(f"{_AGENT}_")]
    return AgentId(decode_id(_AGENT, agents[0])) if agents else None


async def _advisers(uow: IUnitOfWork, step: WorkflowStep) -> list[str]:
    """Return who answered the steps that a step's input was made of, the nearest first, however far back."""
    found: list[str] = []
    seen: set[str] = set()
    wanted = steps_in(step.template)
    while wanted:
        asked = await uow.workflow_steps.completed(step.execution_id, wanted)
        found += [each.concluded_by or "" for each in asked]
        seen |= wanted
        wanted = {key for each in asked for key in steps_in(each.template)} - seen
    return found
