"""Stripe's notices, delivered by a stand-in and by hand: whatever comes, in whatever order, happens once."""

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import cast
from uuid import UUID, uuid4

import pytest
import uvicorn
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from application.kernel.actor import PLATFORM, operator
from application.payments.collection import Collection
from domain.shared.ids import OrganizationId, PaymentOrderId, decode_id
from domain.shared.specification import Everything
from infrastructure.payments.stripe_notices import StripeNotices
from infrastructure.payments.stripe_provider import ATTEMPT, ORDER, ORGANIZATION, REFUND, StripePaymentProvider
from interfaces.http.notices import ProviderNotices
from tests.faults.processes import free_port
from tests.infrastructure.payments.localstripe import KEY, SECRET, LocalStripe, Wire, local_stripe, wire_to
from tests.support.http import app_of
from tests.support.stack import Body, Stack
from tests.support.world import World

PATH = "/v1/webhooks/stripe"


@pytest.fixture(scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStripe]:
    async with local_stripe(tmp_path_factory.mktemp("localstripe")) as started:
        yield started


@pytest.fixture
async def wire(there: LocalStripe) -> AsyncIterator[Wire]:
    async with wire_to(there) as opened:
        yield opened


@pytest.fixture(scope="module")
async def world(stack: Stack) -> World:
    return await World.create(stack)


def app(stack: Stack) -> FastAPI:
    """Build the API with the address that Stripe sends to."""
    notices = ProviderNotices("stripe", StripeNotices(SECRET).read, stack.dispatcher, lambda *_: None)
    return app_of(stack, notices={"/webhooks/stripe": notices})


@dataclass
class Shop:
    """A seller whose money Stripe collects."""

    world: World
    collection: Collection
    client: AsyncClient
    there: LocalStripe

    async def order(self) -> tuple[Body, dict[str, str]]:
        """Begin to pay an order, and return it with the metadata its charge has at Stripe."""
        method = await self.world.run("payment_methods.add", provider_token=await self.there.card())
        customer = method["customer_id"]
        opened = await self.world.run("payment_orders.create", customer_id=customer)
        paying = await self.world.run("payment_orders.pay", id=opened["id"], payment_method_id=method["id"])
        attempt = cast("list[Body]", paying["attempts"])[0]["id"]
        return paying, {
            ATTEMPT: str(uuid(attempt)), ORDER: str(uuid(paying["id"])),
            ORGANIZATION: str(self.world.actor.organization_id),
        }  # fmt: skip

    async def charge(self, order: Body) -> None:
        """Do what the worker does."""
        await self.collection.charge(self.world.actor.organization_id, PaymentOrderId(uuid(order["id"])))

    async def now(self, order: Body) -> Body:
        """Return the order as it stands."""
        return await self.world.run("payment_orders.get", id=order["id"])

    async def notices(self, organization_id: OrganizationId | None = None) -> int:
        """Count the notices that were kept."""
        actor = operator(organization_id or self.world.actor.organization_id)
        async with self.world.stack.units(actor, use_case="count", request_id="count", read_only=True) as uow:
            return await uow.provider_notices.count(Everything())

    async def post(self, event: Mapping[str, object], **changes: object) -> Response:
        """Send a notice as Stripe does; ``late``, ``secret`` and ``header`` spoil it."""
        body = json.dumps(event).encode()
        at, secret = int(time.time()) - cast("int", changes.get("late", 0)), str(changes.get("secret", SECRET))
        signature = hmac.digest(secret.encode(), b"%d.%s" % (at, body), "sha256").hex()
        header = changes.get("header", f"t={at},v1={signature}")
        sent = {"stripe-signature": str(header)} if header else {}
        return await self.client.post(PATH, content=changes.get("body", body), headers=sent)  # type: ignore[arg-type]  # reason: bytes


def uuid(text: object) -> UUID:
    prefix = str(text).partition("_")[0]
    return decode_id(prefix, str(text))


