"""Payment methods: the default, changes at once, and what keeps one from being removed."""

from datetime import timedelta
from uuid import uuid4

import pytest

from application.kernel.actor import Actor
from domain.customers.payment_method import PaymentMethodExpired
from domain.shared.errors import EntityNotFoundError, StaleVersion, ValidationError
from tests.support.races import race
from tests.support.stack import Body, Stack


@pytest.fixture
async def actor(stack: Stack) -> Actor:
    """Return the operator of a fresh organization."""
    return await stack.organization()


@pytest.fixture
async def customer(stack: Stack, actor: Actor) -> Body:
    """Return a customer without payment methods."""
    return await stack.run("customers.create", actor, email=f"{uuid4().hex[:12]}@example.org", name="Mara Lind")


async def a_card(stack: Stack, actor: Actor, customer: Body, **given: object) -> Body:
    fields = {"customer_id": customer["id"], "type": "card", "provider_token": "tok_sandbox_success", **given}
    return await stack.run("payment_methods.add", actor, **fields)


async def methods(stack: Stack, actor: Actor, customer: Body, **wanted: object) -> list[Body]:
    found = await stack.run("payment_methods.list", actor, customer_id=customer["id"], sort="created_at", **wanted)
    data = found["data"]
    assert isinstance(data, list)
    return data


async def defaults(stack: Stack, actor: Actor, customer: Body) -> list[object]:
    return [each["id"] for each in await methods(stack, actor, customer) if each["is_default"]]


async def test_methods_are_listed_by_type_with_what_their_kind_has(stack: Stack, actor: Actor, customer: Body) -> None:
    """A token is shown of none of them."""
    await a_card(stack, actor, customer, brand="visa", funding="debit", last_four="4242", billing_name="Mara Lind")
    bank = {"bank_name": "Harbour Bank", "country": "SE", "last_four": "0042"}
    await a_card(stack, actor, customer, type="bank", **bank)
    wallet = {"type": "wallet", "network": "ethereum", "address": "0x" + "AB" * 20}
    await stack.run("payment_methods.add", actor, customer_id=customer["id"], **wallet)
    found = {str(each["type"]): each for each in await methods(stack, actor, customer)}
    assert found["card"]["billing_name"] == "Mara Lind"
    assert {name: found["bank"][name] for name in bank} == bank
    assert found["wallet"]["address"] == "0x" + "ab" * 20
    assert "tok_sandbox" not in repr(found)
    assert [each["type"] for each in await methods(stack, actor, customer, type="bank")] == ["bank"]


async def test_the_default_is_found_and_nobody_has_one_without_methods(
    stack: Stack, actor: Actor, customer: Body
) -> None:
    """The first method is it."""
    with pytest.raises(EntityNotFoundError):
        await stack.run("payment_methods.get_default", actor, customer_id=customer["id"])
    first = await a_card(stack, actor, customer)
    await a_card(stack, actor, customer)
    assert (await stack.run("payment_methods.get_default", actor, customer_id=customer["id"]))["id"] == first["id"]


async def test_a_method_is_changed_and_made_the_default(stack: Stack, actor: Actor, customer: Body) -> None:
    """Whichever was the default gives its place up; nothing can simply stop being it."""
    first, second = await a_card(stack, actor, customer), await a_card(stack, actor, customer)
    changed = await stack.run(
        "payment_methods.update", actor, id=second["id"], expected_version=1, is_default=True, expiry_month=4,
        expiry_year=2090, billing_name="Mara L", metadata={"color": "blue"},
    )  # fmt: skip
    assert (changed["is_default"], changed["version"], changed["billing_name"]) == (True, 2, "Mara L")
    assert (changed["expires_at"] is not None, changed["is_expired"], changed["expires_soon"]) == (True, False, False)
    assert await defaults(stack, actor, customer) == [second["id"]]
    with pytest.raises(ValidationError):
        await stack.run("payment_methods.update", actor, id=second["id"], expected_version=2, is_default=False)
    with pytest.raises(StaleVersion):
        await stack.run("payment_methods.update", actor, id=first["id"], expected_version=1, billing_name="X")


