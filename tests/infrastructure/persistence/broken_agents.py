"""Every way in which agents and tools can break a constraint of their tables, behind the back of the domain."""

from collections.abc import Awaitable, Callable

from domain.agents.agent import Agent, AgentType
from domain.shared.errors import DuplicateError, StoaError
from domain.shared.ids import AgentId
from infrastructure.persistence.repositories.agents import AGENT_CAPABILITIES
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import Shop

type Break = Callable[[Shop, SqlUnitOfWork], Awaitable[None]]


def an_agent(shop: Shop) -> Agent:
    """Make an agent that nobody has stored yet."""
    return Agent.create(
        id=AgentId(shop.stack.ids.new()), organization_id=shop.actor.organization_id, name="Purchasing",
        type=AgentType.BUYER, capabilities=["web.search"], now=shop.stack.clock.now(),
    )  # fmt: skip


async def _the_same_capability_of_an_agent_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    agent = an_agent(shop)
    uow.agents.add(agent)
    await uow.flush()
    await AGENT_CAPABILITIES.insert(uow.session, [agent])


BROKEN_AGENTS: dict[str, tuple[Break, type[StoaError]]] = {
    "uq_agent_capabilities_organization_id_agent_id_capability": (
        _the_same_capability_of_an_agent_twice, DuplicateError,
    ),
}  # fmt: skip
