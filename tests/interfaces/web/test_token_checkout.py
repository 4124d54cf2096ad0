"""Programs buy at the address of an offer: what it costs in tokens, and the purchase once they have paid."""

import base64
import json
from collections.abc import AsyncIterator
from typing import cast

import pytest
from httpx2 import AsyncClient
from x402.http import x402HTTPClientSync

from interfaces.web.app import WebApp
from tests.interfaces.web.shop import visiting
from tests.interfaces.web.store import open_store
from tests.support.stack import Body, Stack
from tests.support.token_shops import TokenShop

JSON = {"accept": "application/json"}


@pytest.fixture
async def shop(stack: Stack) -> TokenShop:
    """Sell something for 12.50 EUR."""
    return await TokenShop.open(stack)


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[AsyncClient]:
    app: WebApp = (await open_store(stack)).app
    async with visiting(app) as opened:
        yield opened


async def test_a_program_buys_with_the_official_package(shop: TokenShop, client: AsyncClient) -> None:
    """402 with the demand, paid, accepted; the purchase can be followed, and is paid once the chain has decided."""
    buyer, path = x402HTTPClientSync(shop.buyer.client), f"/pay/{shop.shop.link['slug']}"
    asked = await client.get(path, headers=JSON)
    assert (asked.status_code, asked.headers["content-type"]) == (402, "application/problem+json")
    headers, _ = buyer.handle_402_response(dict(asked.headers), asked.content, str(asked.url))
    taken = await client.get(path, headers=headers)
    purchase = taken.json()
    assert (taken.status_code, purchase["status"]) == (202, "processing")
    assert purchase["total"] == {"amount": 1250, "currency": "EUR"}
    told = buyer.get_payment_settle_response(lambda name: taken.headers.get(name.lower()))
    assert told.error_reason == "settlement_pending"
    listed = await shop.shop.run("payment_orders.list", number=purchase["number"])
    (order,) = cast("list[Body]", listed["data"])
    await shop.work(order)
    shop.chain.execute(await shop.signed(order))
    shop.chain.mine(shop.chain.confirmations)
    assert (await shop.work(order))["status"] == "completed"
    followed = await client.get(f"{path}/{purchase['reference']}")
    assert "Payment received" in followed.text


async def test_a_payment_buys_once(shop: TokenShop, client: AsyncClient) -> None:
    """Sent again it is refused; under the same key it gets the same answer, without what lets one follow it."""
    path = f"/pay/{shop.shop.link['slug']}"
    payment = shop.buyer.pay((await client.get(path, headers=JSON)).json())
    sent = {"payment-signature": payment, "idempotency-key": "one-purchase"}
    first, again = await client.get(path, headers=sent), await client.get(path, headers=sent)
    assert again.json() == {**first.json(), "reference": None}
    stranger = await client.get(path, headers={"payment-signature": payment})
    assert (stranger.status_code, stranger.json()["code"]) == (409, "payment_authorization_used")


async def test_a_look_buys_nothing(shop: TokenShop, client: AsyncClient) -> None:
    """Whatever comes with HEAD."""
    path = f"/pay/{shop.shop.link['slug']}"
    payment = shop.buyer.pay((await client.get(path, headers=JSON)).json())
    looked = await client.head(path, headers={"payment-signature": payment})
    assert looked.status_code == 402
    assert (await shop.shop.run("payment_orders.list"))["data"] == []


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8", "*/*", ""])
async def test_people_get_the_page(shop: TokenShop, client: AsyncClient, accept: str) -> None:
    """A browser asks for anything, and for pages first."""
    page = await client.get(f"/pay/{shop.shop.link['slug']}", headers={"accept": accept})
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("query", "headers", "refusal"),
    [
        ("?quantity=abc", JSON, (422, "validation_error")),
        ("?quantity=999999", JSON, (402, "payment_required")),
        ("", {"payment-signature": "%%%"}, (400, "payment_malformed")),
        ("", {"payment-signature": "x" * 9000}, (422, "validation_error")),
    ],
)
async def test_what_is_wrong_is_told_to_programs_as_data(
    shop: TokenShop, client: AsyncClient, query: str, headers: dict[str, str], refusal: tuple[int, str]
) -> None:
    """With a code, and never as a page."""
    answer = await client.get(f"/pay/{shop.shop.link['slug']}{query}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == refusal


async def test_an_offer_that_is_not_there_is_told_so(client: AsyncClient) -> None:
    """As problem details."""
    answer = await client.get("/pay/nothing-here", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_header_says_what_the_body_says(shop: TokenShop, client: AsyncClient) -> None:
    """Scheme, chain, token, amount and recipient, in the words of x402."""
    asked = await client.get(f"/pay/{shop.shop.link['slug']}?quantity=2", headers=JSON)
    header = json.loads(base64.b64decode(asked.headers["payment-required"]))
    assert header["accepts"] == asked.json()["accepts"]
    (offer,) = header["accepts"]
    assert (offer["scheme"], offer["network"], offer["amount"]) == ("exact", "eip155:31337", "25000000")
    assert (offer["payTo"], offer["extra"]["name"]) == (shop.accepted["pay_to"], "Harbour Euro")