async def test_expiry_is_as_of_the_answer(fresh_stack: Stack) -> None:
    """Nothing is stored that time makes wrong; an expired method does not become the default."""
    stack, actor = fresh_stack, await fresh_stack.organization()
    customer = await stack.run("customers.create", actor, email="mara@example.org", name="Mara Lind")
    now = stack.clock.now()
    later = now + timedelta(days=75)
    await a_card(stack, actor, customer)
    card = await a_card(stack, actor, customer, expiry_month=later.month, expiry_year=later.year)
    end = card["expires_at"]
    seen = []
    for days in (-40, -10, +1):
        stack.clock.shift = end + timedelta(days=days) - now  # type: ignore[operator]  # reason: it is a datetime
        found = await stack.run("payment_methods.get", actor, id=card["id"])
        seen.append((found["is_expired"], found["expires_soon"]))
        assert found["version"] == 1
    assert seen == [(False, False), (False, True), (True, False)]
    with pytest.raises(PaymentMethodExpired):
        await stack.run("payment_methods.update", actor, id=card["id"], expected_version=1, is_default=True)


async def test_the_newest_usable_method_takes_the_place_of_a_removed_default(fresh_stack: Stack) -> None:
    """An expired one does not, while another is good."""
    stack, actor = fresh_stack, await fresh_stack.organization()
    customer = await stack.run("customers.create", actor, email="mara@example.org", name="Mara Lind")
    soon = stack.clock.now() + timedelta(days=40)
    first, second = await a_card(stack, actor, customer), await a_card(stack, actor, customer)
    third = await a_card(stack, actor, customer, expiry_month=soon.month, expiry_year=soon.year)
    stack.clock.shift = timedelta(days=90)
    await stack.run("payment_methods.remove", actor, id=first["id"])
    assert await defaults(stack, actor, customer) == [second["id"]]
    await stack.run("payment_methods.remove", actor, id=second["id"])
    assert await defaults(stack, actor, customer) == [third["id"]]


async def test_made_the_default_at_once_exactly_one_is(stack: Stack, actor: Actor, customer: Body) -> None:
    """Everybody succeeds or is told that the method changed, and one default is left."""
    cards = [await a_card(stack, actor, customer) for _ in range(5)]
    for _ in range(4):
        found = await methods(stack, actor, customer)
        raced = await race(
            stack.run("payment_methods.update", actor, id=each["id"], expected_version=each["version"], is_default=True)
            for each in found
        )
        assert set(raced.lost) <= {"version_stale"}
        assert raced.won
        assert len(await defaults(stack, actor, customer)) == 1
    assert len(cards) == 5


async def test_added_removed_and_made_the_default_at_once_one_is_left(
    stack: Stack, actor: Actor, customer: Body
) -> None:
    """All changes of a customer's methods wait for the customer, so none meets a deadlock."""
    cards = [await a_card(stack, actor, customer) for _ in range(6)]
    raced = await race(
        [
            *(stack.run("payment_methods.remove", actor, id=each["id"]) for each in cards[:4]),
            *(a_card(stack, actor, customer) for _ in range(3)),
            stack.run("payment_methods.update", actor, id=cards[4]["id"], expected_version=1, is_default=True),
            stack.run("payment_methods.update", actor, id=cards[5]["id"], expected_version=1, is_default=True),
        ]
    )
    assert set(raced.lost) <= {"version_stale"}
    assert len(await methods(stack, actor, customer)) == 5
    assert len(await defaults(stack, actor, customer)) == 1


async def test_removed_at_once_nobody_is_told_to_come_again(stack: Stack, actor: Actor, customer: Body) -> None:
    """Each removal finds the default where the one before it left it, and all succeed."""
    for _ in range(3):
        cards = [await a_card(stack, actor, customer) for _ in range(5)]
        # The default, and those who would be the next ones.
        going = [cards[n] for n in (0, 4, 3, 1)]
        raced = await race(stack.run("payment_methods.remove", actor, id=each["id"]) for each in going)
        assert not raced.lost
        assert await defaults(stack, actor, customer) == [cards[2]["id"]]
        await stack.run("payment_methods.remove", actor, id=cards[2]["id"])


async def test_a_method_with_which_is_being_paid_stays(stack: Stack, actor: Actor, customer: Body) -> None:
    """Until the outcome is known, also when it is the customer's only one."""
    card = await a_card(stack, actor, customer)
    product = await stack.run("products.create", actor, name="Espresso blend")
    price = await stack.run(
        "prices.create", actor, product_id=product["id"], unit_amount={"amount": 1250, "currency": "EUR"}
    )
    link = await stack.run("payment_links.create", actor, price_id=price["id"])
    order = await stack.run("payment_orders.create", actor, payment_link_id=link["id"], customer_id=customer["id"])
    await stack.run("payment_orders.pay", actor, id=order["id"], payment_method_id=card["id"])
    raced = await race([stack.run("payment_methods.remove", actor, id=card["id"])])
    assert dict(raced.lost) == {"payment_method_in_use": 1}
