"""Buying through the pages on real databases: one form, one order, one charge."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from httpx2 import AsyncClient, Response

from application.kernel.actor import operator
from domain.payments.checkout import CheckoutOutOfStep, CheckoutTaken
from domain.shared.errors import NotFound, StoaError
from domain.shared.ids import encode_id
from tests.interfaces.web.shop import BUYER, GOOD_CARD, visiting
from tests.interfaces.web.store import Store, again, buyer, hidden, open_store
from tests.support.purchases import new_reference
from tests.support.stack import Stack

DECLINED, STOLEN = "4000 0000 0000 9995", "4000 0000 0000 9979"


@pytest.fixture
async def store(stack: Stack) -> Store:
    return await open_store(stack)


@pytest.fixture
async def client(store: Store) -> AsyncIterator[AsyncClient]:
    async with visiting(store.app) as opened:
        yield opened


async def filled(client: AsyncClient, path: str, **typed: str) -> Response:
    """Open a page, fill its form, send it to the vault and follow back to the shop."""
    page = await client.get(path)
    return await again(client, hidden(page.text), **typed)


async def test_a_purchase_from_the_offer_to_the_receipt(store: Store, client: AsyncClient) -> None:
    """Form, vault, processing, worker, receipt; the order, its customer and its card are the seller's."""
    slug = await store.link()
    done = await filled(client, f"/pay/{slug}?quantity=2", **buyer())
    assert done.status_code == 303
    processing = await client.get(done.headers["location"])
    assert "Processing your payment" in processing.text
    await store.work()
    receipt = await client.get(done.headers["location"])
    (order,) = await store.orders()
    assert ("Payment received" in receipt.text, str(order["number"]) in receipt.text) == (True, True)
    assert (order["status"], order["quantity"], store.charged(order)) == ("completed", 2, [4980])
    (method,) = await store.methods(order)
    assert (method["last_four"], method["brand"]) == ("4242", "visa")


async def test_one_form_is_one_order_however_often_it_is_sent(store: Store, client: AsyncClient) -> None:
    """Eight clicks at once, then back and sent again with another card and name: one order, one charge."""
    slug, person = await store.link(), buyer()
    form = hidden((await client.get(f"/pay/{slug}")).text)
    clicks = await asyncio.gather(*(again(client, form, **person) for _ in range(8)))
    assert {response.status_code for response in clicks} <= {303, 503}
    await store.work()
    late = await again(client, form, **{**person, "number": "5555 5555 5555 4444", "name": "Somebody Else"})
    assert late.status_code == 303
    assert "Payment received" in (await client.get(late.headers["location"])).text
    orders = await store.orders()
    assert [(order["status"], store.charged(order)) for order in orders] == [("completed", [2490])]


async def test_asking_for_the_way_back_again_buys_nothing_more(store: Store, client: AsyncClient) -> None:
    """Reloading the address the vault sent the buyer to is the same purchase."""
    slug = await store.link(max_uses=1)
    form = hidden((await client.get(f"/pay/{slug}")).text)
    back = await client.post("/sandbox/vault", data={**form, **BUYER, **GOOD_CARD, **buyer()})
    answers = [await client.get(back.headers["location"]) for _ in range(3)]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(await store.orders()) == 1


async def test_a_declined_card_is_tried_again_on_the_same_order(store: Store, client: AsyncClient) -> None:
    """After a decline another card pays the same order; a retry that is sent twice is one attempt."""
    slug, person = await store.link(max_uses=1), buyer()
    done = await filled(client, f"/pay/{slug}", number=DECLINED, **person)
    await store.work()
    address = done.headers["location"]
    declined = await client.get(address)
    assert "not enough money" in declined.text
    form = hidden(declined.text)
    clicks = await asyncio.gather(*(again(client, form) for _ in range(4)))
    assert {response.status_code for response in clicks} <= {303, 503}
    await store.work()
    assert (await again(client, form)).status_code == 303
    assert "Payment received" in (await client.get(address)).text
    (order,) = await store.orders()
    attempts = order["attempts"]
    assert isinstance(attempts, list)
    assert [attempt["status"] for attempt in attempts] == ["declined", "succeeded"]
    assert store.charged(order) == [2490]


async def test_a_retry_answers_one_decline_and_no_other(store: Store, client: AsyncClient) -> None:
    """Sent again after the next decline, without any idempotency key to help, a retry makes no further attempt."""
    reference, card = new_reference(), {"provider_token": "tok_sandbox_insufficient_funds"}
    await store.public("checkouts.submit", slug=await store.link(), reference=reference, **card, **BUYER)
    await store.work()
    for _ in range(2):
        told = await store.public("checkouts.retry", reference=reference, after=1, **card)
        assert told["attempts"] == 2
        await store.work()
    (order,) = await store.orders()
    assert [attempt["number"] for attempt in order["attempts"]] == [1, 2]  # type: ignore[attr-defined]  # reason: a list


async def test_a_card_declined_for_good_is_replaced_by_another(store: Store, client: AsyncClient) -> None:
    """Where an order cannot be paid any more, the same checkout gets a new one, and the link's use with it."""
    slug = await store.link(max_uses=1)
    done = await filled(client, f"/pay/{slug}", number=STOLEN, **buyer())
    await store.work()
    declined = await client.get(done.headers["location"])
    assert "Pay with another card" in declined.text
    assert (await again(client, hidden(declined.text))).status_code == 303
    await store.work()
    assert "Payment received" in (await client.get(done.headers["location"])).text
    orders = await store.orders()
    assert [(order["status"], store.charged(order)) for order in orders] == [("cancelled", []), ("completed", [2490])]


