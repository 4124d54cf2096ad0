"""Repositories of the agents context."""

from typing import override

from domain.agents.agent import Agent, AgentStatus, AgentType
from domain.agents.repositories import IAgentRepository
from domain.agents.specifications import agents_in, agents_of_type
from domain.shared.page import Page, PageRequest
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.agents import AgentCapabilityRow, AgentRow
from infrastructure.persistence.repositories.listed_items import ListedItems
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.tracking import Change

AGENT_CAPABILITIES = ListedItems(
    AgentCapabilityRow, parent="agent_id", item="capability", attribute="capabilities"
)  # fmt: skip


class SqlAgentRepository(SqlRepository[Agent], IAgentRepository):
    """Agents, with a table of their capabilities to find them by."""

    mapper = Mapper(Agent, AgentRow)

    async def get_by_type(self, type: AgentType, request: PageRequest) -> Page[Agent]:
        """Return one page of a type."""
        return await self.page(agents_of_type(type), request)

    async def get_active_agents(self, request: PageRequest) -> Page[Agent]:
        """Return one page of those that may be given work."""
        return await self.page(agents_in(AgentStatus.ACTIVE), request)

    @override
    async def write_inserts(self) -> list[Change]:
        """Insert agents, and where their capabilities find them."""
        changes = await super().write_inserts()
        await AGENT_CAPABILITIES.insert(self._session, [change.entity for change in changes])
        return changes

    @override
    async def write_updates(self) -> list[Change]:
        """Write agents, and where their capabilities find them if those changed."""
        changes = await super().write_updates()
        changed = [change.entity for change in changes if "capabilities" in change.values]
        await AGENT_CAPABILITIES.replace(self._session, changed)
        return changes
