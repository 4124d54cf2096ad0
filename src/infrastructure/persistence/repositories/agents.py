"""Repositories of the agents context."""

from typing import cast, override

from domain.agents.agent import Agent, AgentStatus, AgentType
from domain.agents.figures import AgentMetrics, CallFigures, CapableTool, ToolCapability, ToolFigures
from domain.agents.performance_record import PerformanceRecord
from domain.agents.repositories import IAgentRepository, IToolGrantRepository, IToolRepository, IToolUsageRepository
from domain.agents.specifications import (
    agents_in,
    agents_matching,
    agents_of_type,
    grant_of,
    tools_callable,
    tools_matching,
)
from domain.agents.tool import Tool, ToolAvailability
from domain.agents.tool_grant import ToolGrant
from domain.agents.tool_usage import ToolUsage
from domain.shared.ids import AgentId, ToolId
from domain.shared.page import Page, PageRequest
from domain.shared.period import Period
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.agents import (
    AgentCapabilityRow,
    AgentRow,
    PerformanceRecordRow,
    ToolCapabilityRow,
    ToolGrantRow,
    ToolRow,
    ToolUsageRow,
)
from infrastructure.persistence.repositories import agent_figures, work_figures
from infrastructure.persistence.repositories.listed_items import ListedItems
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.tracking import Change

AGENT_CAPABILITIES = ListedItems(AgentCapabilityRow, parent="agent_id", item="capability", attribute="capabilities")
TOOL_CAPABILITIES = ListedItems(ToolCapabilityRow, parent="tool_id", item="capability", attribute="capabilities")


class SqlAgentRepository(SqlRepository[Agent], IAgentRepository):
    """Agents, with a table of their capabilities to find them by."""

    mapper = Mapper(Agent, AgentRow)

    async def get_by_type(self, type: AgentType, request: PageRequest) -> Page[Agent]:
        """Return one page of a type."""
        return await self.page(agents_of_type(type), request)

    async def get_by_role(self, role: str, request: PageRequest) -> Page[Agent]:
        """Return one page of a role."""
        return await self.page(agents_matching(role=role), request)

    async def get_by_capability(self, capability: str, request: PageRequest) -> Page[Agent]:
        """Return one page of those that have a capability."""
        return await self.page(agents_matching(capability=capability), request)

    async def get_active_agents(self, request: PageRequest) -> Page[Agent]:
        """Return one page of those that may be given work."""
        return await self.page(agents_in(AgentStatus.ACTIVE), request)

    async def get_agent_metrics(self, agent_id: AgentId, period: Period) -> AgentMetrics:
        """Count the agent's runs of tasks, its calls, what it spent and its measurements, in five statements."""
        calls = await agent_figures.calls(self._session, period, agent_id=agent_id, by_tool=False)
        measured = await agent_figures.measurements(self._session, period, agent_id)
        return AgentMetrics(
            tasks=await work_figures.work(self._session, period, agent_id),
            tools=next(iter(calls.values()), CallFigures()),
            spent=await work_figures.spent(self._session, period, agent_id),
            performance=tuple(measured),
        )

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
        await AGENT_CAPABILITIES.follow(self._session, changes)
        return changes


class SqlToolRepository(SqlRepository[Tool], IToolRepository):
    """Tools, with a table of their capabilities to find them by."""

    mapper = Mapper(Tool, ToolRow)

    async def get_by_category(self, category: str, request: PageRequest) -> Page[Tool]:
        """Return one page of a category."""
        return await self.page(tools_matching(category=category), request)

    async def get_available_tools(self, request: PageRequest) -> Page[Tool]:
        """Return one page of those that can be called now."""
        return await self.page(tools_callable(), request)

    async def get_tool_capabilities(self, limit: int) -> list[ToolCapability]:
        """Pair capabilities with tools, in one statement."""
        statement = self._prepare("capabilities", agent_figures.capabilities)
        found: dict[str, list[CapableTool]] = {}
        for capability, id_, name, availability in await self._session.rows(statement, {"limit": limit}):
            tool = CapableTool(
                id=cast("ToolId", id_), name=cast("str", name), availability=ToolAvailability(cast("str", availability))
            )
            found.setdefault(cast("str", capability), []).append(tool)
        return [ToolCapability(capability=capability, tools=tuple(tools)) for capability, tools in found.items()]

    @override
    async def write_inserts(self) -> list[Change]:
        """Insert tools, and where their capabilities find them."""
        changes = await super().write_inserts()
        await TOOL_CAPABILITIES.insert(self._session, [change.entity for change in changes])
        return changes

    @override
    async def write_updates(self) -> list[Change]:
        """Write tools, and where their capabilities find them if those changed."""
        changes = await super().write_updates()
        await TOOL_CAPABILITIES.follow(self._session, changes)
        return changes


class SqlToolGrantRepository(SqlRepository[ToolGrant], IToolGrantRepository):
    """Which agents may use which tools."""

    mapper = Mapper(ToolGrant, ToolGrantRow)

    async def is_granted(self, tool_id: ToolId, agent_id: AgentId) -> bool:
        """Say whether there is such a grant."""
        return await self.exists(grant_of(tool_id, agent_id))


class SqlToolUsageRepository(SqlRepository[ToolUsage], IToolUsageRepository):
    """The calls of tools."""

    mapper = Mapper(ToolUsage, ToolUsageRow)

    async def get_usage_metrics(
        self, period: Period, *, tool_id: ToolId | None = None, agent_id: AgentId | None = None
    ) -> list[ToolFigures]:
        """Count by tool, in two statements."""
        found = await agent_figures.calls(self._session, period, tool_id=tool_id, agent_id=agent_id)
        return [ToolFigures(tool_id=cast("ToolId", id_), calls=calls) for id_, calls in found.items()]


class SqlPerformanceRecordRepository(SqlRepository[PerformanceRecord]):
    """Measurements of agents."""

    mapper = Mapper(PerformanceRecord, PerformanceRecordRow)
