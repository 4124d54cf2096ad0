"""Agents pay under mandates: what is set aside, spent and given back, and what is refused."""

from datetime import timedelta

import pytest

from domain.mandates import errors
from domain.payments.payment_order_errors import PaymentAwaitsApproval
from domain.shared.errors import EntityNotFoundError, InsufficientPermissions
from tests.support.spenders import Spender, money
from tests.support.stack import Stack


@pytest.fixture
async def agent(stack: Stack) -> Spender:
    """Sell something for 1.00 EUR to an agent."""
    return await Spender.of(stack)


@pytest.mark.parametrize(("token", "counters"), [("success", (100, 0)), ("decline", (0, 0)), ("unknown", (0, 100))])
async def test_what_is_set_aside_follows_the_payment(agent: Spender, token: str, counters: tuple[int, int]) -> None:
    """Collected is spent, declined is free again, and while nobody knows it stays set aside."""
    mandate = await agent.grant(total=1000)
    order = await agent.buy(token)
    assert (order["mandated"], await agent.agrees(mandate)) == (True, (0, 100))
    await agent.shop.charge(order)
    assert await agent.agrees(mandate) == counters


@pytest.mark.parametrize(("currency", "minor"), [("EUR", 29), ("JPY", 29), ("KWD", 29)])
async def test_every_currency_is_exact(stack: Stack, currency: str, minor: int) -> None:
    """Ten payments of 0.29, of 29 yen and of 0.029 dinar are ten times that, and the eleventh has one unit too few."""
    agent = await Spender.of(stack, minor, currency)
    mandate = await agent.grant(currency, total=11 * minor - 1)
    for _ in range(10):
        await agent.shop.charge(await agent.buy())
    with pytest.raises(errors.MandateExceeded) as refused:
        await agent.buy()
    assert refused.value.details == {"limit": "total", "left": minor - 1, "currency": currency}
    assert await agent.agrees(mandate) == (10 * minor, 0)


async def test_days_begin_at_midnight_and_thirty_days_roll(agent: Spender) -> None:
    """A day's limit is whole again on the next day; thirty days later so is the other, and the total never is."""
    clock = agent.shop.stack.clock
    mandate = await agent.grant(per_day=150, per_30_days=250, total=1000)
    await agent.shop.charge(await agent.buy())
    with pytest.raises(errors.MandateExceeded, match="per_day"):
        await agent.buy()
    try:
        clock.shift += timedelta(days=1)
        await agent.shop.charge(await agent.buy())
        clock.shift += timedelta(days=1)
        with pytest.raises(errors.MandateExceeded, match="per_30_days"):
            await agent.buy()
        spending = await agent.shop.run("mandates.get_spending", id=mandate["id"])
        assert [spending[name] for name in ("used_today", "used_30_days", "left_today", "left_30_days", "left")] == [
            money(0), money(200), money(150), money(50), money(50),
        ]  # fmt: skip
        clock.shift += timedelta(days=28)
        await agent.shop.charge(await agent.buy())
        assert await agent.agrees(mandate) == (300, 0)
    finally:
        clock.shift = timedelta()


async def test_an_agent_without_a_mandate_pays_nothing(agent: Spender) -> None:
    """Neither at first nor again, nor under another agent's mandate or two; a person needs none and names none."""
    order = await agent.shop.order()
    with pytest.raises(errors.MandateMissing):
        await agent.pay(order)
    failed = await agent.shop.sale("decline")
    with pytest.raises(errors.MandateMissing):
        await agent.shop.stack.run("payment_orders.retry", agent.actor, id=failed["id"])
    other = await Spender.hired(agent.shop)
    theirs = await other.grant(total=1000)
    with pytest.raises(EntityNotFoundError):
        await agent.pay(order, mandate_id=theirs["id"])
    await agent.grant("USD", total=1000)
    with pytest.raises(errors.MandateMissing):
        await agent.pay(order)
    mine = [await agent.grant(total=1000) for _ in range(2)]
    with pytest.raises(errors.MandateAmbiguous):
        await agent.pay(order)
    method = await agent.shop.method("success")
    with pytest.raises(errors.MandateNotNeeded):
        await agent.shop.run(
            "payment_orders.pay", id=order["id"], payment_method_id=method, mandate_id=mine[0]["id"]
        )  # fmt: skip
    assert (await agent.shop.look(order))["status"] == "pending"
    await agent.pay(order, mandate_id=mine[1]["id"])
    assert [await agent.agrees(mandate) for mandate in mine] == [(0, 0), (0, 100)]
    assert (await agent.shop.pay(await agent.shop.order()))["mandated"] is False


async def test_products_and_links_can_be_named(agent: Spender) -> None:
    """Only what a mandate names is bought under it."""
    elsewhere = await agent.shop.run("products.create", name="Tea")
    await agent.shop.run(
        "mandates.grant", agent_id=agent.agent["id"], currency="EUR", total=money(1000), product_ids=[elsewhere["id"]]
    )  # fmt: skip
    with pytest.raises(errors.MandateProductNotAllowed):
        await agent.buy()


