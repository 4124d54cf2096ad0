"""x402 from end to end: the official package buys over HTTP and MCP, and our facilitator settles on a real chain."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from mcp import Client
from mcp.types import TextContent
from x402.http import x402HTTPClientSync
from x402.mcp.types import MCPToolResult
from x402.mcp.utils import attach_payment_to_meta, extract_payment_required_from_result

from application.kernel.actor import TENANT_SCOPES
from application.wallets.ports import IChains
from domain.settlements.token_settlement import PaymentAuthorizationUsed
from domain.shared.abi import encode_call
from domain.shared.errors import StoaError
from interfaces.mcp.server import build_server
from tests.support.chain import DevChain
from tests.support.http import HttpFace, http_face
from tests.support.shop import amounts
from tests.support.stack import Body, Stack
from tests.support.x402_shops import ChainShop, chains_of

pytestmark = pytest.mark.usefixtures("no_other_jobs")

UNITS = 12_500_000


@pytest.fixture
async def chains(dev_chain: DevChain) -> AsyncIterator[IChains]:
    """Return the chain as the application sees it."""
    async with chains_of(dev_chain) as opened:
        yield opened


@pytest.fixture
async def shop(stack: Stack, dev_chain: DevChain, chains: IChains) -> ChainShop:
    """Sell something for 12.50."""
    return await ChainShop.open(stack, dev_chain, chains)


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[HttpFace]:
    async with http_face(stack) as face:
        yield face


async def key_of(shop: ChainShop) -> str:
    issued = await shop.shop.run("api_keys.create", name="Buyer", scopes=sorted(TENANT_SCOPES))
    return str(issued["secret"])


async def test_the_official_package_pays_over_http(shop: ChainShop, http: HttpFace) -> None:
    """402, signed, accepted, executed, confirmed: the shop has the tokens, the buyer has them no longer, once."""
    order, key, client = await shop.shop.order(), await key_of(shop), x402HTTPClientSync(shop.buyer.client)
    asked = await http.send("payment_orders.pay", {"id": order["id"]}, key=key, idempotency_key="one purchase")
    assert (asked.status_code, asked.json()["code"], asked.json()["x402Version"]) == (402, "payment_required", 2)
    headers, _ = client.handle_402_response(dict(asked.headers), asked.content, str(asked.url))
    paid = await http.send(
        "payment_orders.pay", {"id": order["id"]}, key=key, headers=headers, idempotency_key="one purchase"
    )
    told = client.get_payment_settle_response(lambda name: paid.headers.get(name.lower()))
    assert (paid.status_code, paid.json()["status"]) == (200, "settlement_pending")
    assert (told.success, told.error_reason, told.payer) == (
        False, "settlement_pending", shop.buyer.account.address,
    )  # fmt: skip
    done = await shop.work(order)
    assert (done["status"], amounts(done)) == ("completed", (1250, 0, 1250))
    assert (await shop.held(shop.till), await shop.held(shop.buyer.address)) == (UNITS, 10**12 - UNITS)
    again = await http.send("payment_orders.pay", {"id": order["id"]}, key=key, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "transition_invalid")
    assert await shop.shop.problems() == []


async def test_the_official_package_pays_over_mcp(shop: ChainShop) -> None:
    """A tool's refusal says what to pay, the payment goes along as its clients have it, and so does the answer."""
    order, key, name = await shop.shop.order(), await key_of(shop), "payment_orders.pay"
    stack = shop.shop.stack
    server = build_server(
        registry={name: stack.registry[name]}, dispatcher=stack.dispatcher,
        actor_of=lambda: stack.authenticate(key), observe=lambda *_: None,
    )  # fmt: skip
    arguments = {"id": order["id"], "idempotency_key": "one purchase"}
    async with Client(server) as client:
        refused = await client.call_tool("payment_orders_pay", arguments)
        content = refused.content[0]
        assert isinstance(content, TextContent)
        demanded = extract_payment_required_from_result(
            MCPToolResult(content=[{"type": "text", "text": content.text}], is_error=bool(refused.is_error))
        )
        assert demanded is not None
        payload: Any = shop.buyer.client.create_payment_payload(demanded)
        meta = attach_payment_to_meta({}, payload)["_meta"]
        accepted = await client.call_tool("payment_orders_pay", arguments, meta=meta)
    assert not accepted.is_error
    assert cast("Body", accepted.structured_content)["status"] == "settlement_pending"
    assert cast("Body", accepted.meta)["x402/payment-response"]["errorReason"] == "settlement_pending"  # type: ignore[index]  # reason: a document
    assert (await shop.work(order))["status"] == "completed"


