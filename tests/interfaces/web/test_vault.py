"""The sandbox's vault: what goes in, what comes back, and that nothing of a card is left anywhere."""

import logging
import re
from datetime import timedelta

import pytest

from tests.interfaces.web.shop import GOOD_CARD, Shop, handle_of, plain, sent, visiting


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_a_form_that_was_open_for_too_long_asks_for_the_card_again(shop: Shop) -> None:
    """A handle is good for a quarter of an hour; what was typed beside the card is kept longer."""
    async with visiting(shop.app()) as client:
        back = await sent(client)
        shop.clock.shift = timedelta(minutes=16)
        response = await client.get(back.headers["location"])
    assert (response.status_code, "open for too long" in response.text) == (422, True)
    assert 'value="mara.lind@example.org"' in response.text


@pytest.mark.parametrize("handle", ["", "x", "gAAAAA", "é" * 50, "a" * 5000])
async def test_a_handle_nobody_sealed_is_refused(shop: Shop, handle: str) -> None:
    """Nothing made up is taken for a card."""
    async with visiting(shop.app()) as client:
        response = await client.get(f"/pay/espresso/return?card={handle}")
    assert (response.status_code, shop.calls) == (400, [])


async def test_a_handle_of_another_link_is_not_there(shop: Shop) -> None:
    """What was typed for one link buys nothing at another."""
    async with visiting(shop.app()) as client:
        back = await sent(client)
        assert (await client.get(f"/pay/other?card={handle_of(back)}")).status_code == 200
        assert (await client.get(f"/pay/other/return?card={handle_of(back)}")).status_code == 404
    assert not [name for name, *_ in shop.calls if name == "checkouts.submit"]


async def test_the_vault_lets_nothing_of_the_card_out(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the way back nor the log nor the pages after it hold the number or the code, whatever was wrong."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    for fields in ({}, {"cvc": "9"}, {"number": "4242424242424241"}, {"email": ""}):
        async with visiting(shop.app()) as client:
            back = await sent(client, **fields)
            after = await client.get(back.headers["location"])
        shown = re.sub(r'<p class="test".*?</p>', "", after.text)
        seen = plain(back.headers) + back.text + plain(after.headers) + shown
        assert "424242424242" not in re.sub(r"[ \xa0-]", "", seen)
        assert GOOD_CARD["number"] not in caplog.text
        assert GOOD_CARD["number"].replace(" ", "") not in caplog.text
    assert "4242424242424242" not in repr(shop.calls)


@pytest.mark.parametrize(
    ("slug", "status"),
    [("https://evil.example", 400), ("//evil.example", 400), ("a/../../evil", 400), ("", 400), ("espresso", 303)],
)
async def test_the_vault_sends_nobody_elsewhere(shop: Shop, slug: str, status: int) -> None:
    """The way back is made of a checked slug."""
    async with visiting(shop.app()) as client:
        response = await sent(client, slug=slug)
    assert response.status_code == status
    assert response.headers.get("location", "/pay/").startswith("/pay/")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"a=1", "application/json"),
        (b"a=%ff", "application/x-www-form-urlencoded"),
        (b"a=1\x80", "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * 20_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(40)), "application/x-www-form-urlencoded"),
        (b"a=%00", "application/x-www-form-urlencoded"),
    ],
)
async def test_the_vault_takes_forms_only(shop: Shop, body: bytes, kind: str) -> None:
    """Other bodies, and ones larger than any form, are refused with a page."""
    async with visiting(shop.app()) as client:
        response = await client.post("/sandbox/vault", content=body, headers={"content-type": kind})
    assert (response.status_code, "<html" in response.text) == (400, True)


async def test_there_is_no_vault_where_cards_are_real(shop: Shop) -> None:
    """Without the sandbox the vault does not exist, offers say that cards cannot be taken, and handles are nothing."""
    async with visiting(shop.app(sandbox=False)) as client:
        assert (await sent(client)).status_code == 404
        offer = await client.get("/pay/espresso")
        back = await client.get("/pay/espresso/return?card=x")
    assert (offer.status_code, "<form" in offer.text, "Test mode" in offer.text) == (503, False, False)
    assert back.status_code == 400
