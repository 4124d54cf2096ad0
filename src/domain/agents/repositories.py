"""Ports to agents and their tools."""

from typing import Protocol

from domain.agents.agent import Agent, AgentType
from domain.shared.page import Page, PageRequest
from domain.shared.repository import IRepository


class IAgentRepository(IRepository[Agent], Protocol):
    """The organization's agents."""

    async def get_by_type(self, type: AgentType, request: PageRequest) -> Page[Agent]:
        """Return one page of the agents of a type, in whatever state."""
        ...

    async def get_active_agents(self, request: PageRequest) -> Page[Agent]:
        """Return one page of the agents that may be given work."""
        ...
