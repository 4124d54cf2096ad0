"""Stoa's worker pays the payment steps of workflows: for an agent it does so under the agent's mandate."""

from typing import cast

import pytest

from tests.support.spenders import Spender
from tests.support.stack import Body, Stack
from tests.support.workflows import Bench


@pytest.mark.parametrize("by", ["started", "written"])
async def test_an_agent_s_workflow_pays_under_its_mandate(stack: Stack, by: str) -> None:
    """Whether it began the execution or wrote down what it does: the step fails without a mandate."""
    agent = await Spender.of(stack)
    person, own = agent.shop.actor, agent.actor
    for granted in (None, 150):
        mandate = None if granted is None else await agent.grant(total=granted)
        order, method = await agent.shop.order(), await agent.shop.method("success")
        given = {"payment_order_id": order["id"], "payment_method_id": method}
        desk = Bench(stack=stack, actor=own if by == "written" else person, agent=str(agent.agent["id"]))
        desk.workflow = str((await stack.run("workflows.create", desk.actor, name="Buy"))["id"])
        await desk.publish([{"key": "pay", "kind": "payment", "input": given}])
        await stack.run("workflows.activate", desk.actor, id=desk.workflow)
        desk.actor = person if by == "written" else own
        await desk.again()
        desk.actor = person
        await desk.attend()
        step, paid = await desk.step("pay"), await agent.shop.look(order)
        if mandate is None:
            assert (step["error"], paid["status"]) == ({"code": "mandate_missing"}, "pending")
        else:
            assert (step["status"], paid["status"], paid["mandated"]) == ("waiting", "processing", True)
            assert await agent.agrees(mandate) == (0, 100)


@pytest.mark.parametrize("through", [None, "copy"])
async def test_what_an_agent_chose_is_paid_under_its_mandate_whoever_wrote_and_began_the_workflow(
    stack: Stack, through: str | None
) -> None:
    """Also when its choice reaches the payment through a step that somebody else reported."""
    agent = await Spender.of(stack)
    desk = Bench(stack=stack, actor=agent.shop.actor, agent=str(agent.agent["id"]))
    chosen = through or "choose"
    steps: list[Body] = [
        desk.task("choose"),
        {
            "key": "pay", "kind": "payment", "depends_on": [chosen],
            "input": {
                "payment_order_id": {"from": f"{chosen}.output.order"},
                "payment_method_id": {"from": "params.method"},
            },
        },
    ]  # fmt: skip
    if through:
        given = {"order": {"from": "choose.output.order"}}
        steps.append({"key": through, "kind": "tool_call", "depends_on": ["choose"], "input": given})
    desk.workflow = str((await stack.run("workflows.create", desk.actor, name="Buy"))["id"])
    await desk.publish(steps, parameters=[{"name": "method", "type": "string"}])
    await stack.run("workflows.activate", desk.actor, id=desk.workflow)
    for granted in (None, 150):
        mandate = None if granted is None else await agent.grant(total=granted)
        order, method = await agent.shop.order(), await agent.shop.method("success")
        await desk.again(input={"method": method})
        await _choose(desk, agent, order["id"])
        if through:
            told = {"step": through, "status": "completed", "output": {"order": order["id"]}}
            await desk.run("workflow_executions.update_state", **told)
        await desk.attend()
        step, paid = await desk.step("pay"), await agent.shop.look(order)
        if mandate is None:
            assert (step["error"], paid["status"]) == ({"code": "mandate_missing"}, "pending")
        else:
            assert (step["status"], paid["status"], paid["mandated"]) == ("waiting", "processing", True)
            assert await agent.agrees(mandate) == (0, 100)


async def test_what_people_chose_is_paid_without_a_mandate_though_an_agent_works_beside_them(stack: Stack) -> None:
    agent = await Spender.of(stack)
    desk = Bench(stack=stack, actor=agent.shop.actor, agent=str(agent.agent["id"]))
    order, method = await agent.shop.order(), await agent.shop.method("success")
    given = {"payment_order_id": order["id"], "payment_method_id": method}
    await desk.start([desk.task("look"), {"key": "pay", "kind": "payment", "depends_on": ["look"], "input": given}])
    await _choose(desk, agent, "ord_anything")
    await desk.attend()
    assert ((await desk.step("pay"))["status"], (await agent.shop.look(order))["mandated"]) == ("waiting", False)


async def _choose(desk: Bench, agent: Spender, order: object) -> None:
    """Let the agent answer its task with its own key."""
    claims = desk.data(await desk.stack.run("tasks.claim", agent.actor, agent_id=agent.agent["id"]))
    task = cast("Body", claims[0]["task"])
    about = {"id": task["id"], "token": claims[0]["token"]}
    await desk.stack.run("tasks.complete", agent.actor, **about, output={"order": order})
