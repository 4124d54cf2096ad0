"""What the checkout refuses on real databases: another purchase under a used reference, and card numbers as text."""

from collections.abc import AsyncIterator

import pytest
from httpx2 import AsyncClient

from domain.payments.checkout import CheckoutReferenceUsed
from domain.shared.card_numbers import CardNumberMisplaced
from tests.interfaces.web.shop import BUYER, GOOD_CARD, visiting
from tests.interfaces.web.store import Store, again, buyer, hidden, open_store
from tests.support.purchases import new_reference
from tests.support.stack import Stack


@pytest.fixture
async def store(stack: Stack) -> Store:
    return await open_store(stack)


@pytest.fixture
async def client(store: Store) -> AsyncIterator[AsyncClient]:
    async with visiting(store.app) as opened:
        yield opened


async def test_a_used_reference_stands_for_what_it_was_submitted_with(store: Store) -> None:
    """The same body is the same purchase, also after its card was replaced; another body is refused."""
    slug, reference, card = await store.link(), new_reference(), {"provider_token": "tok_sandbox_expired_card"}
    body: dict[str, object] = {"slug": slug, "reference": reference, **card, **BUYER, **buyer()}
    first = await store.public("checkouts.submit", **body)
    await store.work()
    await store.public("checkouts.retry", reference=reference, after=1, provider_token="tok_sandbox_success")
    assert (await store.public("checkouts.submit", **body))["id"] == first["id"]
    orders = len(await store.orders())
    others: list[dict[str, object]] = [
        {"quantity": 2}, dict(buyer()), {"name": "Somebody Else"}, {"provider_token": "tok_sandbox_success"},
        {"expected_total": {"amount": 2490, "currency": "EUR"}}, {"locale": "de"}, {"brand": "visa"},
    ]  # fmt: skip
    for other in others:
        with pytest.raises(CheckoutReferenceUsed):
            await store.public("checkouts.submit", **(body | other))
    assert len(await store.orders()) == orders


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", "4242 4242 4242 4242"),
        ("name", "Mara 4242.4242.4242.4242"),
        ("name", "\u0664\u0662\u0664\u0662 4242 4242 4242"),
        ("name", "x4242424242424242x"),
        ("brand", "4242424242424242"),
        ("brand", "visa4242424242424242"),
        ("email", "4242424242424242@example.org"),
    ],
)
async def test_card_numbers_are_kept_out_of_every_text(store: Store, field: str, text: str) -> None:
    """Refused by name and never repeated, also of a customer who is there already, and in a retry."""
    slug, person = await store.link(), {**BUYER, **buyer()}
    card: dict[str, object] = {"provider_token": "tok_sandbox_insufficient_funds"}
    references = new_reference(), new_reference()
    for reference in references:
        with pytest.raises(CardNumberMisplaced) as refused:
            await store.public(
                "checkouts.submit", **({"slug": slug, "reference": new_reference(), **card, **person} | {field: text})
            )
        assert (refused.value.details["path"], text in repr(refused.value)) == (field, False)
        await store.public("checkouts.submit", slug=slug, reference=reference, **card, **person)
    await store.work()
    if field == "brand":
        with pytest.raises(CardNumberMisplaced):
            await store.public("checkouts.retry", reference=references[0], after=1, **card, brand=text)


async def test_a_customer_is_not_called_like_a_card(store: Store) -> None:
    """Nor is a payment method: what the checkout refuses, nobody else may store either."""
    with pytest.raises(CardNumberMisplaced):
        await store.run("customers.create", name="4242 4242 4242 4242", **buyer())
    customer = await store.run("customers.create", name="Mara Lind", **buyer())
    with pytest.raises(CardNumberMisplaced):
        await store.run(
            "customers.update", id=customer["id"], expected_version=1, name="5555-5555-5555-4444",
        )  # fmt: skip
    for change in ({"brand": "4242424242424242"}, {"billing_name": "4242 4242 4242 4242"}):
        with pytest.raises(CardNumberMisplaced):
            await store.run(
                "payment_methods.add", customer_id=customer["id"], type="card", provider_token="tok_sandbox_success",
                **change,
            )  # fmt: skip


async def test_a_form_whose_sum_was_broken_buys_nothing(store: Store, client: AsyncClient) -> None:
    """An unreadable total or quantity is a mistake to show, and no reason to charge something else."""
    form = hidden((await client.get(f"/pay/{await store.link()}")).text)
    for change in ({"total": ""}, {"total": "abc"}, {"total": "9" * 30}, {"total": "-1"}, {"quantity": "0"},
                   {"quantity": "-5"}, {"quantity": "1e3"}, {"quantity": "999999999"}):  # fmt: skip
        assert (await again(client, {**form, **change}, **buyer())).status_code == 422
    assert await store.orders() == []
    back = await client.post("/sandbox/vault", data={**form, **BUYER, **GOOD_CARD})
    assert (await client.head(back.headers["location"])).status_code == 303
    assert await store.orders() == []
