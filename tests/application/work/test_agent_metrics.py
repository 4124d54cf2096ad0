"""What an agent did: its runs of tasks, and what its mandates paid."""

from typing import cast

from application.kernel.actor import Actor
from tests.application.work.test_agents import hired
from tests.application.work.test_tools import period, use
from tests.support.spenders import Spender
from tests.support.stack import Body, Stack

ERROR: Body = {"code": "broken", "message": "It broke."}


async def begun(stack: Stack, organization: Actor, agent: Body) -> dict[str, object]:
    """Have the agent claim a task of its own; returns what ends the run."""
    await stack.run("tasks.create", organization, title="Count", type="count", agent_id=agent["id"], max_attempts=1)
    answer = await stack.run("tasks.claim", organization, agent_id=agent["id"])
    [claim] = cast("list[Body]", answer["data"])
    return {"id": cast("Body", claim["task"])["id"], "token": claim["token"]}


async def test_runs_of_tasks_are_counted_by_how_they_ended(stack: Stack) -> None:
    """Another agent's are not among them, and one under way has not ended."""
    shop = await stack.organization()
    agent, other = await hired(stack, shop), await hired(stack, shop)
    for _ in range(3):
        await stack.run("tasks.complete", shop, **await begun(stack, shop, agent), output={})
    await stack.run("tasks.fail", shop, **await begun(stack, shop, agent), error=ERROR)
    await stack.run("tasks.complete", shop, **await begun(stack, shop, other), output={})
    await begun(stack, shop, agent)
    tasks = cast("Body", (await stack.run("agents.get_metrics", shop, id=agent["id"], **period(stack)))["tasks"])
    assert (tasks["runs"], tasks["completed"], tasks["failed"], tasks["timed_out"]) == (5, 3, 1, 0)
    assert 0 <= cast("int", tasks["p50_ms"]) <= cast("int", tasks["p95_ms"]) < 60_000


async def test_what_mandates_paid_is_what_an_agent_spent(stack: Stack) -> None:
    """Paid tools among it; what other agents spent, and what nobody collected, is not."""
    spender = await Spender.of(stack)
    other = await Spender.hired(spender.shop)
    for each in (spender, other):
        await each.grant(total=10_000)
    search = await spender.shop.run("tools.create", name="Search", category="research")
    await spender.shop.run("tools.grant", tool_id=search["id"], agent_id=spender.agent["id"])
    for amount in (29, 13):
        await use(stack, spender.actor, search, spender.agent, cost={"amount": amount, "currency": "EUR"})
    await other.buy()
    about = {"id": spender.agent["id"], **period(stack)}
    assert (await stack.run("agents.get_metrics", spender.actor, **about))["spent"] == [
        {"amount": 42, "currency": "EUR"}
    ]
    await stack.authenticate.settle()
