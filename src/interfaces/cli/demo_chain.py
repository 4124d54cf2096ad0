"""The demo's chapter of chains: an agent pays in tokens by x402, from a wallet of its own, and under its mandate."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol, Self, cast

import httpx2

from domain.shared.evm import checksummed
from domain.shared.evm_types import Address, read_address
from interfaces.cli.demo_agents import SCOPES, Agent, Face
from interfaces.cli.demo_bank import Bank
from interfaces.cli.demo_stage import Body, Stage, Step, Tenant

LIMIT = 10_000
DECIMALS = 6
UNITS = LIMIT * 10 ** (DECIMALS - 2)
_PURSE = 3 * UNITS
_PATIENCE, _PAUSE = 200, 0.05


class _Wallet(Protocol):
    """Signs what is asked for."""

    @property
    def address(self) -> Address: ...
    def pay(self, demand: Mapping[str, object]) -> Body: ...


@dataclass(frozen=True, slots=True)
class _Market:
    """A shop that takes a token, and who made the token."""

    stage: Stage
    shop: Tenant
    bank: Bank
    till: Address

    @classmethod
    async def open(cls, stage: Stage, shop: Tenant, bank: Bank) -> Self:
        """Give the shop a till, somebody who pays for gas, and terms that the token's contract agrees with."""
        chain_id = stage.chain.chain_id
        till = await shop.run("wallets.create_key", chain_id=chain_id, label="Till")
        facilitator = await shop.run("wallets.create_key", chain_id=chain_id, label="Gas for payments")
        await bank.give_gas(read_address(str(facilitator["address"])))
        await shop.run(
            "accepted_tokens.create", chain_id=chain_id, token=checksummed(bank.token), symbol="STUD",
            decimals=DECIMALS, currency="USD", name="Stoa Test Dollar", eip712_version="2",
            pay_to_wallet_id=till["id"], facilitator_wallet_id=facilitator["id"], timeout_seconds=3600,
        )  # fmt: skip
        return cls(stage, shop, bank, read_address(str(till["address"])))

    async def hire(self, face: Face) -> tuple[Agent, Body]:
        """Give an agent a key and a mandate; no card, for it has a wallet."""
        hired = await self.shop.run("agents.create", name="Buyer with a wallet", type="buyer")
        await self.shop.run("agents.activate", id=hired["id"])
        key = await self.shop.run("agents.create_key", id=hired["id"], name="Demo", scopes=SCOPES)
        mandate = await self.shop.run("mandates.grant", agent_id=hired["id"], currency="USD", total=_money(LIMIT))
        customer = await self.shop.run("customers.create", email="agent@example.com", name="Buyer with a wallet")
        return Agent(self.stage, face, str(key["secret"]), customer), mandate

    async def link(self, minor: int) -> Body:
        """Offer something for so many cents."""
        product = await self.shop.run("products.create", name=f"Roaster for {minor} cents")
        price = await self.shop.run("prices.create", product_id=product["id"], unit_amount=_money(minor))
        return await self.shop.run("payment_links.create", price_id=price["id"])

    async def settled(self, order: Body) -> Body:
        """Work until the chain has decided about an order; a worker that runs beside us may take part."""
        for _ in range(_PATIENCE):
            for settlement in await self._settlements(order):
                for subject in (settlement["id"], settlement["transaction_id"]):
                    if subject is not None:
                        await self.stage.hurry(str(subject))
            await self.stage.work()
            await self.bank.mine()
            order = await self.shop.run("payment_orders.get", id=order["id"])
            if order["status"] != "settlement_pending":
                break
            await asyncio.sleep(_PAUSE)
        return order

    async def spent(self, mandate: Body) -> int:
        shown = await self.shop.run("mandates.get", id=mandate["id"])
        return cast("Mapping[str, int]", shown["spent"])["amount"]

    async def _settlements(self, order: Body) -> list[Body]:
        found = await self.shop.run("token_settlements.list", payment_order_id=order["id"])
        return cast("list[Body]", found["data"])


async def chain_chapter(stage: Stage, shop: Tenant, face: Face) -> AsyncIterator[Step]:
    """An agent with a mandate of 100.00 and a wallet buys by x402; without a chain it says so, and is over."""
    if stage.chain.missing:
        yield Step("payments on a chain are left out", ok=True, detail=stage.chain.missing)
        return
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
        async for step in _told(stage, shop, face, await Bank.found(client, stage.chain)):
            yield step


async def _told(stage: Stage, shop: Tenant, face: Face, bank: Bank) -> AsyncIterator[Step]:
    # Needs the extra `evm`, which a chain needs, too; all other chapters do without it.
    from interfaces.cli.demo_signer import PayingWallet  # noqa: PLC0415 - see above

    market, wallet = await _Market.open(stage, shop, bank), PayingWallet()
    await bank.mint(wallet.address, _PURSE)
    yield Step("a shop accepts a token", ok=True, detail=f"EIP-3009, on chain {stage.chain.chain_id} of the demo's own")
    agent, mandate = await market.hire(face)
    yield Step("an agent gets a mandate, and has a wallet", ok=True, detail="100.00 USD; Stoa never sees its key")
    refused = await agent.buy(await market.link(LIMIT + 1))
    yield Step("100.01 in tokens is refused", refused.get("code") == "mandate_exceeded", str(refused.get("detail")))
    order = await agent.order(await market.link(LIMIT))
    demand = await agent.call("payment_orders_pay", id=order["id"])
    yield _demanded(demand)
    payment = wallet.pay(demand)
    yield await _paid(market, agent, order, payment)
    yield await _completed(market, wallet, order, mandate)
    yield await _presented_again(market, agent, face, payment)


def _demanded(demand: Body) -> Step:
    offers = cast("list[Body]", demand.get("accepts", []))
    asked = [offer["amount"] for offer in offers]
    held = (demand.get("code"), asked) == ("payment_required", [str(UNITS)])
    return Step("the agent is told over MCP what to pay (402)", held, f"{', '.join(map(str, asked))} units of 10⁻⁶")


async def _paid(market: _Market, agent: Agent, order: Body, payment: Body) -> Step:
    accepted = await agent.call("payment_orders_pay", payment, id=order["id"])
    nothing_yet = await market.bank.held(market.till) == 0
    held = accepted.get("status") == "settlement_pending" and nothing_yet
    return Step("it signs, and the signature is accepted", held, f"pending → {accepted.get('status')}")


async def _completed(market: _Market, wallet: _Wallet, order: Body, mandate: Body) -> Step:
    ended = await market.settled(order)
    till, left = await market.bank.held(market.till), await market.bank.held(wallet.address)
    moved = (till, left) == (UNITS, _PURSE - UNITS)
    held = (ended["status"], moved, await market.spent(mandate)) == ("completed", True, LIMIT)
    detail = f"settlement_pending → {ended['status']}; on the chain the till holds {till} units, spent: 100.00 USD"
    return Step("the worker settles it on the chain", held, detail)


async def _presented_again(market: _Market, agent: Agent, face: Face, payment: Body) -> Step:
    """Present it for another order, with a key that no mandate binds: the agent's own is used up."""
    unbound = Agent(market.stage, face, market.shop.secret, agent.customer)
    order = await unbound.order(await market.link(LIMIT))
    again = await unbound.call("payment_orders_pay", payment, id=order["id"])
    once = await market.bank.held(market.till) == UNITS
    held = again.get("code") == "payment_authorization_used" and once
    return Step("the same signature pays nothing else", held, str(again.get("detail")))


def _money(minor: int) -> Body:
    return {"amount": minor, "currency": "USD"}
