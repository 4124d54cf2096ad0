"""The first sale as a story, told through the real use-cases with real API keys."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol, cast
from uuid import uuid4

from application.kernel.actor import TENANT_SCOPES, Actor, operator
from application.kernel.dispatcher import Call, Outcome
from application.kernel.use_case import UseCase
from domain.shared.errors import NotFound, StaleVersion, StoaError
from domain.shared.ids import OrganizationId, decode_id
from interfaces.schema.command import CommandSchema

BUYERS = 50
type Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried, and whether it went as it must."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


class Stage(Protocol):
    """Where the story plays: the application, and its workers run by hand."""

    @property
    def registry(self) -> Mapping[str, UseCase]: ...

    async def dispatch(self, name: str, command: object, call: Call) -> Outcome:
        """Run one use-case."""
        ...

    async def authenticate(self, secret: str) -> Actor:
        """Return the caller behind an API key."""
        ...

    async def work(self) -> int:
        """Perform the jobs that are due; returns how many."""
        ...

    async def hurry(self, order: str) -> None:
        """Make the job that waits for an order due now."""
        ...

    async def publish(self) -> int:
        """Publish what is in the outbox; returns how many events."""
        ...

    async def seal_and_verify(self) -> tuple[int, bool]:
        """Seal the audit chain and verify it; returns how many entries it has and whether all hold."""
        ...


class _Tenant:
    """An organization with its own API key; every call authenticates again, as over the network."""

    def __init__(self, stage: Stage, secret: str) -> None:
        self._stage = stage
        self._secret = secret

    async def call(self, name: str, fields: Mapping[str, object], key: str | None = None) -> Outcome:
        command = CommandSchema(self._stage.registry[name].command).validate(dict(fields))
        actor = await self._stage.authenticate(self._secret)
        request = Call(actor=actor, request_id=str(uuid4()), idempotency_key=key or str(uuid4()))
        return await self._stage.dispatch(name, command, request)

    async def run(self, name: str, /, **fields: object) -> Body:
        return cast("Body", (await self.call(name, fields)).body)

    async def link(self, **terms: object) -> Body:
        product = await self.run("products.create", name="Espresso beans, 1 kg")
        price = await self.run(
            "prices.create", product_id=product["id"], unit_amount={"amount": 2490, "currency": "EUR"}
        )
        return await self.run("payment_links.create", price_id=price["id"], **terms)

    async def buyer(self, token: str) -> tuple[Body, Body]:
        customer = await self.run("customers.create", email=f"ana-{uuid4().hex[:8]}@example.com", name="Ana Prado")
        method = await self.run(
            "payment_methods.add", customer_id=customer["id"], type="card", provider_token=token, brand="visa",
            last_four="4242", expiry_month=12, expiry_year=2040,
        )  # fmt: skip
        return customer, method

    async def pay(self, link: Body, token: str) -> Body:
        customer, method = await self.buyer(token)
        order = await self.run(
            "payment_orders.create", payment_link_id=link["id"], customer_id=customer["id"], quantity=1
        )
        return await self.run("payment_orders.pay", id=order["id"], payment_method_id=method["id"])


async def story(stage: Stage) -> AsyncIterator[Step]:
    """Tell it step by step; the listener stops at the first step that did not hold."""
    shop, rival = await _tenant(stage, "Harbour Coffee"), await _tenant(stage, "Rival Roasters")
    yield Step("two organizations, each with its own API key", ok=True, detail="Harbour Coffee and Rival Roasters")
    link = await shop.link()
    yield Step("product → price → payment link", ok=True, detail=f"/v1/pay/{link['slug']}")
    for token, expected in (("tok_sandbox_success", "completed"), ("tok_sandbox_decline", "failed")):
        yield await _payment(stage, shop, link, token, expected)
    yield await _lost_answer(stage, shop, link)
    yield await _replay(shop, link)
    yield await _stale_write(shop)
    yield await _foreign_key(shop, rival, link)
    yield await _race(shop)
    yield await _refund(stage, shop, link)
    yield await _books(shop)
    published = await stage.publish()
    yield Step("events reach the publisher", ok=published > 0, detail=f"{published} events, in order per aggregate")
    entries, holds = await stage.seal_and_verify()
    yield Step("the audit chain verifies", ok=holds, detail=f"{entries} entries sealed and verified")


async def _tenant(stage: Stage, name: str) -> _Tenant:
    schema = CommandSchema(stage.registry["organizations.create"].command)
    slug = f"demo-{uuid4().hex[:12]}"
    command = schema.validate(
        {
            "name": name,
            "slug": slug,
            "default_currency": "EUR",
            "owner_email": f"{slug}@example.com",
            "owner_name": name,
        }
    )
    created = await stage.dispatch("organizations.create", command, Call(actor=operator(), request_id=str(uuid4())))
    organization_id = OrganizationId(decode_id("org", str(cast("Body", created.body)["id"])))
    keys = CommandSchema(stage.registry["api_keys.create"].command)
    command = keys.validate({"name": "Demo", "scopes": sorted(TENANT_SCOPES)})
    key = await stage.dispatch(
        "api_keys.create", command, Call(actor=operator(organization_id), request_id=str(uuid4()))
    )
    return _Tenant(stage, str(cast("Body", key.body)["secret"]))


async def _payment(stage: Stage, shop: _Tenant, link: Body, token: str, expected: str) -> Step:
    order = await shop.pay(link, token)
    ended = await _after(stage, shop, order, "processing")
    path = f"pending → {order['status']} → {ended['status']}"
    reason = f" ({ended['failure_code']})" if ended["failure_code"] else ""
    return Step(f"a payment is {expected}", ok=ended["status"] == expected, detail=f"{ended['number']}: {path}{reason}")


async def _lost_answer(stage: Stage, shop: _Tenant, link: Body) -> Step:
    order = await shop.pay(link, "tok_sandbox_unknown")
    unknown = await _after(stage, shop, order, "processing")
    await stage.hurry(str(order["id"]))
    ended = await _after(stage, shop, order, "unknown")
    held = (unknown["status"], ended["status"]) == ("unknown", "completed")
    return Step(
        "the provider's answer is lost, and reconciled", held, f"{unknown['status']} → {ended['status']}, charged once"
    )


async def _after(stage: Stage, shop: _Tenant, order: Body, status: str) -> Body:
    """Work until the order leaves a status; a worker that runs beside us may be the one to do it."""
    for _ in range(200):
        await stage.work()
        order = await shop.run("payment_orders.get", id=order["id"])
        if order["status"] != status:
            break
        await asyncio.sleep(0.05)
    return order


async def _replay(shop: _Tenant, link: Body) -> Step:
    customer, _ = await shop.buyer("tok_sandbox_success")
    fields = {"payment_link_id": link["id"], "customer_id": customer["id"], "quantity": 1}
    key = str(uuid4())
    first = await shop.call("payment_orders.create", fields, key)
    again = await shop.call("payment_orders.create", fields, key)
    orders = await shop.run("payment_orders.list", customer_id=customer["id"])
    one = len(cast("list[object]", orders["data"])) == 1
    same = cast("Body", first.body)["id"] == cast("Body", again.body)["id"]
    return Step("a retried request replays", again.replayed and same and one, "same answer, one order")


async def _stale_write(shop: _Tenant) -> Step:
    product = await shop.run("products.create", name="Filter papers")
    await shop.run("products.update", id=product["id"], expected_version=1, name="Filter papers, white")
    late = shop.run("products.update", id=product["id"], expected_version=1, name="Filter papers, brown")
    return Step(
        "a stale write is refused", await _refused(late, StaleVersion), "version 1 was read, version 2 is there"
    )


async def _foreign_key(shop: _Tenant, rival: _Tenant, link: Body) -> Step:
    foreign = await _refused(rival.run("payment_links.get", id=link["id"]), NotFound)
    absent_id = str(link["id"])[:-4] + "0000"
    absent = await _refused(rival.run("payment_links.get", id=absent_id), NotFound)
    held = foreign and absent and (await shop.run("payment_links.get", id=link["id"]))["id"] == link["id"]
    return Step("another tenant's key gets 404", held, "exactly as for an id that does not exist")


async def _race(shop: _Tenant) -> Step:
    link = await shop.link(max_uses=1)
    customer, _ = await shop.buyer("tok_sandbox_success")
    fields = {"payment_link_id": link["id"], "customer_id": customer["id"], "quantity": 1}
    tries = await asyncio.gather(
        *(shop.run("payment_orders.create", **fields) for _ in range(BUYERS)), return_exceptions=True
    )
    won = [answer for answer in tries if isinstance(answer, dict)]
    codes = {answer.code for answer in tries if isinstance(answer, StoaError)}
    orders = await shop.run("payment_orders.list", payment_link_id=link["id"])
    held = len(won) == len(cast("list[object]", orders["data"])) == 1
    return Step(
        f"one of {BUYERS} buyers wins a single-use link", held, f"1 order, the others: {', '.join(sorted(codes))}"
    )


async def _refund(stage: Stage, shop: _Tenant, link: Body) -> Step:
    order = await _after(stage, shop, await shop.pay(link, "tok_sandbox_success"), "processing")
    first = {"payment_order_id": order["id"], "amount": {"amount": 1490, "currency": "EUR"}}
    tries = await asyncio.gather(*(shop.run("refunds.create", **first) for _ in range(2)), return_exceptions=True)
    codes = [answer.code for answer in tries if isinstance(answer, StoaError)]
    part = await _after(stage, shop, order, "completed")
    await shop.run("refunds.create", payment_order_id=order["id"])
    whole = await _after(stage, shop, order, "partially_refunded")
    held = (codes, part["status"], whole["status"]) == (["refund_exceeds_captured"], "partially_refunded", "refunded")
    path = f"completed → {part['status']} → {whole['status']}"
    return Step("two refunds at once never exceed the payment", held, f"one is refused; {path}")


async def _books(shop: _Tenant) -> Step:
    report = await shop.run("books.verify")
    return Step(
        "the books balance", report["ok"] is True, f"{report['entries']} entries agree with {report['orders']} orders"
    )


async def _refused(attempt: Awaitable[object], kind: type[StoaError]) -> bool:
    try:
        await attempt
    except kind:
        return True
    return False