async def test_fifty_orders_and_one_authorization(shop: ChainShop, http: HttpFace) -> None:
    """Presented for fifty orders at once, it pays one of them; the chain moves the tokens once."""
    orders = [await shop.shop.order() for _ in range(50)]
    key = await key_of(shop)
    asked = await http.send("payment_orders.pay", {"id": orders[0]["id"]}, key=key)
    payment = shop.buyer.pay(asked.json())

    async def present(order: Body) -> Body | StoaError:
        try:
            return await shop.shop.run("payment_orders.pay", id=order["id"], payment_signature=payment)
        except StoaError as error:
            return error

    answers = await asyncio.gather(*(present(order) for order in orders))
    taken = [each for each in answers if isinstance(each, dict)]
    refused = [each for each in answers if isinstance(each, PaymentAuthorizationUsed)]
    assert (len(taken), len(refused)) == (1, 49)
    assert (await shop.work(taken[0]))["status"] == "completed"
    assert await shop.held(shop.till) == UNITS


async def test_a_buyer_who_cancels_in_the_race_window_has_not_paid(shop: ChainShop, http: HttpFace) -> None:
    """The token's own word for it: cancelled before our transaction came, so nothing moved and the order failed."""
    order, key = await shop.shop.order(), await key_of(shop)
    asked = await http.send("payment_orders.pay", {"id": order["id"]}, key=key)
    payment = shop.buyer.pay(asked.json())
    await http.send("payment_orders.pay", {"id": order["id"], "payment_signature": payment}, key=key)
    await shop.settle(order)
    await cancel(shop, (await shop.settlement(order)).nonce)
    await shop.send(order)
    await shop.chain.mine(4)
    failed = await shop.settle(order)
    assert (failed["status"], failed["failure_code"]) == ("failed", "authorization_cancelled")
    assert await shop.held(shop.till) == 0


async def test_whoever_executes_it_the_order_is_paid_once(shop: ChainShop, http: HttpFace) -> None:
    """Somebody is quicker with the same authorization: ours comes to nothing, and the tokens are in the till."""
    order, key = await shop.shop.order(), await key_of(shop)
    asked = await http.send("payment_orders.pay", {"id": order["id"]}, key=key)
    payment = shop.buyer.pay(asked.json())
    await http.send("payment_orders.pay", {"id": order["id"], "payment_signature": payment}, key=key)
    await shop.settle(order)
    await shop.chain.send(shop.token, data=(await shop.settlement(order)).call_data)
    await shop.send(order)
    await shop.chain.mine(4)
    done = await shop.settle(order)
    assert (done["status"], await shop.held(shop.till)) == ("completed", UNITS)


@pytest.mark.parametrize(
    ("part", "value", "code"),
    [
        ("network", "eip155:1", "payment_network_mismatch"),
        ("asset", "0x" + "01" * 20, "payment_asset_mismatch"),
        ("scheme", "upto", "payment_scheme_unsupported"),
        ("to", "0x" + "01" * 20, "payment_recipient_mismatch"),
        ("value", "12499999", "payment_amount_mismatch"),
        ("validBefore", "1000000000", "payment_expired"),
        ("validAfter", "4000000000", "payment_not_yet_valid"),
        ("nonce", "0x" + "11" * 32, "payment_signature_invalid"),
    ],
)
async def test_what_is_not_what_was_asked_for_is_402_with_its_code(
    shop: ChainShop, http: HttpFace, part: str, value: str, code: str
) -> None:
    """And the demand again, so that a program can put it right."""
    order, key = await shop.shop.order(), await key_of(shop)
    asked = await http.send("payment_orders.pay", {"id": order["id"]}, key=key)
    document: Any = shop.buyer.document(asked.json())
    place = document["accepted"] if part in document["accepted"] else document["payload"]["authorization"]
    place[part] = value
    payment = base64.b64encode(json.dumps(document).encode()).decode()
    refused = await http.send(
        "payment_orders.pay", {"id": order["id"]}, key=key, headers={"payment-signature": payment}
    )
    assert (refused.status_code, refused.json()["code"], refused.json()["error"]) == (402, code, code)
    assert json.loads(base64.b64decode(refused.headers["payment-required"]))["accepts"] == asked.json()["accepts"]
    assert (await shop.shop.look(order))["status"] == "pending"


async def cancel(shop: ChainShop, nonce: str) -> None:
    """Have the buyer cancel an authorization on the chain."""
    domain = {
        "name": "Stoa Test Dollar", "version": "2", "chainId": shop.chain.chain_id, "verifyingContract": shop.token,
    }  # fmt: skip
    types = {
        "CancelAuthorization": [{"name": "authorizer", "type": "address"}, {"name": "nonce", "type": "bytes32"}]
    }  # fmt: skip
    word = bytes.fromhex(nonce[2:])
    message = {"authorizer": shop.buyer.address, "nonce": word}
    signed = Account.sign_message(encode_typed_data(domain, types, message), shop.buyer.account.key)
    call = encode_call(
        "cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)", shop.buyer.address, word, signed.v,
        signed.r.to_bytes(32), signed.s.to_bytes(32),
    )  # fmt: skip
    await shop.chain.send(shop.token, data=call)
