"""The story of one sale, driven by commands on both databases."""

from domain.shared.ids import PaymentLinkId, PaymentMethodId, PaymentOrderId, PriceId, decode_id
from tests.support.stack import Stack
from tests.support.world import World


async def test_a_sale_goes_from_pending_to_completed(stack: Stack) -> None:
    """A customer opens an order from a link and pays it with a token that succeeds."""
    world = await World.create(stack)
    price = await world.fresh(PriceId, unit_amount={"amount": 1250, "currency": "EUR"})
    link = await world.fresh(PaymentLinkId, price_id=price["id"])
    method = await world.fresh(PaymentMethodId, provider_token="tok_sandbox_success")

    order = await world.fresh(PaymentOrderId, payment_link_id=link["id"], quantity=2)
    assert order["status"] == "pending"
    assert order["amount"] == {"amount": 2500, "currency": "EUR"}
    paying = await world.run("payment_orders.pay", id=order["id"], payment_method_id=method["id"])
    assert paying["status"] == "processing"
    order_id = PaymentOrderId(decode_id("ord", str(order["id"])))
    await stack.collection.charge(world.actor.organization_id, order_id)

    done = await world.run("payment_orders.get", id=order["id"])
    assert done["status"] == "completed"
    assert done["version"] == 3
