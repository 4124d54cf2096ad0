"""Every way in which agents and tools can break a constraint of their tables, behind the back of the domain."""

from collections.abc import Awaitable, Callable
from typing import cast

from domain.agents.agent import Agent, AgentType
from domain.agents.tool import Tool
from domain.agents.tool_grant import ToolAlreadyGranted, ToolGrant
from domain.agents.tool_usage import ToolOutcome, ToolUsage
from domain.shared.errors import DuplicateError, StoaError, ValidationError
from domain.shared.ids import AgentId, ToolGrantId, ToolId, ToolUsageId
from domain.shared.money import Money
from infrastructure.persistence.repositories.agents import AGENT_CAPABILITIES, TOOL_CAPABILITIES
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import Shop

type Break = Callable[[Shop, SqlUnitOfWork], Awaitable[None]]

_NO_CURRENCY = Money(2, cast("str", None))


def an_agent(shop: Shop) -> Agent:
    """Make an agent that nobody has stored yet."""
    return Agent.create(
        id=AgentId(shop.stack.ids.new()), organization_id=shop.actor.organization_id, name="Purchasing",
        type=AgentType.BUYER, capabilities=["web.search"], now=shop.stack.clock.now(),
    )  # fmt: skip


def a_tool(shop: Shop) -> Tool:
    """Make a tool that nobody has stored yet."""
    return Tool.create(
        id=ToolId(shop.stack.ids.new()), organization_id=shop.actor.organization_id, name="Web search",
        category="research", capabilities=["web.search"], now=shop.stack.clock.now(),
    )  # fmt: skip


async def _the_same_capability_of_an_agent_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    agent = an_agent(shop)
    uow.agents.add(agent)
    await uow.flush()
    await AGENT_CAPABILITIES.insert(uow.session, [agent])


async def _the_same_capability_of_a_tool_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    tool = a_tool(shop)
    uow.tools.add(tool)
    await uow.flush()
    await TOOL_CAPABILITIES.insert(uow.session, [tool])


async def _the_same_grant_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    agent, tool, new = an_agent(shop), a_tool(shop), shop.stack.ids.new
    uow.agents.add(agent)
    uow.tools.add(tool)
    for _ in range(2):
        uow.tool_grants.add(ToolGrant.give(tool, agent, id=ToolGrantId(new()), now=shop.stack.clock.now()))


def _a_tool_that_costs(cost: Money) -> Break:
    async def break_it(shop: Shop, uow: SqlUnitOfWork) -> None:
        tool = a_tool(shop)
        tool.cost = cost
        uow.tools.add(tool)

    return break_it


def _a_call_with(**wrong: object) -> Break:
    async def break_it(shop: Shop, uow: SqlUnitOfWork) -> None:
        agent, tool = an_agent(shop), a_tool(shop)
        uow.agents.add(agent)
        uow.tools.add(tool)
        usage = ToolUsage.record_call(
            tool, id=ToolUsageId(shop.stack.ids.new()), agent_id=agent.id, granted=True, outcome=ToolOutcome.OK,
            duration_ms=12, now=shop.stack.clock.now(),
        )  # fmt: skip
        for name, value in wrong.items():
            setattr(usage, name, value)
        uow.tool_usages.add(usage)

    return break_it


BROKEN_AGENTS: dict[str, tuple[Break, type[StoaError]]] = {
    "uq_agent_capabilities_organization_id_agent_id_capability": (
        _the_same_capability_of_an_agent_twice, DuplicateError,
    ),
    "uq_tool_capabilities_organization_id_tool_id_capability": (_the_same_capability_of_a_tool_twice, DuplicateError),
    "uq_tool_grants_organization_id_agent_id_tool_id": (_the_same_grant_twice, ToolAlreadyGranted),
    "ck_tools_cost_not_negative": (_a_tool_that_costs(Money(-1, "EUR")), ValidationError),
    "ck_tools_cost_whole": (_a_tool_that_costs(_NO_CURRENCY), ValidationError),
    "ck_tool_usages_duration_not_negative": (_a_call_with(duration_ms=-1), ValidationError),
    "ck_tool_usages_cost_not_negative": (_a_call_with(cost=Money(-1, "EUR")), ValidationError),
    "ck_tool_usages_cost_whole": (_a_call_with(cost=_NO_CURRENCY), ValidationError),
    "ck_tool_usages_error_of_failures": (_a_call_with(error_code="why"), ValidationError),
}  # fmt: skip
