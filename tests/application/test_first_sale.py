"""The story of one sale, driven by commands on both databases."""

from application.kernel.actor import Actor
from domain.shared.ids import PaymentOrderId, decode_id
from tests.support.stack import Body, Stack


async def a_link(stack: Stack, actor: Actor, **terms: object) -> Body:
    """Set up a product, a price and a link."""
    product = await stack.run("products.create", actor, name="Espresso beans", sku=None, description="", metadata={})
    price = await stack.run(
        "prices.create", actor, product_id=product["id"], unit_amount={"amount": 1250, "currency": "EUR"}
    )
    return await stack.run("payment_links.create", actor, price_id=price["id"], **terms)


async def a_customer(stack: Stack, actor: Actor, token: str, email: str = "ana@example.com") -> tuple[Body, Body]:
    """Set up a customer with a payment method."""
    customer = await stack.run("customers.create", actor, email=email, name="Ana")
    method = await stack.run(
        "payment_methods.add", actor, customer_id=customer["id"], type="card", provider_token=token,
        brand="visa", last_four="4242", expiry_month=12, expiry_year=2040,
    )  # fmt: skip
    return customer, method


async def test_a_sale_goes_from_pending_to_completed(stack: Stack) -> None:
    """A customer opens an order from a link and pays it with a token that succeeds."""
    actor = await stack.organization()
    link = await a_link(stack, actor)
    customer, method = await a_customer(stack, actor, "tok_sandbox_success")

    order = await stack.run(
        "payment_orders.create", actor, payment_link_id=link["id"], customer_id=customer["id"], quantity=2
    )
    assert order["status"] == "pending"
    assert order["amount"] == {"amount": 2500, "currency": "EUR"}
    paying = await stack.run("payment_orders.pay", actor, id=order["id"], payment_method_id=method["id"])
    assert paying["status"] == "processing"
    order_id = PaymentOrderId(decode_id("ord", str(order["id"])))
    await stack.collection.charge(actor.organization_id, order_id)

    done = await stack.run("payment_orders.get", actor, id=order["id"])
    assert done["status"] == "completed"
    assert done["version"] == 3
