"""What use-cases about products, links, orders, refunds and checkouts need to be there before them."""

from datetime import timedelta
from typing import cast
from uuid import uuid4

from domain.shared.ids import OrganizationId, PaymentLinkId, PaymentOrderId
from tests.support.ground import Ground, Prepare, first
from tests.support.purchases import new_reference
from tests.support.stack import Body


async def _archived_product(world: Ground) -> dict[str, object]:
    archived = await world.run("products.archive")
    return {"id": archived["id"], "expected_version": archived["version"]}


async def _open_link(world: Ground) -> dict[str, object]:
    await world.id_of(PaymentLinkId)
    return {"slug": world.made[PaymentLinkId]["slug"]}


async def _order_of_a_person(world: Ground) -> dict[str, object]:
    order = await world.fresh(PaymentOrderId)
    return {"id": order["id"], "expected_version": order["version"], "mandate_id": None}


async def _order_being_paid(world: Ground) -> dict[str, object]:
    paying = await world.run("payment_orders.pay")
    return {"id": paying["id"], "attempt_id": cast("list[Body]", paying["attempts"])[0]["id"]}


async def _charge_that_succeeds(world: Ground) -> dict[str, object]:
    # A success with a fee, since it writes most: the order, its attempt and two entries of the books.
    success = {"status": "succeeded", "decline_code": None, "fee": {"amount": 60, "currency": "EUR"}}
    return {**await _order_being_paid(world), **success}


async def _overdue_order(world: Ground) -> dict[str, object]:
    # Opened long ago, so that its time is over now.
    world.stack.clock.shift -= timedelta(days=366)
    order = await world.fresh(PaymentOrderId, expires_at=None)
    world.stack.clock.shift += timedelta(days=366)
    return {"id": order["id"]}


async def _order_in_flight(world: Ground) -> dict[str, object]:
    return {"id": (await world.run("payment_orders.pay"))["id"]}


async def _failed_order(world: Ground) -> dict[str, object]:
    failed = await world.run("payment_orders.record_outcome", status="declined", decline_code="card_declined", fee=None)
    return {"id": failed["id"], "expected_version": failed["version"], "mandate_id": None}


async def _paid_order(world: Ground) -> dict[str, object]:
    return {"payment_order_id": (await world.run("payment_orders.record_outcome"))["id"]}


async def _notice(world: Ground) -> dict[str, object]:
    paying = await _order_being_paid(world)
    about = {"organization_id": world.ids[OrganizationId], "order_id": paying["id"], "attempt_id": paying["attempt_id"]}
    return {**about, "refund_id": None, "event": f"evt_{uuid4().hex}"}


async def _checkout_form(world: Ground) -> dict[str, object]:
    return {**await _open_link(world), "reference": new_reference()}


async def _checkout(world: Ground) -> dict[str, object]:
    reference = new_reference()
    await world.run("checkouts.submit", reference=reference)
    return {"reference": reference}


async def _declined_checkout(world: Ground) -> dict[str, object]:
    reference = new_reference()
    submitted = await world.run("checkouts.submit", reference=reference)
    order = first(await world.send("payment_orders.list", {"number": submitted["number"]}))
    attempt = cast("list[Body]", order["attempts"])[0]["id"]
    await world.run("payment_orders.record_outcome", id=order["id"], attempt_id=attempt, status="declined")
    return {"reference": reference, "after": submitted["attempts"]}


PREPARATIONS: dict[str, Prepare] = {
    "checkouts.get": _checkout,
    "checkouts.quote": _open_link,
    "checkouts.retry": _declined_checkout,
    "checkouts.submit": _checkout_form,
    "payment_links.open": _open_link,
    "payment_orders.expire": _overdue_order,
    "payment_orders.pay": _order_of_a_person,
    "payment_orders.reconcile": _order_in_flight,
    "payment_orders.record_outcome": _charge_that_succeeds,
    "payment_orders.retry": _failed_order,
    "refunds.create": _paid_order,
    "products.restore": _archived_product,
    "provider_notices.receive": _notice,
}
