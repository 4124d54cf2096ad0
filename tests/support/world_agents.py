"""What use-cases about agents and tools need to be there before them."""

from domain.shared.ids import AgentId, ToolGrantId, ToolId
from tests.support.ground import Ground, Prepare


async def _an_agent_and_a_tool(world: Ground) -> dict[str, object]:
    return {"tool_id": (await world.fresh(ToolId))["id"], "agent_id": (await world.fresh(AgentId))["id"]}


async def _a_grant(world: Ground) -> dict[str, object]:
    return {"id": (await world.run("tools.grant"))["id"]}


async def _a_granted_tool(world: Ground) -> dict[str, object]:
    granted = await world.run("tools.grant")
    return {"tool_id": granted["tool_id"], "agent_id": granted["agent_id"]}


async def specimens(world: Ground) -> dict[object, str]:
    """Make a grant, and two of each list that grows on the side."""
    granted = await world.run("tools.grant")
    for _ in range(2):
        await world.run("tools.track_usage")
        await world.run("agents.record_performance")
    return {ToolGrantId: str(granted["id"])}


PREPARATIONS: dict[str, Prepare] = {
    "tools.grant": _an_agent_and_a_tool,
    "tools.revoke": _a_grant,
    "tools.track_usage": _a_granted_tool,
}
