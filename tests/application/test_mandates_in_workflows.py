"""Stoa's worker pays the payment steps of workflows: for an agent it does so under the agent's mandate."""

import pytest

from tests.support.spenders import Spender
from tests.support.stack import Stack
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