async def test_links_that_are_over(store: Store, client: AsyncClient) -> None:
    """Sold out, expired and deactivated links show it, also to who had the form open."""
    sold_out, other = await store.link(max_uses=1), buyer()
    late = hidden((await client.get(f"/pay/{sold_out}")).text)
    await filled(client, f"/pay/{sold_out}", **buyer())
    assert "This offer is sold out" in (await client.get(f"/pay/{sold_out}")).text
    assert "This offer is sold out" in (await again(client, late, **other)).text
    expiring = await store.link(expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    store.stack.clock.shift = timedelta(hours=2)
    try:
        assert "This payment link has expired" in (await client.get(f"/pay/{expiring}")).text
    finally:
        store.stack.clock.shift = timedelta()
    assert len(await store.orders()) == 1


async def test_a_returning_buyer_is_the_same_customer(store: Store, client: AsyncClient) -> None:
    """The same address buys again as the same customer, who keeps their name and has the card once."""
    slug, person = await store.link(), buyer()
    await filled(client, f"/pay/{slug}", **person)
    await filled(client, f"/pay/{slug}", **person, name="Mallory")
    first, second = await store.orders()
    assert first["customer_id"] == second["customer_id"]
    assert (await store.run("customers.get", id=first["customer_id"]))["name"] == BUYER["name"]
    assert len(await store.methods(first)) == 1


async def test_a_buyer_with_ever_new_cards_can_go_on_buying(store: Store) -> None:
    """The oldest card that is not the default makes room, so that nobody can lock an address out."""
    slug, person = await store.link(), buyer()
    for n in range(22):
        card: dict[str, object] = {"provider_token": "tok_sandbox_success", "last_four": f"{n:04}"}
        await store.public(
            "checkouts.submit", slug=slug, reference=new_reference(), email=person["email"], name="Mara Lind", **card
        )
        await store.work()
    (order, *_) = await store.orders()
    kept = {str(method["last_four"]) for method in await store.methods(order)}
    assert kept == {"0000"} | {f"{n:04}" for n in range(3, 22)}


async def test_two_first_purchases_of_one_person_at_once_both_happen(store: Store, client: AsyncClient) -> None:
    """Who buys in two windows at the same moment becomes one customer with two orders."""
    slug, person = await store.link(), buyer()
    forms = [hidden((await client.get(f"/pay/{slug}")).text) for _ in range(2)]
    done = await asyncio.gather(*(again(client, form, **person) for form in forms))
    assert [response.status_code for response in done] == [303, 303]
    first, second = await store.orders()
    assert first["customer_id"] == second["customer_id"]


async def test_what_is_charged_is_what_was_on_the_button(store: Store, client: AsyncClient) -> None:
    """A form whose hidden quantity or total was changed buys nothing."""
    form = hidden((await client.get(f"/pay/{await store.link()}?quantity=5")).text)
    for change in ({"quantity": "6"}, {"total": "1"}, {"currency": "USD"}):
        response = await again(client, {**form, **change}, **buyer())
        assert (response.status_code, "The total has changed" in response.text) == (422, True)
    assert await store.orders() == []


async def test_no_card_number_is_kept_anywhere(store: Store, client: AsyncClient) -> None:
    """What the buyer typed into the vault is in no use-case's answer; the token stands for it."""
    await filled(client, f"/pay/{await store.link()}", **buyer())
    (order,) = await store.orders()
    entries = await store.run("audit_entries.list", limit=100)
    methods = await store.methods(order)
    assert "424242424242" not in re.sub(r"\D", "", "".join(re.findall(r"[\d ]{13,}", repr((order, entries, methods)))))


async def test_a_reference_is_found_or_not_and_nothing_between(store: Store) -> None:
    """Another's reference at another link is taken, and one that nobody has is not found, in any organization."""
    reference = new_reference()
    card: dict[str, object] = {"provider_token": "tok_sandbox_success"}
    fields: dict[str, object] = {**card, "reference": reference, "email": buyer()["email"], "name": "Mara Lind"}
    first = await store.public("checkouts.submit", slug=await store.link(), **fields)
    with pytest.raises(CheckoutTaken):
        await store.public("checkouts.submit", slug=await store.link(), **fields)
    elsewhere = await open_store(store.stack)
    with pytest.raises(CheckoutTaken):
        await store.public("checkouts.submit", slug=await elsewhere.link(), **fields)
    assert (await store.public("checkouts.get", reference=reference))["id"] == first["id"]
    with pytest.raises(NotFound):
        await store.public("checkouts.get", reference=new_reference())
    with pytest.raises(CheckoutOutOfStep):
        await store.public("checkouts.retry", reference=reference, after=2, **card)


@pytest.mark.parametrize(
    "reference",
    [
        "short",
        "x" * 65,
        "é" * 30,
        "4012 8888 8888 1881 4012 8888",
        "4" * 22,
        "4242424242424242424242",
        "4242-4242-4242-4242-mara-lind",
    ],
)
async def test_a_reference_that_anybody_could_guess_is_refused(store: Store, reference: str) -> None:
    """It is a secret, so that it has to look like one; it is never repeated."""
    with pytest.raises(StoaError) as refused:
        await store.public("checkouts.get", reference=reference)
    assert reference not in repr(refused.value)


async def test_a_suspended_seller_sells_nothing(store: Store, client: AsyncClient) -> None:
    """Nobody finds the links of an organization that the operator stopped, also not who had the form open."""
    slug = await store.link()
    form = hidden((await client.get(f"/pay/{slug}")).text)
    seller = encode_id("org", store.seller.organization_id)
    store.seller = operator()
    await store.run("organizations.suspend", id=seller, reason="Under review.")
    assert "Page not found" in (await client.get(f"/pay/{slug}")).text
    assert "Page not found" in (await again(client, form, **buyer())).text
