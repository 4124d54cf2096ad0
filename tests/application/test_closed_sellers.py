"""Sellers that are suspended or closed: no money begins to move for them, and what is under way comes to its end."""

import asyncio
from uuid import uuid4

import pytest

from application.kernel.actor import PUBLIC_ACTOR, TENANT_SCOPES, operator
from application.payments.paying import begin_attempt
from domain.identity.organization import (
    OrganizationClosed,
    OrganizationHasOpenPayments,
    OrganizationSuspended,
)
from domain.shared.errors import EntityNotFoundError, NotFound, StaleVersion
from domain.shared.ids import OrganizationId, PaymentMethodId, decode_id, encode_id
from tests.application.test_link_uses import buy, orders, retry, work
from tests.infrastructure.persistence.samples import unit
from tests.support.http import HttpFace
from tests.support.people import owner_of, themselves
from tests.support.races import race
from tests.support.shop import Shop, order_id
from tests.support.stack import Body, Stack


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    """A shop of the test's own."""
    return await Shop.open(stack)


async def close(shop: Shop) -> Body:
    """Close the shop's organization as its owner."""
    owner = (await owner_of(shop.stack, shop.actor))[0]
    present = await shop.run("organizations.get")
    return await shop.stack.run(
        "account.close_organization", themselves(owner), organization_id=present["id"], slug=present["slug"]
    )


async def suspend(shop: Shop) -> Body:
    id_ = encode_id("org", shop.organization_id)
    return await shop.stack.run("organizations.suspend", operator(), id=id_, reason="Fraud.")


ENDS = {"closed": (close, OrganizationClosed), "suspended": (suspend, OrganizationSuspended)}


@pytest.mark.parametrize("how", ENDS)
async def test_nothing_begins_to_move_money_for_a_seller_out_of_business(shop: Shop, how: str) -> None:
    """Strangers find neither its links nor their purchases; whoever is behind the doors already is refused too."""
    end, refusal = ENDS[how]
    declined = await buy(shop, "decline")
    await work(shop)
    pending, (failed,) = await shop.order(), await orders(shop, status="failed")
    method = await shop.method("success")
    await end(shop)
    slug = shop.link["slug"]
    public: list[tuple[str, dict[str, object]]] = [
        ("payment_links.open", {"slug": slug}),
        ("checkouts.quote", {"slug": slug}),
        ("checkouts.get", {"reference": declined["reference"]}),
        ("checkouts.retry", {"reference": declined["reference"], "after": 1, "provider_token": "tok_sandbox_success"}),
    ]
    for name, fields in public:
        with pytest.raises(NotFound):
            await shop.stack.run(name, PUBLIC_ACTOR, **fields)
    with pytest.raises(NotFound):
        await buy(shop, "success")
    with pytest.raises(refusal):
        await shop.order()
    for name, order in (("pay", pending), ("retry", failed)):
        with pytest.raises(refusal):
            await shop.run(f"payment_orders.{name}", id=order["id"], payment_method_id=method)
    assert {each["status"] for each in await orders(shop)} == {"pending", "failed"}


async def test_a_reactivated_seller_is_found_again(shop: Shop) -> None:
    """With all its links and purchases."""
    declined = await buy(shop, "decline")
    await work(shop)
    await suspend(shop)
    await shop.stack.run("organizations.reactivate", operator(), id=encode_id("org", shop.organization_id))
    assert (await retry(shop, declined, 1, "success"))["status"] == "processing"


async def test_what_was_submitted_before_a_suspension_is_finished(shop: Shop) -> None:
    """The provider may have the money already; the operator of the machine can give it back."""
    order = await shop.pay(await shop.order())
    await suspend(shop)
    assert (await shop.charge(order))["status"] == "completed"
    refund = await shop.refund(order)
    assert (await shop.give_back(refund))["status"] == "succeeded"