@pytest.fixture
async def shop(world: World, wire: Wire, there: LocalStripe) -> AsyncIterator[Shop]:
    provider = StripePaymentProvider(KEY, api_base=f"http://127.0.0.1:{wire.port}")
    collection = Collection(world.stack.units, world.stack.dispatcher, provider)
    async with AsyncClient(transport=ASGITransport(app(world.stack)), base_url="http://stoa.test") as client:
        yield Shop(world, collection, client, there)
    await provider.close()


@pytest.fixture
async def delivered(shop: Shop) -> AsyncIterator[None]:
    """Have the stand-in deliver its notices to a server of ours, as it does a second after each payment."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app(shop.world.stack), port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await shop.there.send_webhooks_to(f"http://127.0.0.1:{port}{PATH}")
    yield
    server.should_exit = True
    await serving


def event(metadata: Mapping[str, str], **intent: object) -> dict[str, object]:
    """Return a notice about a payment."""
    about = {"id": "pi_1", "status": "succeeded", "currency": "eur", "created": 1, "metadata": metadata, **intent}
    return {"id": f"evt_{uuid4().hex}", "type": "payment_intent.succeeded", "data": {"object": about}}


async def eventually(shop: Shop, order: Body, status: str) -> None:
    async with asyncio.timeout(15):
        while (await shop.now(order))["status"] != status:  # noqa: ASYNC110 - what is awaited is another process's doing
            await asyncio.sleep(0.1)


async def test_a_lost_answer_is_made_good_by_the_notice(shop: Shop, wire: Wire, delivered: None) -> None:
    """The connection breaks behind the charge, the order is unknown, and the notice completes it, once."""
    order, _ = await shop.order()
    wire.lose_answer = True
    await shop.charge(order)
    assert (await shop.now(order))["status"] == "unknown"
    await eventually(shop, order, "completed")
    done = await shop.now(order)
    assert len(cast("list[Body]", done["attempts"])) == 1
    assert len(await shop.there.intents(**{ORDER: str(uuid(order["id"]))})) == 1


async def test_a_notice_may_be_faster_than_the_answer(shop: Shop) -> None:
    """Told by the notice first, the order is complete; what the worker brings afterwards is no news."""
    order, metadata = await shop.order()
    assert (await shop.post(event(metadata))).json() == {"status": "applied"}
    told = await shop.now(order)
    assert told["status"] == "completed"
    await shop.charge(order)
    assert (await shop.now(order))["version"] == told["version"]


async def test_a_notice_that_comes_twenty_times_is_one_effect(shop: Shop) -> None:
    """At once and one after the other, also under another request id: one change, one notice, 200 every time."""
    order, metadata = await shop.order()
    before, notice = await shop.notices(), event(metadata)
    answers = [*await asyncio.gather(*(shop.post(notice) for _ in range(10)))]
    answers += [await shop.post(notice) for _ in range(10)]
    assert {answer.status_code for answer in answers} <= {200, 409, 503}
    assert sorted(answer.json()["status"] for answer in answers[10:]) == ["duplicate"] * 10
    assert await shop.notices() == before + 1
    events = cast(
        "list[Body]", (await shop.world.run("audit_entries.list", action=None, subject_type=None, limit=100))["data"]
    )
    completed = [
        each for each in events if each["subject_id"] == order["id"] and each["action"] == "provider_notices.receive"
    ]
    assert len(completed) == 1


async def test_old_news_changes_nothing(shop: Shop) -> None:
    """A failure told after the success, and one of an attempt that is over, are kept and change nothing."""
    order, metadata = await shop.order()
    await shop.post(event(metadata))
    done = await shop.now(order)
    failed = event(metadata, status="requires_payment_method", last_payment_error={"code": "card_declined"})
    assert (await shop.post({**failed, "type": "payment_intent.payment_failed"})).json() == {"status": "applied"}
    assert (await shop.now(order))["version"] == done["version"]


async def test_a_decline_is_told_by_a_notice_too(shop: Shop) -> None:
    """The order fails with the reason in the notice."""
    order, metadata = await shop.order()
    error = {"code": "card_declined", "decline_code": "insufficient_funds"}
    failed = event(metadata, status="requires_payment_method", last_payment_error=error)
    await shop.post({**failed, "type": "payment_intent.payment_failed"})
    now = await shop.now(order)
    assert (now["status"], now["failure_code"]) == ("failed", "insufficient_funds")


async def test_a_refund_is_told_by_a_notice_too(shop: Shop) -> None:
    """The refund succeeds, and the order with it."""
    order, metadata = await shop.order()
    await shop.post(event(metadata))
    refund = await shop.world.run("refunds.create", payment_order_id=order["id"])
    about = {
        "id": "re_1", "status": "succeeded",
        "metadata": {REFUND: str(uuid(refund["id"])), ORGANIZATION: metadata[ORGANIZATION]},
    }  # fmt: skip
    notice = {"id": f"evt_{uuid4().hex}", "type": "refund.updated", "data": {"object": about}}
    assert (await shop.post(notice)).json() == {"status": "applied"}
    assert (await shop.world.run("refunds.get", id=refund["id"]))["status"] == "succeeded"


@pytest.mark.parametrize(
    "spoilt",
    [
        {"secret": "whsec_another"},
        {"late": 3600},
        {"header": ""},
        {"header": "t=1,v1=00"},
        {"header": "nonsense"},
        {"header": f"t={'9' * 4000},v1=00"},
        {"body": b'{"id": "evt_forged"}'},
        {"body": b"\xff"},
        {"body": b""},
    ],
    ids=str,
)
async def test_what_is_not_signed_by_stripe_now_is_refused(spoilt: dict[str, object], shop: Shop) -> None:
    """Another secret, an old or missing signature and a changed body are 400, and nothing happens."""
    order, metadata = await shop.order()
    answer = await shop.post(event(metadata), **spoilt)
    assert (answer.status_code, answer.json()["code"]) == (400, "webhook_signature_invalid")
    assert (await shop.now(order))["status"] == "processing"


@pytest.mark.parametrize("body", [{}, [], {"id": 1}, {"id": "evt_1", "type": "x", "data": {"object": 3}}], ids=str)
async def test_what_is_signed_and_no_notice_is_refused(body: object, shop: Shop) -> None:
    """Stripe's signature over something that is no event of Stripe's."""
    assert (await shop.post(cast("dict[str, object]", body))).status_code == 400


async def test_notices_about_nothing_of_ours_are_kept_and_ignored(shop: Shop) -> None:
    """Unknown types, no metadata, foreign and made-up references: 200, so that Stripe stops, and no effect."""
    order, metadata = await shop.order()
    other = await shop.world.stack.organization()
    kept = await shop.notices(PLATFORM)
    notices = [
        {**event(metadata), "type": "customer.created"},
        event({}),
        event({**metadata, ORGANIZATION: str(other.organization_id)}),
        event({**metadata, ORGANIZATION: str(uuid4())}),
        event({**metadata, ORDER: str(uuid4())}),
        event({**metadata, ATTEMPT: str(uuid4())}),
        event({**metadata, ATTEMPT: "nonsense"}),
        event({**metadata, REFUND: str(uuid4())}),
        event(metadata, status="processing"),
        event(metadata, currency=7),
    ]
    answers = [await shop.post(notice) for notice in notices]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {"status": "ignored"})] * len(notices)
    assert (await shop.now(order))["status"] == "processing"
    assert await shop.notices(PLATFORM) == kept + len(notices)


async def test_a_body_has_a_limit(shop: Shop) -> None:
    """Larger than any notice is refused before it is read whole."""
    answer = await shop.post({}, body=b"x" * (1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_where_stripe_is_not_chosen_nobody_listens(shop: Shop) -> None:
    """The address is there with Stripe only."""
    transport = ASGITransport(app_of(shop.world.stack))
    async with AsyncClient(transport=transport, base_url="http://stoa.test") as client:
        answer = await replace(shop, client=client).post(event({}))
    assert (answer.status_code, answer.json()["code"]) == (404, "path_unknown")
