"""The first sale as a story, told through the real use-cases with real API keys."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast
from uuid import uuid4

from domain.shared.errors import NotFound, StaleVersion, StoaError
from interfaces.cli.demo_agents import Face, agents_chapter
from interfaces.cli.demo_chain import chain_chapter
from interfaces.cli.demo_stage import Body, Stage, Step, Tenant, after, refused, tenant

BUYERS = 50


async def story(stage: Stage, face: Face) -> AsyncIterator[Step]:
    """Tell it step by step; the listener stops at the first step that did not hold. Agents come by an MCP ``face``."""
    shop, rival = await tenant(stage, "Harbour Coffee"), await tenant(stage, "Rival Roasters")
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
    for chapter in (agents_chapter, chain_chapter):
        async for step in chapter(stage, shop, face):
            yield step
    yield await _books(shop)
    yield await _published(stage, shop)
    entries, holds = await stage.seal_and_verify()
    yield Step("the audit chain verifies", ok=holds, detail=f"{entries} entries sealed and verified")


async def _payment(stage: Stage, shop: Tenant, link: Body, token: str, expected: str) -> Step:
    order = await shop.pay(link, token)
    ended = await after(stage, shop, order, "processing")
    path = f"pending → {order['status']} → {ended['status']}"
    reason = f" ({ended['failure_code']})" if ended["failure_code"] else ""
    return Step(f"a payment is {expected}", ok=ended["status"] == expected, detail=f"{ended['number']}: {path}{reason}")


async def _lost_answer(stage: Stage, shop: Tenant, link: Body) -> Step:
    order = await shop.pay(link, "tok_sandbox_unknown")
    unknown = await after(stage, shop, order, "processing")
    await stage.hurry(str(order["id"]))
    ended = await after(stage, shop, order, "unknown")
    held = (unknown["status"], ended["status"]) == ("unknown", "completed")
    return Step(
        "the provider's answer is lost, and reconciled", held, f"{unknown['status']} → {ended['status']}, charged once"
    )


async def _replay(shop: Tenant, link: Body) -> Step:
    customer, _ = await shop.buyer("tok_sandbox_success")
    fields = {"payment_link_id": link["id"], "customer_id": customer["id"], "quantity": 1}
    key = str(uuid4())
    first = await shop.call("payment_orders.create", fields, key)
    again = await shop.call("payment_orders.create", fields, key)
    orders = await shop.run("payment_orders.list", customer_id=customer["id"])
    one = len(cast("list[object]", orders["data"])) == 1
    same = cast("Body", first.body)["id"] == cast("Body", again.body)["id"]
    return Step("a retried request replays", again.replayed and same and one, "same answer, one order")


async def _stale_write(shop: Tenant) -> Step:
    product = await shop.run("products.create", name="Filter papers")
    await shop.run("products.update", id=product["id"], expected_version=1, name="Filter papers, white")
    late = shop.run("products.update", id=product["id"], expected_version=1, name="Filter papers, brown")
    return Step("a stale write is refused", await refused(late, StaleVersion), "version 1 was read, version 2 is there")


async def _foreign_key(shop: Tenant, rival: Tenant, link: Body) -> Step:
    foreign = await refused(rival.run("payment_links.get", id=link["id"]), NotFound)
    absent_id = str(link["id"])[:-4] + "0000"
    absent = await refused(rival.run("payment_links.get", id=absent_id), NotFound)
    held = foreign and absent and (await shop.run("payment_links.get", id=link["id"]))["id"] == link["id"]
    return Step("another tenant's key gets 404", held, "exactly as for an id that does not exist")


async def _race(shop: Tenant) -> Step:
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


async def _refund(stage: Stage, shop: Tenant, link: Body) -> Step:
    order = await after(stage, shop, await shop.pay(link, "tok_sandbox_success"), "processing")
    first = {"payment_order_id": order["id"], "amount": {"amount": 1490, "currency": "EUR"}}
    tries = await asyncio.gather(*(shop.run("refunds.create", **first) for _ in range(2)), return_exceptions=True)
    codes = [answer.code for answer in tries if isinstance(answer, StoaError)]
    part = await after(stage, shop, order, "completed")
    await shop.run("refunds.create", payment_order_id=order["id"])
    whole = await after(stage, shop, order, "partially_refunded")
    held = (codes, part["status"], whole["status"]) == (["refund_exceeds_captured"], "partially_refunded", "refunded")
    path = f"completed → {part['status']} → {whole['status']}"
    return Step("two refunds at once never exceed the payment", held, f"one is refused; {path}")


async def _published(stage: Stage, shop: Tenant) -> Step:
    """Ask the log: a worker that runs beside us may have published all of them before we came."""
    waiting = await stage.publish()
    log = await shop.run("events.list", limit=1)
    return Step("events reach the publisher", bool(log["data"]), f"{waiting} were waiting, in order per aggregate")


async def _books(shop: Tenant) -> Step:
    report = await shop.run("books.verify")
    return Step(
        "the books balance", report["ok"] is True, f"{report['entries']} entries agree with {report['orders']} orders"
    )
