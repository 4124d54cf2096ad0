"""Customers: found, made once, hidden and brought back."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import uuid4

import pytest

from application.kernel.actor import Actor
from domain.customers.customer import CustomerEmailTaken, CustomerNotDeleted, ExternalIdTaken
from domain.shared.errors import EntityNotFoundError, InvalidTransition
from domain.shared.ids import decode_id
from tests.support.races import race
from tests.support.stack import Body, Stack


@pytest.fixture
async def actor(stack: Stack) -> Actor:
    """Return the operator of a fresh organization."""
    return await stack.organization()


async def a_customer(stack: Stack, actor: Actor, **given: object) -> Body:
    fields = {"email": f"{uuid4().hex[:12]}@example.org", "name": "Mara Lind", **given}
    return await stack.run("customers.create", actor, **fields)


async def a_card(stack: Stack, actor: Actor, customer: Mapping[str, object], **given: object) -> Body:
    fields = {"customer_id": customer["id"], "type": "card", "provider_token": "tok_sandbox_success", **given}
    return await stack.run("payment_methods.add", actor, **fields)


async def check_of(stack: Stack, actor: Actor, customer: Mapping[str, object]) -> str:
    """Return the name of the latest identity check, which is the worker's business."""
    async with stack.units(actor, use_case="tests.look", request_id="r", read_only=True) as uow:
        return str((await uow.customers.get(decode_id("cus", str(customer["id"])))).kyc_check)


async def names(stack: Stack, actor: Actor, **wanted: object) -> list[object]:
    found = await stack.run("customers.search", actor, sort="name", **wanted)
    data = found["data"]
    assert isinstance(data, list)
    return [each["name"] for each in data]


async def test_a_customer_is_found_by_address_and_by_external_id(stack: Stack, actor: Actor) -> None:
    """In any spelling of the address; nobody else's customer is."""
    made = await a_customer(stack, actor, email="Mara.Lind@Example.org", external_id="crm-1")
    assert await stack.run("customers.get_by_email", actor, email="MARA.LIND@example.org") == made
    assert await stack.run("customers.get_by_external_id", actor, external_id="crm-1") == made
    stranger = await stack.organization()
    with pytest.raises(EntityNotFoundError):
        await stack.run("customers.get_by_email", stranger, email="mara.lind@example.org")
    with pytest.raises(EntityNotFoundError):
        await stack.run("customers.get_by_external_id", stranger, external_id="crm-1")


async def test_a_customer_is_made_once_and_got_after_that(stack: Stack, actor: Actor) -> None:
    """Who is there stays as they are."""
    first = await stack.run("customers.get_or_create", actor, email="ada@example.org", name="Ada", country="GB")
    again = await stack.run("customers.get_or_create", actor, email="Ada@Example.org", name="Somebody else")
    assert again == first
    await stack.run("customers.delete", actor, id=first["id"])
    other = await stack.run("customers.get_or_create", actor, email="ada@example.org", name="Ada II")
    assert other["id"] != first["id"]


async def test_a_taken_external_id_is_no_customer_to_get(stack: Stack, actor: Actor) -> None:
    """The address decides who it is; two people cannot have one id."""
    await a_customer(stack, actor, external_id="crm-1")
    with pytest.raises(ExternalIdTaken):
        await stack.run("customers.get_or_create", actor, email="new@example.org", name="New", external_id="crm-1")


async def test_at_once_there_is_one_customer_and_everybody_gets_it(stack: Stack, actor: Actor) -> None:
    """Eight ask at the same time: one customer, one event, eight answers."""
    raced = await race(
        stack.run("customers.get_or_create", actor, email="ada@example.org", name=f"Ada {n}") for n in range(8)
    )
    assert not raced.lost
    assert len({str(each["id"]) for each in raced.won}) == 1
    assert len({str(each["name"]) for each in raced.won}) == 1
    found = await stack.run("customers.list", actor, include_total=True)
    assert found["total"] == 1
    entries = await stack.run("audit_entries.list", actor, subject_type="customer", include_total=True)
    assert entries["total"] == 1


