"""Forms that no page of ours would send: what cannot be read is told to the buyer, and never guessed."""

import pytest

from domain.shared.card_numbers import CardNumberMisplaced
from tests.interfaces.web.shop import BUYER, GOOD_CARD, REFERENCE, SUM, Shop, got, raising, sent, visiting

PAGE = f"/pay/espresso/{REFERENCE}"


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.mark.parametrize("total", ["", "abc", "9" * 30, "-2490", "2490.0", "1e4", "\u0662\u0664\u0669\u0660"])
async def test_a_total_that_cannot_be_read_is_none_that_was_agreed_to(shop: Shop, total: str) -> None:
    """Nothing is submitted; the buyer sees the real total and pays again, or not."""
    async with visiting(shop.app()) as client:
        response = await client.get((await sent(client, total=total)).headers["location"])
    assert (response.status_code, "The total has changed" in response.text) == (422, True)
    assert [name for name, *_ in shop.calls] == ["checkouts.quote"]


@pytest.mark.parametrize("field", ["total", "quantity", "currency"])
async def test_a_form_without_its_sum_buys_nothing(shop: Shop, field: str) -> None:
    """Left out is not agreed to either."""
    form = {"slug": "espresso", "reference": REFERENCE, "quantity": "1", **SUM, **BUYER, **GOOD_CARD}
    form.pop(field)
    async with visiting(shop.app()) as client:
        back = await client.post("/sandbox/vault", data=form)
        response = await client.get(back.headers["location"])
    assert response.status_code == 422
    assert "checkouts.submit" not in [name for name, *_ in shop.calls]


async def test_a_currency_that_is_none_is_another_total(shop: Shop) -> None:
    """It is told like any other sum than the one that is due."""
    async with visiting(shop.app()) as client:
        response = await client.get((await sent(client, currency="euros")).headers["location"])
    assert (response.status_code, "The total has changed" in response.text) == (422, True)


@pytest.mark.parametrize("quantity", ["0", "-5", "1e3", "many", "9" * 30])
async def test_a_quantity_that_is_none_is_told_on_the_offer(shop: Shop, quantity: str) -> None:
    """The page shows what the fewest cost, and says that it is not what was asked for."""
    response = await got(shop, f"/pay/espresso?quantity={quantity}")
    assert (response.status_code, "This quantity is not available" in response.text) == (422, True)
    assert "Pay \u20ac24.90" in response.text


async def test_another_try_says_after_which(shop: Shop) -> None:
    """A number of attempts that cannot be read makes no first submission of a retry."""
    async with visiting(shop.app()) as client:
        response = await client.get((await sent(client, after="x")).headers["location"])
    assert (response.status_code, shop.calls) == (400, [])


async def test_looking_at_the_way_back_buys_nothing(shop: Shop) -> None:
    """HEAD answers what GET would when all goes well, and nothing is submitted; mistakes are mistakes for both."""
    async with visiting(shop.app()) as client:
        back = (await sent(client)).headers["location"]
        looked = await client.head(back)
        assert (looked.status_code, looked.headers["location"], shop.calls) == (303, PAGE, [])
        again = (await sent(client, after="1")).headers["location"]
        assert ((await client.head(again)).status_code, shop.calls) == (303, [])
        wrong = (await sent(client, number="1")).headers["location"]
        assert (await client.head(wrong)).status_code == 422
        bought_now = await client.get(back)
    assert bought_now.headers["location"] == PAGE
    assert [name for name, *_ in shop.calls if name == "checkouts.submit"] == ["checkouts.submit"]


async def test_a_card_number_in_the_wrong_field_is_told_there(shop: Shop) -> None:
    """The message names the field; the number is not shown again, and the vault lets it out in no field."""
    async with visiting(shop.app()) as client:
        for field in ("name", "email"):
            response = await client.get((await sent(client, **{field: "4242 4242 4242 4242"})).headers["location"])
            assert f'id="{field}-error">A card number does not belong here' in response.text
            assert (response.status_code, 'value="4242' in response.text) == (422, False)
    assert "checkouts.submit" not in [name for name, *_ in shop.calls]


async def test_a_card_number_that_only_the_core_finds_is_told_in_its_field(shop: Shop) -> None:
    """The use-case has the last word."""
    shop.answers["checkouts.submit"] = raising(CardNumberMisplaced(path="name"))
    async with visiting(shop.app()) as client:
        response = await client.get((await sent(client)).headers["location"])
    assert (response.status_code, 'id="name-error">A card number does not belong here' in response.text) == (422, True)


async def test_a_shop_that_takes_no_cards_says_what_to_do(shop: Shop) -> None:
    """Buyers read whom to ask, and sellers where the way is described."""
    async with visiting(shop.app(sandbox=False)) as client:
        page = await client.get("/pay/espresso")
    assert page.status_code == 503
    for words in ("You have not been charged", "ask Harbour Coffee", "Espresso blend, 1 kg", "docs/checkout.md"):
        assert words in page.text
