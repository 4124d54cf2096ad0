"""Tools: found by what they can do, used by whom they are granted to, and what their calls add up to."""

from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest

from application.kernel.actor import Actor, NotTheAgent
from domain.agents.tool import ToolUnavailable
from domain.agents.tool_grant import ToolAlreadyGranted, ToolNotGranted
from domain.shared.errors import EntityNotFoundError
from domain.shared.page import PageRequest
from domain.shared.period import InvalidPeriod
from tests.application.work.test_agents import hired, key_of
from tests.support.stack import Body, Stack


async def tool(stack: Stack, shop: Actor, name: str = "Search", **given: object) -> Body:
    """Return a tool of the organization."""
    return await stack.run("tools.create", shop, **{"name": name, "category": "research", **given})


async def use(stack: Stack, actor: Actor, of: Body, agent: Body, **given: object) -> Body:
    """Tell of one call."""
    called = {"tool_id": of["id"], "agent_id": agent["id"], "outcome": "ok", "duration_ms": 10, **given}
    return await stack.run("tools.track_usage", actor, **called)


async def names(stack: Stack, shop: Actor, **given: object) -> list[str]:
    """Return the names that a list finds, sorted."""
    page = await stack.run("tools.list", shop, limit=100, **given)
    return sorted(str(each["name"]) for each in cast("list[Body]", page["data"]))


def period(stack: Stack) -> dict[str, object]:
    """Return the hour around now."""
    now, half = stack.clock.now(), timedelta(minutes=30)
    return {"since": (now - half).isoformat(), "until": (now + half).isoformat()}


async def test_tools_are_found_by_category_availability_and_capabilities(stack: Stack) -> None:
    """By one of some capabilities or by all of them; retired tools only when they are asked for."""
    shop = await stack.organization()
    await tool(stack, shop, "A", capabilities=["web.search", "news"])
    slow = await tool(stack, shop, "B", capabilities=["web.search"], category="Slow  things")
    gone = await tool(stack, shop, "C", capabilities=["news"])
    await stack.run("tools.set_availability", shop, id=slow["id"], availability="degraded")
    await stack.run("tools.retire", shop, id=gone["id"])
    assert await names(stack, shop, capabilities=["WEB.SEARCH", "news"]) == ["A", "B"]
    assert await names(stack, shop, capabilities=["web.search", "news"], match_all=True) == ["A"]
    assert await names(stack, shop, category="slow things") == ["B"]
    assert await names(stack, shop, availability="degraded") == ["B"]
    assert await names(stack, shop, retired=True) == ["C"]


async def test_the_repository_answers_by_category_and_what_can_be_called(stack: Stack) -> None:
    """The finders that were asked for by name."""
    shop = await stack.organization()
    await tool(stack, shop, "A")
    down = await tool(stack, shop, "B")
    await stack.run("tools.set_availability", shop, id=down["id"], availability="unavailable")
    request = PageRequest(limit=10, sort="created_at")
    async with stack.units(shop, use_case="test", request_id=str(uuid4()), read_only=True) as uow:
        pages = [await uow.tools.get_by_category("Research", request), await uow.tools.get_available_tools(request)]
    assert [[each.name for each in page.items] for page in pages] == [["A", "B"], ["A"]]


async def test_capabilities_are_shown_with_the_tools_that_have_them(stack: Stack) -> None:
    """By name; retired tools have none."""
    shop = await stack.organization()
    await tool(stack, shop, "B", capabilities=["web.search"])
    await tool(stack, shop, "A", capabilities=["web.search", "news"])
    await stack.run("tools.retire", shop, id=(await tool(stack, shop, "C", capabilities=["maps"]))["id"])
    shown = await stack.run("tools.get_capabilities", shop)
    pairs = [(each["capability"], [one["name"] for one in each["tools"]]) for each in cast("list[Body]", shown["data"])]  # type: ignore[attr-defined]  # reason: a list
    assert pairs == [("news", ["A"]), ("web.search", ["A", "B"])]


async def test_a_tool_is_used_from_its_grant_to_its_revocation(stack: Stack) -> None:
    """Before and after it is refused, and granting it twice is as well; what was used stays."""
    shop = await stack.organization()
    agent, search = await hired(stack, shop), await tool(stack, shop)
    with pytest.raises(ToolNotGranted):
        await use(stack, shop, search, agent)
    grant = await stack.run("tools.grant", shop, tool_id=search["id"], agent_id=agent["id"])
    with pytest.raises(ToolAlreadyGranted):
        await stack.run("tools.grant", shop, tool_id=search["id"], agent_id=agent["id"])
    used = await use(stack, shop, search, agent)
    await stack.run("tools.revoke", shop, id=grant["id"])
    with pytest.raises(ToolNotGranted):
        await use(stack, shop, search, agent)
    listed = await stack.run("tools.list_usages", shop, agent_id=agent["id"])
    assert [each["id"] for each in cast("list[Body]", listed["data"])] == [used["id"]]
    assert (await stack.run("tools.list_grants", shop, agent_id=agent["id"]))["data"] == []