async def test_each_criterion_of_a_search_narrows_it(stack: Stack, actor: Actor) -> None:
    """By text, address, name, external id, country, KYC status, risk, time and whether there is a payment method."""
    ada = await a_customer(stack, actor, email="ada@first.org", name="Ada", country="GB", external_id="x1")
    bob = await a_customer(stack, actor, email="bob@second.org", name="Bob", country="SE")
    await a_card(stack, actor, ada)
    removed = await a_card(stack, actor, bob)
    await stack.run("payment_methods.remove", actor, id=removed["id"])
    started = await stack.run("customers.start_kyc", actor, id=bob["id"])
    await stack.run(
        "customers.record_kyc_outcome", actor, id=bob["id"], check=await check_of(stack, actor, started),
        verdict="needs_review",
        risk_score=60,
    )  # fmt: skip
    assert await names(stack, actor) == ["Ada", "Bob"]
    for wanted, expected in (
        ({"text": "SECOND"}, ["Bob"]),
        ({"name": "ad"}, ["Ada"]),
        ({"email": "Ada@First.org"}, ["Ada"]),
        ({"external_id": "x1"}, ["Ada"]),
        ({"country": "SE"}, ["Bob"]),
        ({"kyc_status": "needs_review"}, ["Bob"]),
        ({"kyc_status": "not_started"}, ["Ada"]),
        ({"min_risk_score": 60, "max_risk_score": 60}, ["Bob"]),
        ({"max_risk_score": 59}, []),
        ({"created_from": bob["created_at"]}, ["Bob"]),
        ({"created_before": bob["created_at"]}, ["Ada"]),
        ({"has_payment_method": True}, ["Ada"]),
        ({"has_payment_method": False}, ["Bob"]),
        ({"has_payment_method": True, "country": "SE"}, []),
    ):
        text = {name: getattr(value, "isoformat", lambda value=value: value)() for name, value in wanted.items()}
        assert await names(stack, actor, **text) == expected, wanted


async def test_a_neighbours_method_is_nobodys_here(stack: Stack, actor: Actor) -> None:
    """Whether somebody has a payment method is asked within the organization."""
    await a_customer(stack, actor, name="Mara")
    stranger = await stack.organization()
    await a_card(stack, stranger, await a_customer(stack, stranger))
    assert await names(stack, actor, has_payment_method=True) == []


async def test_a_customer_comes_with_all_payment_methods(stack: Stack, actor: Actor) -> None:
    """Removed ones are gone."""
    customer = await a_customer(stack, actor)
    first, second = await a_card(stack, actor, customer), await a_card(stack, actor, customer)
    await stack.run("payment_methods.remove", actor, id=first["id"])
    found = await stack.run("customers.get_with_payment_methods", actor, id=customer["id"])
    methods = found["payment_methods"]
    assert isinstance(methods, list)
    assert [(each["id"], each["is_default"]) for each in methods] == [(second["id"], True)]
    assert found["customer"] == await stack.run("customers.get", actor, id=customer["id"])


async def test_a_deleted_customer_comes_back_without_payment_methods(stack: Stack, actor: Actor) -> None:
    """No token is used again without the customer's word."""
    customer = await a_customer(stack, actor)
    await a_card(stack, actor, customer)
    await stack.run("customers.delete", actor, id=customer["id"])
    restored = await stack.run("customers.restore", actor, id=customer["id"])
    assert restored["deleted_at"] is None
    found = await stack.run("customers.get_with_payment_methods", actor, id=customer["id"])
    assert found["payment_methods"] == []
    with pytest.raises(InvalidTransition):
        await stack.run("customers.restore", actor, id=customer["id"])


async def test_an_address_that_is_taken_by_now_keeps_a_customer_deleted(stack: Stack, actor: Actor) -> None:
    """Two customers never share an address."""
    customer = await a_customer(stack, actor, email="ada@example.org")
    await stack.run("customers.delete", actor, id=customer["id"])
    await a_customer(stack, actor, email="ada@example.org")
    with pytest.raises(CustomerEmailTaken):
        await stack.run("customers.restore", actor, id=customer["id"])


async def test_purging_takes_two_steps_and_leaves_no_row(stack: Stack, actor: Actor) -> None:
    """Deleted first, then erased with all payment methods; what was done stays in the audit log."""
    customer = await a_customer(stack, actor)
    await a_card(stack, actor, customer)
    with pytest.raises(CustomerNotDeleted):
        await stack.run("customers.purge", actor, id=customer["id"])
    await stack.run("customers.delete", actor, id=customer["id"])
    purged = await stack.run("customers.purge", actor, id=customer["id"])
    assert purged == {"id": customer["id"], "payment_methods": 1}
    with pytest.raises(EntityNotFoundError):
        await stack.run("customers.restore", actor, id=customer["id"])
    entries = await stack.run("audit_entries.list", actor, subject_type="customer", include_total=True)
    assert entries["total"] == 3


async def test_kyc_expires_by_the_clock(fresh_stack: Stack) -> None:
    """An approval is good for a year."""
    stack, actor = fresh_stack, await fresh_stack.organization()
    customer = await a_customer(stack, actor)
    started = await stack.run("customers.start_kyc", actor, id=customer["id"])
    await stack.run(
        "customers.record_kyc_outcome", actor, id=customer["id"], check=await check_of(stack, actor, started),
        verdict="approved",
        risk_score=3,
    )  # fmt: skip
    stack.clock.shift = timedelta(days=364)
    assert (await stack.run("customers.expire_kyc", actor, id=customer["id"]))["kyc_status"] == "approved"
    stack.clock.shift = timedelta(days=365, minutes=1)
    assert (await stack.run("customers.expire_kyc", actor, id=customer["id"]))["kyc_status"] == "expired"
