"""What payment links tell buyers and sellers."""

from typing import Any, cast

import pytest

from application.kernel.actor import PUBLIC_ACTOR, Actor
from domain.shared.errors import StoaError
from domain.shared.ids import PaymentLinkId, PaymentMethodId, PaymentOrderId, PriceId, decode_id
from tests.infrastructure.persistence.samples import unit
from tests.support.stack import Body, Stack
from tests.support.world import World

type Rows = list[Body]


async def a_link(
    stack: Stack, actor: Actor, *, price: dict[str, Any] | None = None, **terms: Any
) -> Body:  # reason: of either
    """Put something on sale behind a public address."""
    product = await stack.run("products.create", actor, name="Espresso", description="Dark roast.")
    terms_of_price = price or {"unit_amount": {"amount": 1250, "currency": "EUR"}}
    created = await stack.run("prices.create", actor, product_id=product["id"], **terms_of_price)
    return await stack.run("payment_links.create", actor, price_id=created["id"], **terms)


async def slugs(stack: Stack, actor: Actor, **asked: Any) -> set[object]:  # reason: whatever a list can be asked
    """Return the slugs of the links that a list answers with."""
    return {link["slug"] for link in cast("Rows", (await stack.run("payment_links.list", actor, **asked))["data"])}


async def test_links_are_listed_by_what_a_buyer_finds_there(stack: Stack) -> None:
    """Expiry is the clock's and not a job's; a link is listed under exactly one availability."""
    actor = await stack.organization()
    links = {name: await a_link(stack, actor) for name in ("open", "ended", "off")}
    await stack.run("payment_links.expire", actor, id=links["ended"]["id"])
    await stack.run("payment_links.deactivate", actor, id=links["off"]["id"])
    full = await a_link(stack, actor, max_uses=1)
    async with unit(stack, actor) as uow:
        link = await uow.payment_links.get(decode_id("plink", str(full["id"])), lock=True)
        link.redeem(stack.clock.now())
        await uow.commit()
    for availability, link_ in (
        ("open", links["open"]), ("expired", links["ended"]), ("deactivated", links["off"]), ("used_up", full),
    ):  # fmt: skip
        assert await slugs(stack, actor, availability=availability) == {link_["slug"]}
    assert await slugs(stack, actor, slug=str(full["slug"]).upper()) == {full["slug"]}
    assert await slugs(stack, actor, price_id=full["price_id"]) == {full["slug"]}


async def test_a_list_by_availability_can_be_walked(stack: Stack) -> None:
    """The moment goes on from page to page, and the cursor with it."""
    actor = await stack.organization()
    made = {(await a_link(stack, actor))["slug"] for _ in range(3)}
    found, cursor = set[object](), None
    for _ in range(3):
        page = await stack.run("payment_links.list", actor, availability="open", limit=1, cursor=cursor)
        found |= {link["slug"] for link in cast("Rows", page["data"])}
        cursor = page["next_cursor"]
    assert (found, cursor) == (made, None)


async def test_an_ended_link_is_reopened_by_a_later_expiry(stack: Stack) -> None:
    """Ending it again changes nothing; a deactivated one can no longer be ended."""
    actor = await stack.organization()
    link = await a_link(stack, actor)
    ended = await stack.run("payment_links.expire", actor, id=link["id"])
    again = await stack.run("payment_links.expire", actor, id=link["id"])
    assert (ended["version"], again["version"]) == (2, 2)
    reopened = await stack.run("payment_links.update", actor, id=link["id"], expected_version=2, expires_at=None)
    assert reopened["expires_at"] is None
    await stack.run("payment_links.deactivate", actor, id=link["id"])
    with pytest.raises(StoaError) as refused:
        await stack.run("payment_links.expire", actor, id=link["id"])
    assert refused.value.code == "payment_link_deactivated"


