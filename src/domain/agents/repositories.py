"""Ports to agents and their tools."""

from typing import Protocol

from domain.agents.agent import Agent, AgentType
from domain.agents.figures import AgentMetrics, ToolCapability, ToolFigures
from domain.agents.tool import Tool
from domain.agents.tool_grant import ToolGrant
from domain.agents.tool_usage import ToolUsage
from domain.shared.ids import AgentId, ToolId
from domain.shared.page import Page, PageRequest
from domain.shared.period import Period
from domain.shared.repository import IRepository


class IAgentRepository(IRepository[Agent], Protocol):
    """The organization's agents."""

    async def get_by_type(self, type: AgentType, request: PageRequest) -> Page[Agent]:
        """Return one page of the agents of a type, in whatever state."""
        ...

    async def get_by_role(self, role: str, request: PageRequest) -> Page[Agent]:
        """Return one page of the agents that have a role, in whatever spelling."""
        ...

    async def get_by_capability(self, capability: str, request: PageRequest) -> Page[Agent]:
        """Return one page of the agents that have a capability, in whatever spelling."""
        ...

    async def get_active_agents(self, request: PageRequest) -> Page[Agent]:
        """Return one page of the agents that may be given work."""
        ...

    async def get_agent_metrics(self, agent_id: AgentId, period: Period) -> AgentMetrics:
        """Count what an agent did in a period."""
        ...


class IToolRepository(IRepository[Tool], Protocol):
    """The organization's tools."""

    async def get_by_category(self, category: str, request: PageRequest) -> Page[Tool]:
        """Return one page of the tools of a category that are not retired, in whatever spelling."""
        ...

    async def get_available_tools(self, request: PageRequest) -> Page[Tool]:
        """Return one page of the tools that can be called now."""
        ...

    async def get_tool_capabilities(self, limit: int) -> list[ToolCapability]:
        """Return capabilities by name with the tools that have them and are not retired, in so many pairs at most."""
        ...


class IToolGrantRepository(IRepository[ToolGrant], Protocol):
    """Which agents may use which tools."""

    async def is_granted(self, tool_id: ToolId, agent_id: AgentId) -> bool:
        """Say whether the agent may use the tool."""
        ...


class IToolUsageRepository(IRepository[ToolUsage], Protocol):
    """The calls of tools; they are added and never changed."""

    async def get_usage_metrics(
        self, period: Period, *, tool_id: ToolId | None = None, agent_id: AgentId | None = None
    ) -> list[ToolFigures]:
        """Count the calls of a period by tool, those of most calls first."""
        ...
