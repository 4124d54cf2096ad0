"""What use-cases about customers and their payment methods need to be there before them."""

from datetime import timedelta
from typing import cast

from domain.shared.ids import CustomerId
from tests.support.ground import Ground, Prepare, unique
from tests.support.stack import Body
from tests.support.use_cases import REGISTRY


async def _deleted_customer(world: Ground) -> dict[str, object]:
    deleted = await world.run("customers.delete")
    return {"id": deleted["id"], "expected_version": deleted["version"]}


async def _known_customer(world: Ground) -> dict[str, object]:
    customer = await world.fresh(CustomerId)
    return {"email": customer["email"]}


async def _known_external_id(world: Ground) -> dict[str, object]:
    customer = await world.fresh(CustomerId)
    return {"external_id": customer["external_id"]}


async def _checked_customer(world: Ground) -> dict[str, object]:
    checked = await world.run("customers.start_kyc")
    return {"id": checked["id"], "check": await world.check_of(str(checked["id"]))}


async def _approved_customer(world: Ground) -> dict[str, object]:
    checked = await _checked_customer(world)
    said = await world.send(
        "customers.record_kyc_outcome", {**checked, "verdict": "approved", "risk_score": 7, "reason": None}
    )
    return {"id": said["id"]}


async def _customer_in_question(world: Ground) -> dict[str, object]:
    asked = await world.run("customers.record_kyc_outcome")
    return {"id": asked["id"], "expected_version": asked["version"]}


async def _expired_approval(world: Ground) -> dict[str, object]:
    # A year before, so that the approval is over now.
    world.stack.clock.shift -= timedelta(days=366)
    approved = await _approved_customer(world)
    world.stack.clock.shift += timedelta(days=366)
    return approved


async def _customer_with_room(world: Ground) -> dict[str, object]:
    # The first methods are the world's own customer's, like the world's specimen; a customer can have few. None of them
    # but the specimen is a default, so that one is like the other.
    own = await world.id_of(CustomerId)
    there = await world.send("payment_methods.list", {"customer_id": own, "include_total": True})
    if cast("int", there["total"]) < 5:
        return {"customer_id": own}
    other = {"customer_id": (await world.fresh(CustomerId))["id"]}
    await world.send("payment_methods.add", {**REGISTRY["payment_methods.add"].example, **other})
    return other


async def _new_customers(world: Ground) -> dict[str, object]:
    return {"rows": [{"email": unique("email", "ines.duarte@example.org"), "name": "Inês Duarte"}]}


async def _bank_account(world: Ground, **given: object) -> Body:
    return await world.send("payment_methods.add", {
        **await _customer_with_room(world), "type": "bank", "provider_token": "tok_sandbox_success",
        "bank_name": "Harbour Bank", "country": "SE", "last_four": "0042", **given,
    })  # fmt: skip


async def _method_being_verified(world: Ground) -> dict[str, object]:
    asked = await world.run("payment_methods.verify")
    stored = await world.check_of(str(asked["id"]))
    return {"id": asked["id"], "check": stored}


async def _deposits_sent(world: Ground) -> dict[str, object]:
    account = await _bank_account(world)
    await world.send("payment_methods.verify", {"id": account["id"]})
    check = await world.check_of(str(account["id"]))
    await world.send(
        "payment_methods.record_verification",
        {"id": account["id"], "check": check, "first_deposit": 32, "second_deposit": 45},
    )
    return {"id": account["id"]}


PREPARATIONS: dict[str, Prepare] = {
    "customers.expire_kyc": _expired_approval,
    "customers.get_by_email": _known_customer,
    "customers.get_by_external_id": _known_external_id,
    "customers.import": _new_customers,
    "customers.purge": _deleted_customer,
    "customers.record_kyc_outcome": _checked_customer,
    "customers.restore": _deleted_customer,
    "customers.review_kyc": _customer_in_question,
    "payment_methods.add": _customer_with_room,
    "payment_methods.confirm_deposits": _deposits_sent,
    "payment_methods.record_verification": _method_being_verified,
}
