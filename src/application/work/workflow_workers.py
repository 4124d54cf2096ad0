"""Who definitions send work to has to be there when they are written."""

from collections.abc import Sequence

from application.kernel.unit_of_work import IUnitOfWork
from domain.shared.errors import EntityNotFoundError
from domain.work.workflow_definition import StepDefinition


async def refuse_unknown_workers(uow: IUnitOfWork, steps: Sequence[StepDefinition]) -> None:
    """Refuse steps of agents or tools that the organization does not have, in one statement for each.

    Raises:
        EntityNotFoundError: one of them is absent, or another organization's.
    """
    agents = {step.agent_id for step in steps if step.agent_id is not None}
    tools = {step.tool_id for step in steps if step.tool_id is not None}
    if len(await uow.agents.get_many(agents)) < len(agents) or len(await uow.tools.get_many(tools)) < len(tools):
        raise EntityNotFoundError
