"""Who is behind the payments of an execution: a person, who needs no mandate, or an agent, who does."""

from application.kernel.unit_of_work import IUnitOfWork
from domain.shared.ids import ID_PREFIXES, AgentId, decode_id
from domain.work.workflow_execution import WorkflowExecution

_AGENT = ID_PREFIXES[AgentId]


async def payer_of(uow: IUnitOfWork, execution: WorkflowExecution) -> AgentId | None:
    """Return the agent that began an execution or wrote down what it does; None when people did both.

    Stoa's own worker pays, and without this an agent could have it pay what its mandate does not allow.
    """
    authors = [execution.created_by]
    if execution.workflow_version_id is not None:
        authors.append((await uow.workflow_versions.get(execution.workflow_version_id)).created_by)
    if execution.playbook_version_id is not None:
        authors.append((await uow.playbook_versions.get(execution.playbook_version_id)).created_by)
    agents = [author for author in authors if author.startswith(f"{_AGENT}_")]
    return AgentId(decode_id(_AGENT, agents[0])) if agents else None