@pytest.mark.parametrize("token", ["success", "unknown"])
async def test_a_seller_is_not_closed_with_a_payment_in_flight(shop: Shop, token: str) -> None:
    """Submitted or unknown, its outcome is waited for."""
    order = await shop.pay(await shop.order(), token)
    if token == "unknown":
        await shop.charge(order)
    with pytest.raises(OrganizationHasOpenPayments):
        await close(shop)
    finish = shop.stack.collection.reconcile if token == "unknown" else shop.stack.collection.charge
    await finish(shop.organization_id, order_id(order))
    assert ((await shop.look(order))["status"], (await close(shop))["status"]) == ("completed", "closed")


async def test_a_seller_is_not_closed_with_a_refund_under_way(shop: Shop) -> None:
    """And may be afterwards; what is left of its sales only the operator can give back."""
    order = await shop.sale()
    refund = await shop.refund(order, 40)
    with pytest.raises(OrganizationHasOpenPayments):
        await close(shop)
    await shop.give_back(refund)
    assert (await close(shop))["status"] == (await close(shop))["status"] == "closed"
    assert (await shop.give_back(await shop.refund(order)))["status"] == "succeeded"


async def test_closing_and_paying_at_once_has_one_winner(stack: Stack) -> None:
    """Either the payment is seen and the seller stays, or the seller is closed and nothing is collected."""
    for n in range(10):
        shop = await Shop.open(stack)
        order, method = await shop.order(), await shop.method("success")
        both = [close(shop), shop.run("payment_orders.pay", id=order["id"], payment_method_id=method)]
        raced = await race(both if n % 2 else reversed(both))
        assert len(raced.won) == 1, raced
        assert raced.lost.keys() <= {"organization_has_open_payments", "organization_closed"}
        present = await shop.run("organizations.get")
        expected = "pending" if present["status"] == "closed" else "processing"
        assert (await shop.look(order))["status"] == expected


async def test_closing_waits_for_whoever_begins_a_payment(shop: Shop) -> None:
    """A payment that looked at its seller a moment ago is committed before the seller is closed, and then seen."""
    order, method = await shop.order(), await shop.method("success")
    async with unit(shop.stack, shop.actor) as uow:
        paying = await uow.payment_orders.get(order_id(order), lock=True)
        await begin_attempt(
            uow, paying, PaymentMethodId(decode_id("pm", method)), clock=shop.stack.clock, ids=shop.stack.ids
        )
        closing = asyncio.create_task(close(shop))
        await asyncio.sleep(0.3)
        assert not closing.done()
        await uow.commit()
    with pytest.raises(OrganizationHasOpenPayments):
        await closing


async def test_an_organization_is_kept_active_by_many_at_once(stack: Stack) -> None:
    """Payments do not wait for each other at their seller; an absent seller is none."""
    shop = await Shop.open(stack)
    async with unit(stack, shop.actor) as uow:
        await uow.organizations.keep_active(shop.organization_id)
        if stack.urls.is_postgres:
            async with unit(stack, shop.actor) as other:
                await other.organizations.keep_active(shop.organization_id)
        with pytest.raises(EntityNotFoundError):
            await uow.organizations.keep_active(OrganizationId(uuid4()))


async def test_a_refund_of_an_order_that_moved_on_is_refused(shop: Shop, http: HttpFace) -> None:
    """The version is the order's, by `If-Match` over HTTP, where a stale one is 412."""
    order = await shop.sale()
    key = await shop.run("api_keys.create", name="All", scopes=sorted(TENANT_SCOPES))
    stale = {"payment_order_id": order["id"], "expected_version": 77}
    assert (await http.send("refunds.create", stale, key=str(key["secret"]))).status_code == 412
    await shop.stack.authenticate.settle()
    with pytest.raises(StaleVersion):
        await shop.run("refunds.create", payment_order_id=order["id"], expected_version=1)
    made = await shop.run("refunds.create", payment_order_id=order["id"], expected_version=order["version"])
    assert made["status"] == "pending"
