"""The demo's chapter of agents: one buys under a mandate, through MCP, and a person approves on the command line."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

from mcp import Client
from mcp.types import RequestParamsMeta, TextContent

from application.kernel.actor import Actor
from interfaces.cli.demo_stage import Body, Stage, Step, Tenant, after
from interfaces.mcp.payments import PAYMENT
from interfaces.mcp.server import StoaServer

type Face = Callable[[Callable[[], Awaitable[Actor]]], StoaServer]
"""Builds the MCP server for whoever calls."""

LIMIT, ALONE = 10_000, 5_000
SCOPES = ["customers:read", "mandates:read", "payment_orders:read", "payment_orders:write", "products:read"]


@dataclass(frozen=True, slots=True)
class Agent:
    """A program that knows its key and speaks MCP; the shop's customer may let it use their card."""

    stage: Stage
    face: Face
    secret: str
    customer: Body
    method: Body | None = None

    async def call(self, tool: str, payment: Body | None = None, /, **arguments: object) -> Body:
        """Call a tool as any MCP client does, with an x402 ``payment`` or none; return the answer or the problem."""

        async def caller() -> Actor:
            return await self.stage.authenticate(self.secret)

        meta = None if payment is None else cast("RequestParamsMeta", {PAYMENT: payment})
        async with Client(self.face(caller)) as client:
            result = await client.call_tool(tool, {"idempotency_key": str(uuid4()), **arguments}, meta=meta)
        if result.is_error:
            return cast("Body", json.loads(cast("TextContent", result.content[0]).text))
        return cast("Body", result.structured_content)

    async def order(self, link: Body) -> Body:
        """Open an order."""
        return await self.call(
            "payment_orders_create", payment_link_id=link["id"], customer_id=self.customer["id"], quantity=1
        )

    async def buy(self, link: Body) -> Body:
        """Open an order and pay it, with the customer's card if there is one, and return what that answered."""
        method = {} if self.method is None else {"payment_method_id": self.method["id"]}
        return await self.call("payment_orders_pay", id=(await self.order(link))["id"], **method)


async def agents_chapter(stage: Stage, shop: Tenant, face: Face) -> AsyncIterator[Step]:
    """An agent with a mandate of 100.00 buys, is refused, and has what it may not decide alone approved."""
    agent, mandate = await _hired(stage, shop, face)
    yield Step("an agent gets a key and a mandate", ok=True, detail="100.00 EUR in all, up to 50.00 alone")
    refused = await agent.buy(await _link(shop, LIMIT + 1))
    yield Step("100.01 is refused", refused.get("code") == "mandate_exceeded", str(refused.get("detail")))
    bought = await after(stage, shop, await agent.buy(await _link(shop, 4_000)), "processing")
    spent = await _spent(shop, mandate)
    yield Step("the agent buys through MCP", bought["status"] == "completed" and spent == 4_000, "spent: 40.00 EUR")
    waiting = await agent.buy(await _link(shop, LIMIT - 4_000))
    asked = waiting.get("approval_required") is True and waiting["status"] == "pending"
    yield Step("above 50.00 it asks for approval", asked, "60.00 EUR are set aside, and nothing is charged")
    yield await _approved(stage, shop, waiting, mandate)
    over = await agent.buy(await _link(shop, 1))
    yield Step("one cent more is refused", over.get("code") == "mandate_exceeded", str(over.get("detail")))


async def _approved(stage: Stage, shop: Tenant, waiting: Body, mandate: Body) -> Step:
    approvals = await shop.run("approvals.list", payment_order_id=waiting["id"], status="pending")
    approval = cast("list[Body]", approvals["data"])[0]
    code = await _by_hand(shop.secret, "approvals.approve", "--id", str(approval["id"]))
    paid = await after(stage, shop, await shop.run("payment_orders.get", id=waiting["id"]), "processing")
    held = (code, paid["status"], await _spent(shop, mandate)) == (0, "completed", LIMIT)
    return Step("a person approves on the command line", held, f"stoa run approvals.approve: {paid['status']}, once")


async def _hired(stage: Stage, shop: Tenant, face: Face) -> tuple[Agent, Body]:
    hired = await shop.run("agents.create", name="Buyer", type="buyer")
    await shop.run("agents.activate", id=hired["id"])
    key = await shop.run("agents.create_key", id=hired["id"], name="Demo", scopes=SCOPES)
    limits = {"total": _money(LIMIT), "approval_threshold": _money(ALONE)}
    mandate = await shop.run("mandates.grant", agent_id=hired["id"], currency="EUR", **limits)
    customer, method = await shop.buyer("tok_sandbox_success")
    return Agent(stage, face, str(key["secret"]), customer, method), mandate


async def _link(shop: Tenant, minor: int) -> Body:
    product = await shop.run("products.create", name=f"Grinder for {minor} cents")
    price = await shop.run("prices.create", product_id=product["id"], unit_amount=_money(minor))
    return await shop.run("payment_links.create", price_id=price["id"])


async def _spent(shop: Tenant, mandate: Body) -> int:
    shown = await shop.run("mandates.get", id=mandate["id"])
    return cast("Mapping[str, int]", shown["spent"])["amount"]


async def _by_hand(secret: str, use_case: str, *arguments: str) -> int:
    """Type a command as a person with a key of their own does, and return its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "interfaces.cli.main", "run", use_case, *arguments, "--idempotency-key", str(uuid4()),
        env={**os.environ, "STOA_API_KEY": secret}, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    return await process.wait()


def _money(minor: int) -> Body:
    return {"amount": minor, "currency": "EUR"}
