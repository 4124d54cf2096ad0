"""A shop that takes a token for its euros, buyers who have some, and a worker that works when it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from uuid import uuid4

from application.kernel.actor import Actor
from application.payments.settling import Settling
from domain.settlements.authorization import Authorization
from domain.settlements.demand import PaymentDemanded
from domain.settlements.token_settlement import TokenSettlement
from domain.shared.evm import checksummed
from domain.shared.evm_types import read_address
from domain.shared.ids import TokenSettlementId, decode_id, encode_id
from domain.wallets.wallet import Wallet, WalletSigner
from tests.support.shop import Shop
from tests.support.stack import Body, Stack
from tests.support.token_buyer import TokenBuyer
from tests.support.token_chain import CHAIN, TOKEN, TokenChain
from tests.support.world_wallets import an_address

PER_CENT = 10_000
"""Units of a token of six decimals that a cent is."""


@dataclass
class TokenShop:
    """The shop and its chain."""

    shop: Shop
    settling: Settling
    chain: TokenChain
    accepted: Body
    buyer: TokenBuyer = field(default_factory=TokenBuyer)

    @classmethod
    async def open(cls, stack: Stack, minor: int = 1250, *, token: str = TOKEN) -> "TokenShop":
        """Open a shop that sells one thing, and accept the token there."""
        shop, chain = await Shop.open(stack, minor), TokenChain()
        till = await shop.run("wallets.create", chain_id=CHAIN, address=an_address())
        accepted = await shop.run(
            "accepted_tokens.create", chain_id=CHAIN, token=checksummed(read_address(token)), symbol="HEUR", decimals=6,
            currency="EUR", name="Harbour Euro", eip712_version="1", pay_to_wallet_id=till["id"],
            facilitator_wallet_id=await facilitator(shop), timeout_seconds=600,
        )  # fmt: skip
        made = cls(shop, Settling(stack.units, stack.dispatcher, chain), chain, accepted)
        chain.held[made.buyer.address] = 10**12
        return made

    @property
    def stack(self) -> Stack:
        return self.shop.stack

    async def demand(self, order: Body, actor: Actor | None = None, **fields: object) -> PaymentDemanded:
        """Return what is asked for an order."""
        try:
            await self.stack.run("payment_orders.pay", actor or self.shop.actor, id=order["id"], **fields)
        except PaymentDemanded as demanded:
            return demanded
        raise AssertionError("nothing was demanded")

    async def pay(self, order: Body, actor: Actor | None = None, **fields: object) -> Body:
        """Sign what is asked for an order, and send it along."""
        payment = self.buyer.pay(await self.demand(order, actor, **fields))
        return await self.present(order, payment, actor, **fields)

    async def present(self, order: Body, payment: str, actor: Actor | None = None, **fields: object) -> Body:
        """Pay an order with a payment."""
        return await self.stack.run(
            "payment_orders.pay", actor or self.shop.actor, id=order["id"], payment_signature=payment, **fields
        )

    async def buy(self) -> Body:
        """Open an order and pay it."""
        return await self.pay(await self.shop.order())

    async def settlement(self, order: Body) -> Body:
        """Return the latest settlement of an order."""
        found = await self.shop.run("token_settlements.list", payment_order_id=order["id"])
        return cast("list[Body]", found["data"])[0]

    async def inside(self, order: Body) -> TokenSettlement:
        """Return the latest settlement of an order as the inside knows it."""
        id = await self.settlement_id(order)
        opened = self.stack.units(self.shop.actor, use_case="tests.look", request_id=str(uuid4()), read_only=True)
        async with opened as uow:
            return await uow.token_settlements.get(id)

    async def signed(self, order: Body) -> Authorization:
        """Return what the buyer authorized for an order."""
        return (await self.inside(order)).authorization

    async def settlement_id(self, order: Body) -> TokenSettlementId:
        return TokenSettlementId(decode_id("stl", str((await self.settlement(order))["id"])))

    async def work(self, order: Body) -> Body:
        """Do the worker's part of a payment, and return the order."""
        await self.settling.settle(self.shop.organization_id, await self.settlement_id(order))
        return await self.shop.look(order)

    async def fail_transaction(self, order: Body) -> None:
        """Have our own transaction come to nothing."""
        id = (await self.settlement(order))["transaction_id"]
        await self.shop.run("wallet_transactions.fail", id=id, code="insufficient_funds")

    async def entries(self, order: Body) -> list[Mapping[str, object]]:
        """Return what the books say of an order."""
        found = await self.shop.run("books.list_entries", payment_order_id=order["id"])
        return cast("list[Mapping[str, object]]", found["data"])


async def facilitator(shop: Shop) -> str:
    """Make a wallet whose key is in a keystore that nobody asks here, and return its id."""
    stack, actor = shop.stack, shop.actor
    wallet = Wallet.create(
        id=stack.ids.new(), organization_id=actor.organization_id, chain_id=CHAIN,  # type: ignore[arg-type]  # reason: any id does
        address=read_address(an_address()), signer=WalletSigner.KEYSTORE, sealed_key="v1.sealed", now=stack.clock.now(),
    )  # fmt: skip
    async with stack.units(actor, use_case="tests.make", request_id=str(uuid4())) as uow:
        uow.wallets.add(wallet)
        await uow.commit()
    return encode_id("wal", wallet.id)
