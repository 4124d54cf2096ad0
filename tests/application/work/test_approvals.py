"""Above a mandate's threshold a person decides, once and in time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application.kernel.actor import TENANT_SCOPES
from domain.mandates.errors import AgentsDecideNothing, ApprovalExpired
from domain.shared.errors import InvalidTransition
from tests.support.races import race
from tests.support.spenders import Spender
from tests.support.stack import Stack

ROUNDS = 5


@pytest.fixture
async def agent(stack: Stack) -> Spender:
    """Let an agent decide alone up to 1.00 EUR."""
    return await Spender.of(stack)


async def test_above_the_threshold_the_payment_waits(agent: Spender) -> None:
    """The agent gets an answer and no error, the money is set aside, and a person's yes begins the payment."""
    mandate = await agent.grant(total=1000, approval_threshold=100)
    order = await agent.buy(quantity=2)
    assert (order["status"], order["approval_required"], order["attempts"]) == ("pending", True, [])
    assert await agent.agrees(mandate) == (0, 200)
    asked = await agent.asked(order)
    approved = await agent.shop.run("approvals.approve", id=asked["id"], reason="Agreed.")
    assert (approved["status"], approved["decided_by"]) == ("approved", "operator")
    order = await agent.shop.look(order)
    assert (order["status"], order["approval_required"], order["mandated"]) == ("processing", False, True)
    await agent.shop.charge(order)
    assert await agent.agrees(mandate) == (200, 0)


async def test_approving_at_once_begins_one_payment(agent: Spender) -> None:
    """However often and at the same moment: one attempt, one hold, one charge."""
    mandate = await agent.grant(total=10_000, approval_threshold=0)
    for _ in range(ROUNDS):
        order = await agent.buy()
        asked = await agent.asked(order)
        raced = await race(agent.shop.run("approvals.approve", id=asked["id"]) for _ in range(4))
        assert (len(raced.won), raced.lost) == (4, {})
        order = await agent.shop.charge(order)
        assert (order["status"], len(order["attempts"])) == ("completed", 1)  # type: ignore[arg-type]  # reason: a list
    assert await agent.agrees(mandate) == (ROUNDS * 100, 0)


async def test_a_yes_races_a_no_and_the_clock(agent: Spender) -> None:
    """Whoever comes first decides; the money is either being collected or free."""
    mandate = await agent.grant(total=10_000, approval_threshold=0)
    for n in range(2 * ROUNDS):
        order = await agent.buy()
        asked = await agent.asked(order)
        yes, no = (agent.shop.run(f"approvals.{what}", id=asked["id"]) for what in ("approve", "refuse"))
        against = no if n % 2 else agent.shop.run("payment_orders.cancel", id=order["id"])
        if not n % 2:
            no.close()
        await race([yes, against] if n % 4 < 2 else [against, yes])
        decided, order = await agent.asked(order), await agent.shop.look(order)
        begun = decided["status"] == "approved"
        assert (order["status"] == "processing") == begun
        assert order["approval_required"] is False
        assert (await agent.agrees(mandate))[1] == (100 if begun else 0)
        if begun:
            await agent.shop.run(
                "payment_orders.record_outcome", id=order["id"], status="declined", decline_code="declined",
                attempt_id=order["attempts"][0]["id"],  # type: ignore[index]  # reason: a list
            )  # fmt: skip


async def test_a_yes_races_the_end_of_the_mandate(agent: Spender) -> None:
    """A payment approved before its mandate was revoked is collected; any other is not begun, and its money is free."""
    for n in range(ROUNDS):
        mandate = await agent.grant(total=1000, approval_threshold=0)
        order = await agent.buy()
        asked = await agent.asked(order)
        both = [
            agent.shop.run("approvals.approve", id=asked["id"]), agent.shop.run("mandates.revoke", id=mandate["id"]),
        ]  # fmt: skip
        raced = await race(both if n % 2 else both[::-1])
        assert raced.lost.keys() <= {"mandate_revoked"}
        await agent.end(mandate)
        begun = not raced.lost
        assert ((await agent.shop.look(order))["status"] == "processing") == begun
        assert await agent.agrees(mandate) == (0, 100 if begun else 0)


async def test_nobody_answers_in_time(agent: Spender) -> None:
    """After a day the money is free again and nothing can be approved any more, whatever the clock's job did."""
    clock = agent.shop.stack.clock
    mandate = await agent.grant(total=1000, approval_threshold=0)
    order = await agent.buy()
    asked = await agent.asked(order)
    await agent.time_is_over(asked)
    assert (await agent.asked(order))["status"] == "pending"
    try:
        clock.shift += timedelta(days=1)
        with pytest.raises(ApprovalExpired):
            await agent.shop.run("approvals.approve", id=asked["id"])
        assert await agent.agrees(mandate) == (0, 100)
        for _ in range(2):
            await agent.time_is_over(asked)
        assert await agent.agrees(mandate) == (0, 0)
    finally:
        clock.shift = timedelta()


async def test_a_no_is_a_no(agent: Spender) -> None:
    """The money is free, the agent may ask again, and the refused question stays refused."""
    mandate = await agent.grant(total=100, approval_threshold=0)
    order = await agent.buy()
    asked = await agent.asked(order)
    for _ in range(2):
        await agent.shop.run("approvals.refuse", id=asked["id"])
    with pytest.raises(InvalidTransition):
        await agent.shop.run("approvals.approve", id=asked["id"])
    again = await agent.pay(order)
    assert (again["approval_required"], await agent.agrees(mandate)) == (True, (0, 100))


async def test_an_agent_never_approves_even_with_every_scope(agent: Spender) -> None:
    """Scopes are one wall; the approval itself is the other. Another agent is no person either."""
    await agent.grant(total=1000, approval_threshold=0)
    asked = await agent.asked(await agent.buy())
    for one in (agent, await Spender.hired(agent.shop)):
        mighty = replace(one.actor, scopes=TENANT_SCOPES)
        for decision in ("approve", "refuse"):
            with pytest.raises(AgentsDecideNothing):
                await agent.shop.stack.run(f"approvals.{decision}", mighty, id=asked["id"])