async def test_a_revoked_mandate_pays_no_more(agent: Spender) -> None:
    """What is under way ends as it ends, and what waits for approval is given up."""
    mandate = await agent.grant(total=1000, approval_threshold=150)
    under_way, waiting = await agent.buy(), await agent.buy(quantity=2)
    assert await agent.agrees(mandate) == (0, 300)
    await agent.shop.run("mandates.revoke", id=mandate["id"])
    with pytest.raises(errors.MandateMissing):
        await agent.buy()
    with pytest.raises(errors.MandateRevoked):
        await agent.pay(await agent.shop.order(), mandate_id=mandate["id"])
    await agent.shop.charge(under_way)
    asked = await agent.asked(waiting)
    with pytest.raises(errors.MandateRevoked):
        await agent.shop.run("approvals.approve", id=asked["id"])
    await agent.end(mandate)
    assert await agent.agrees(mandate) == (100, 0)
    assert (await agent.asked(waiting))["status"] == "expired"
    assert (await agent.shop.look(waiting))["approval_required"] is False


async def test_a_refund_does_not_give_a_mandate_its_money_back(agent: Spender) -> None:
    """What was spent stays spent: otherwise buying and returning would make any limit endless."""
    mandate = await agent.grant(total=1000)
    order = await agent.shop.charge(await agent.buy())
    await agent.shop.give_back(await agent.shop.refund(order))
    assert (await agent.shop.look(order))["status"] == "refunded"
    assert await agent.agrees(mandate) == (100, 0)


async def test_late_money_is_spent_while_the_mandate_leaves_it(agent: Spender) -> None:
    """Money that arrives after its payment counted as failed is spent once more; what is not left goes back."""
    for left, ended in ((200, "completed"), (199, "failed")):
        mandate = await agent.grant(total=left)
        order = await agent.shop.charge(await agent.buy("decline"))
        assert await agent.agrees(mandate) == (0, 0)
        await agent.shop.charge(await agent.buy())
        attempt = order["attempts"][0]  # type: ignore[index]  # reason: a list
        for _ in range(2):
            await agent.shop.run(
                "payment_orders.record_outcome", id=order["id"], attempt_id=attempt["id"], status="succeeded",
                provider="sandbox", reference="ch_late",
            )  # fmt: skip
        assert (await agent.shop.look(order))["status"] == ended
        assert await agent.agrees(mandate) == (200 if ended == "completed" else 100, 0)
        await agent.shop.run("mandates.revoke", id=mandate["id"])


async def test_no_agent_s_key_decides_about_mandates(agent: Spender) -> None:
    """The scopes are not to be had for it, and with all of them it would be refused as well."""
    everything = {"scopes": ["mandates:write", "approvals:write", "refunds:write", "api_keys:write"]}
    for scope in everything["scopes"]:
        with pytest.raises(InsufficientPermissions):
            await agent.shop.run("agents.create_key", id=agent.agent["id"], name="Key", scopes=[scope])
    with pytest.raises(InsufficientPermissions):
        await agent.shop.stack.run(
            "mandates.grant", agent.actor, agent_id=agent.agent["id"], currency="EUR", total=money(1)
        )  # fmt: skip
    mandate = await agent.grant(total=1000, approval_threshold=0)
    order = await agent.buy()
    with pytest.raises(InsufficientPermissions):
        await agent.shop.stack.run("approvals.approve", agent.actor, id=(await agent.asked(order))["id"])
    with pytest.raises(PaymentAwaitsApproval):
        await agent.shop.pay(order)
    assert await agent.agrees(mandate) == (0, 100)


async def test_tools_are_paid_from_the_same_mandate(agent: Spender) -> None:
    """What an agent's call of a tool costs is spent at once; what is not left is not written down."""
    shop = agent.shop
    tool = await shop.run("tools.create", name="lookup", category="search", cost=money(29))
    await shop.run("tools.grant", tool_id=tool["id"], agent_id=agent.agent["id"])
    used = {"tool_id": tool["id"], "agent_id": agent.agent["id"], "outcome": "ok", "duration_ms": 5}
    with pytest.raises(errors.MandateMissing):
        await shop.stack.run("tools.track_usage", agent.actor, **used)
    mandate = await agent.grant(total=100 + 2 * 29)
    await shop.charge(await agent.buy())
    for _ in range(2):
        await shop.stack.run("tools.track_usage", agent.actor, **used)
    await shop.stack.run("tools.track_usage", agent.actor, **used, cost=money(0))
    with pytest.raises(errors.MandateExceeded):
        await shop.stack.run("tools.track_usage", agent.actor, **used, cost=money(1))
    await shop.run("tools.track_usage", **used)
    assert await agent.agrees(mandate) == (158, 0)
    holds = await shop.run("mandates.list_holds", mandate_id=mandate["id"])
    named = [hold["tool_usage_id"] for hold in holds["data"] if hold["purpose"] == "tool"]  # type: ignore[attr-defined]  # reason: a list
    usages = await shop.run("tools.list_usages", agent_id=agent.agent["id"])
    assert {use["id"] for use in usages["data"]} > set(named)  # type: ignore[attr-defined]  # reason: a list
    assert (len(named), len(usages["data"])) == (2, 4)  # type: ignore[arg-type]  # reason: a list