async def test_an_unavailable_tool_is_not_used(stack: Stack) -> None:
    """Until somebody finds that it answers again."""
    shop = await stack.organization()
    agent, search = await hired(stack, shop), await tool(stack, shop)
    await stack.run("tools.grant", shop, tool_id=search["id"], agent_id=agent["id"])
    await stack.run("tools.set_availability", shop, id=search["id"], availability="unavailable", note="Down.")
    with pytest.raises(ToolUnavailable):
        await use(stack, shop, search, agent)
    await stack.run("tools.set_availability", shop, id=search["id"], availability="available")
    assert await use(stack, shop, search, agent)


async def test_an_agent_tells_of_its_own_calls_only(stack: Stack) -> None:
    """With a key that may do nothing else."""
    shop = await stack.organization()
    agent, other, search = await hired(stack, shop), await hired(stack, shop), await tool(stack, shop)
    for each in (agent, other):
        await stack.run("tools.grant", shop, tool_id=search["id"], agent_id=each["id"])
    actor = await stack.authenticate(await key_of(stack, shop, agent))
    assert (await use(stack, actor, search, agent))["agent_id"] == agent["id"]
    with pytest.raises(NotTheAgent):
        await use(stack, actor, search, other)
    await stack.authenticate.settle()


async def test_a_call_tells_which_task_it_was_made_for(stack: Stack) -> None:
    """A task of the organization; another organization's is none."""
    shop, stranger = await stack.organization(), await stack.organization()
    agent, search = await hired(stack, shop), await tool(stack, shop)
    await stack.run("tools.grant", shop, tool_id=search["id"], agent_id=agent["id"])
    task, theirs = [await stack.run("tasks.create", each, title="Count", type="count") for each in (shop, stranger)]
    used = await use(stack, shop, search, agent, task_id=task["id"])
    await use(stack, shop, search, agent)
    listed = await stack.run("tools.list_usages", shop, task_id=task["id"])
    assert [each["id"] for each in cast("list[Body]", listed["data"])] == [used["id"]]
    with pytest.raises(EntityNotFoundError):
        await use(stack, shop, search, agent, task_id=theirs["id"])


async def test_usage_adds_up_by_tool_and_currency(stack: Stack) -> None:
    """Durations are those of the nearest rank: of 1 to 20 ms half took at most 10, and 95 % at most 19."""
    shop = await stack.organization()
    agent, search, idle = await hired(stack, shop), await tool(stack, shop), await tool(stack, shop, "Idle")
    await stack.run("tools.grant", shop, tool_id=search["id"], agent_id=agent["id"])
    for n in range(1, 21):
        outcome = {5: "error", 6: "timeout"}.get(n, "ok")
        cost = {"amount": n, "currency": "EUR" if n % 2 else "JPY"}
        await use(stack, shop, search, agent, duration_ms=n, outcome=outcome, cost=cost)
    found = await stack.run("tools.get_usage_metrics", shop, **period(stack))
    expected = {
        "calls": 20, "failures": 2, "timeouts": 1, "p50_ms": 10, "p95_ms": 19,
        "costs": [{"amount": 100, "currency": "EUR"}, {"amount": 110, "currency": "JPY"}],
    }  # fmt: skip
    assert found["data"] == [{"tool_id": search["id"], "calls": expected}]
    metrics = await stack.run("agents.get_metrics", shop, id=agent["id"], **period(stack))
    assert metrics["tools"] == expected
    nothing = await stack.run("tools.get_usage_metrics", shop, tool_id=idle["id"], **period(stack))
    assert nothing["data"] == []


async def test_what_was_measured_of_an_agent_adds_up_by_metric_and_unit(stack: Stack) -> None:
    """An agent of whom nothing is known has figures, too."""
    shop = await stack.organization()
    agent = await hired(stack, shop)
    for value in (10, -2, 4):
        await stack.run(
            "agents.record_performance", shop, agent_id=agent["id"], metric="Score", value=value, unit="points"
        )
    metrics = await stack.run("agents.get_metrics", shop, id=agent["id"], **period(stack))
    score = {"metric": "score", "unit": "points", "records": 3, "total": 12, "lowest": -2, "highest": 10}
    assert metrics["performance"] == [score]
    assert cast("Body", metrics["tools"])["calls"] == 0


async def test_figures_are_of_a_year_at_most(stack: Stack) -> None:
    """And of a period that begins before it ends."""
    shop = await stack.organization()
    now = stack.clock.now()
    for since in (now, now - timedelta(days=367)):
        with pytest.raises(InvalidPeriod):
            await stack.run("tools.get_usage_metrics", shop, since=since.isoformat(), until=now.isoformat())
