"""Agents pay in tokens under their mandates, and links are sold out as by every other way to pay."""

import asyncio

import pytest

from domain.mandates import errors
from domain.payments.payment_link import PaymentLinkUsedUp
from domain.settlements.demand import PaymentDemanded
from tests.support.spenders import Spender, money
from tests.support.stack import Body, Stack
from tests.support.token_shops import TokenShop


async def open_with_agent(stack: Stack, minor: int) -> tuple[TokenShop, Spender]:
    """Sell something at a price to an agent."""
    shop = await TokenShop.open(stack, minor)
    return shop, await Spender.hired(shop.shop)


async def settled(shop: TokenShop, order: Body) -> Body:
    await shop.work(order)
    shop.chain.execute(await shop.signed(order))
    shop.chain.mine(shop.chain.confirmations)
    return await shop.work(order)


async def test_an_agent_pays_within_its_mandate_to_the_last_cent(stack: Stack) -> None:
    """Of a mandate of 100.00 it pays 100.00: set aside while the chain decides, and spent afterwards."""
    shop, agent = await open_with_agent(stack, 10_000)
    mandate = await agent.grant(total=10_000)
    order = await shop.pay(await shop.shop.order(), agent.actor)
    assert (order["mandated"], await agent.agrees(mandate)) == (True, (0, 10_000))
    assert (await settled(shop, order))["status"] == "completed"
    assert await agent.agrees(mandate) == (10_000, 0)


async def test_an_agent_is_refused_before_it_signs_what_it_may_not_pay(stack: Stack) -> None:
    """100.01 is not even demanded of it, and nothing is set aside."""
    shop, agent = await open_with_agent(stack, 10_001)
    mandate = await agent.grant(total=10_000)
    order = await shop.shop.order()
    with pytest.raises(errors.MandateExceeded):
        await shop.demand(order, agent.actor)
    payment = shop.buyer.pay(await shop.demand(order))
    with pytest.raises(errors.MandateExceeded):
        await shop.present(order, payment, agent.actor)
    assert (await agent.agrees(mandate), (await shop.shop.look(order))["status"]) == ((0, 0), "pending")


async def test_a_demand_sets_nothing_aside(stack: Stack) -> None:
    """Asking ten times leaves the mandate as it was."""
    shop, agent = await open_with_agent(stack, 10_000)
    mandate = await agent.grant(total=10_000)
    order = await shop.shop.order()
    for _ in range(10):
        await shop.demand(order, agent.actor)
    assert await agent.agrees(mandate) == (0, 0)


async def test_what_the_chain_refuses_is_free_again(stack: Stack) -> None:
    """It stays set aside until the chain has decided, and is then the mandate's again."""
    shop, agent = await open_with_agent(stack, 10_000)
    mandate = await agent.grant(total=10_000)
    order = await shop.pay(await shop.shop.order(), agent.actor)
    await shop.work(order)
    shop.chain.cancel(await shop.signed(order))
    await shop.work(order)
    assert await agent.agrees(mandate) == (0, 10_000)
    shop.chain.mine(shop.chain.confirmations)
    assert (await shop.work(order))["status"] == "failed"
    assert await agent.agrees(mandate) == (0, 0)


async def test_what_a_person_has_to_approve_is_not_paid_in_a_token(stack: Stack) -> None:
    """No authorization stays valid for as long as a person may take; the order waits for nobody."""
    shop, agent = await open_with_agent(stack, 10_000)
    await agent.grant(total=20_000, approval_threshold=5_000)
    order = await shop.shop.order()
    with pytest.raises(errors.ApprovalOutlastsAuthorization):
        await shop.demand(order, agent.actor)
    assert await shop.shop.look(order) == order


async def test_many_orders_at_once_spend_no_more_than_the_mandate(stack: Stack) -> None:
    """Ten payments of 20.00 under 100.00: five are begun."""
    shop, agent = await open_with_agent(stack, 2_000)
    mandate = await agent.grant(total=10_000)
    orders = [await shop.shop.order() for _ in range(10)]
    payments = [shop.buyer.pay(await shop.demand(order)) for order in orders]

    async def begin(order: Body, payment: str) -> bool:
        try:
            await shop.present(order, payment, agent.actor)
        except errors.MandateExceeded:
            return False
        return True

    begun = await asyncio.gather(*(begin(*each) for each in zip(orders, payments, strict=True)))
    assert (sum(begun), await agent.agrees(mandate)) == (5, (0, 10_000))


async def test_a_failed_payment_gives_the_links_use_back(stack: Stack) -> None:
    """And paying again takes one again, if there still is one."""
    shop = await TokenShop.open(stack)
    once = await shop.shop.run("payment_links.create", price_id=shop.shop.link["price_id"], max_uses=1)
    named = {"customer_id": shop.shop.customer["id"], "payment_link_id": once["id"]}
    order = await shop.shop.run("payment_orders.create", **named)
    await shop.pay(order)
    shop.chain.held[shop.buyer.address] = 0
    assert (await shop.work(order))["status"] == "failed"
    shop.chain.held[shop.buyer.address] = 10**12
    other = await shop.shop.run("payment_orders.create", **named)
    with pytest.raises(PaymentLinkUsedUp):
        await shop.demand(order)
    assert money(1250) == other["amount"]
    await shop.shop.run("payment_orders.cancel", id=other["id"])
    with pytest.raises(PaymentDemanded):
        await shop.shop.run("payment_orders.pay", id=order["id"])
    assert (await settled(shop, await shop.pay(order)))["status"] == "completed"
