"""A shop whose goods agents buy under mandates, with keys of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from application.approvals.mandate_care import MandateCare
from application.kernel.actor import AGENT_SCOPES, Actor
from domain.shared.ids import ApprovalId, MandateId, OrganizationId, decode_id
from tests.support.shop import Shop
from tests.support.stack import Body, Stack


def money(minor: int, currency: str = "EUR") -> Body:
    """Return an amount as it is outside."""
    return {"amount": minor, "currency": currency}


@dataclass
class Spender:
    """An agent with a key of its own, in a shop whose link sells one thing."""

    shop: Shop
    agent: Body
    actor: Actor
    care: MandateCare

    @classmethod
    async def hired(cls, shop: Shop) -> "Spender":
        """Make one more agent of a shop."""
        stack = shop.stack
        agent = await shop.run("agents.create", name="Buyer", type="buyer")
        await shop.run("agents.activate", id=agent["id"])
        key = await shop.run("agents.create_key", id=agent["id"], name="Key", scopes=sorted(AGENT_SCOPES))
        actor = await stack.authenticate(str(key["secret"]))
        return cls(shop, agent, actor, MandateCare(stack.units, stack.dispatcher))

    @classmethod
    async def of(cls, stack: Stack, minor: int = 100, currency: str = "EUR") -> "Spender":
        """Open a shop that sells at a price, and hire an agent there."""
        shop = await Shop.open(stack, minor)
        if currency != "EUR":
            shop.link = await link_in(shop, minor, currency)
        return await cls.hired(shop)

    async def grant(self, currency: str = "EUR", **minor: int) -> Body:
        """Grant a mandate; amounts are minor units."""
        terms = {name: money(amount, currency) for name, amount in minor.items()}
        return await self.shop.run("mandates.grant", agent_id=self.agent["id"], currency=currency, **terms)

    async def pay(self, order: Body, token: str = "success", **fields: object) -> Body:
        """Pay an order with the agent's key."""
        method = await self.shop.method(token)
        paid = {"id": order["id"], "payment_method_id": method, **fields}
        return await self.shop.stack.run("payment_orders.pay", self.actor, **paid)

    async def buy(self, token: str = "success", **fields: object) -> Body:
        """Open an order and pay it."""
        return await self.pay(await self.shop.order(**fields), token)

    async def counters(self, mandate: Body) -> tuple[int, int]:
        """Return what is spent and what is reserved."""
        shown = await self.shop.run("mandates.get", id=mandate["id"])
        spent, reserved = (cast("Mapping[str, int]", shown[name])["amount"] for name in ("spent", "reserved"))
        return spent, reserved

    async def holds(self, mandate: Body) -> dict[str, int]:
        """Return the sums of a mandate's holds by status, as the list tells them."""
        sums = {"reserved": 0, "committed": 0, "released": 0}
        cursor: object = None
        while True:
            page = await self.shop.run("mandates.list_holds", mandate_id=mandate["id"], limit=100, cursor=cursor)
            for hold in cast("list[Body]", page["data"]):
                sums[str(hold["status"])] += cast("Mapping[str, int]", hold["amount"])["amount"]
            cursor = page["next_cursor"]
            if cursor is None:
                return sums

    async def agrees(self, mandate: Body) -> tuple[int, int]:
        """Return the counters, which are the sums of the holds."""
        spent, reserved = await self.counters(mandate)
        sums = await self.holds(mandate)
        assert (spent, reserved) == (sums["committed"], sums["reserved"])
        return spent, reserved

    async def asked(self, order: Body) -> Body:
        """Return what a person is or was asked about an order."""
        found = await self.shop.run("approvals.list", payment_order_id=order["id"])
        return cast("list[Body]", found["data"])[0]

    async def end(self, mandate: Body) -> None:
        """Do the worker's part of a mandate's end."""
        await self.care.end(self.organization_id, MandateId(decode_id("mdt", str(mandate["id"]))))

    async def time_is_over(self, approval: Body) -> None:
        """Do the worker's part of an approval's end."""
        await self.care.expire_approval(self.organization_id, ApprovalId(decode_id("apr", str(approval["id"]))))

    @property
    def organization_id(self) -> OrganizationId:
        return self.shop.organization_id


async def link_in(shop: Shop, minor: int, currency: str) -> Body:
    """Sell one more thing, in another currency."""
    product = await shop.run("products.create", name="Coffee")
    price = await shop.run("prices.create", product_id=product["id"], unit_amount=money(minor, currency))
    return await shop.run("payment_links.create", price_id=price["id"])