async def test_a_buyer_sees_the_offer_and_nothing_else(stack: Stack) -> None:
    """What the organization counts, limits and plans is its own."""
    actor = await stack.organization()
    tiers: list[dict[str, Any]] = [
        {"up_to": 10, "unit_amount": {"amount": 1250, "currency": "EUR"}},
        {"unit_amount": {"amount": 990, "currency": "EUR"}},
    ]
    price: dict[str, Any] = {"model": "graduated", "tiers": tiers, "interval": "month", "nickname": "secret plan"}
    link = await a_link(stack, actor, price=price, title="Spring roast", success_url="https://harbour.example/thanks")
    offer = await stack.run("payment_links.open", PUBLIC_ACTOR, slug=link["slug"])
    assert offer == {
        "id": link["id"], "slug": link["slug"], "status": "open", "title": "Spring roast",
        "description": "Dark roast.", "product_name": "Espresso", "currency": "EUR", "model": "graduated",
        "unit_amount": None, "tiers": [{"flat_amount": None, "up_to": None, **tier} for tier in tiers],
        "interval": "month", "interval_count": 1, "min_quantity": 1, "max_quantity": None,
    }  # fmt: skip


async def test_a_price_with_a_trial_is_not_sold_by_a_link(stack: Stack) -> None:
    """Its first amount is nothing; without the trial an order collects the first period."""
    actor = await stack.organization()
    monthly: dict[str, Any] = {"unit_amount": {"amount": 1250, "currency": "EUR"}, "interval": "month"}
    with pytest.raises(StoaError) as refused:
        await a_link(stack, actor, price={**monthly, "trial_days": 14})
    assert refused.value.code == "price_has_trial"
    assert (await a_link(stack, actor, price=monthly))["status"] == "active"


async def test_statistics_count_views_orders_and_money(stack: Stack) -> None:
    """A paid order counts as completed, one that was only opened does not; views are written outside of any request."""
    world = await World.create(stack)
    link = await world.fresh(PaymentLinkId, max_uses=None, expires_at=None)
    method = await world.fresh(PaymentMethodId, provider_token="tok_sandbox_success")
    buyer: dict[str, Any] = {"payment_link_id": link["id"], "customer_id": method["customer_id"]}
    for _ in range(4):
        await stack.run("payment_links.open", PUBLIC_ACTOR, slug=link["slug"])
    paid = await world.fresh(PaymentOrderId, **buyer, quantity=2)
    await world.fresh(PaymentOrderId, **buyer)
    await stack.run("payment_orders.pay", world.actor, id=paid["id"], payment_method_id=method["id"])
    await stack.collection.charge(world.actor.organization_id, PaymentOrderId(decode_id("ord", str(paid["id"]))))
    await stack.views.settle()
    counted = await world.run("payment_links.get_statistics", id=link["id"])
    assert counted == {
        "views": 4, "orders": 2, "completed": 1, "conversion_rate": "0.2500", "payment_rate": "0.5000",
        "gross": [paid["amount"]],
    }  # fmt: skip


async def test_a_new_link_has_nothing_to_tell(stack: Stack) -> None:
    """Rates without anything to divide by are absent and not zero."""
    actor = await stack.organization()
    link = await a_link(stack, actor)
    counted = await stack.run("payment_links.get_statistics", actor, id=link["id"])
    assert counted == {
        "views": 0, "orders": 0, "completed": 0, "conversion_rate": None, "payment_rate": None, "gross": [],
    }  # fmt: skip


async def test_recurring_prices_collect_their_first_period(stack: Stack) -> None:
    """Nothing renews it: an order is one payment."""
    world = await World.create(stack)
    monthly = await world.fresh(PriceId, interval="month", unit_amount={"amount": 700, "currency": "EUR"})
    link = await world.fresh(PaymentLinkId, price_id=monthly["id"])
    order = await world.fresh(PaymentOrderId, payment_link_id=link["id"], quantity=3)
    assert order["amount"] == {"amount": 2100, "currency": "EUR"}
