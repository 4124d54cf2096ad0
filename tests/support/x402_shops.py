"""A shop on a real chain that takes our test token, and its workers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self, cast
from uuid import UUID, uuid4

from application.payments.settling import Settling
from application.wallets.ports import IChains
from application.wallets.sending import Sending
from domain.settlements.demand import PaymentDemanded
from domain.settlements.token_settlement import TokenSettlement
from domain.shared.evm import checksummed
from domain.shared.evm_types import Address, read_address
from domain.shared.ids import TokenSettlementId, WalletTransactionId, decode_id
from infrastructure.chain.chains import Chains
from infrastructure.chain.keystore import Keystore
from infrastructure.chain.signer import Signer
from infrastructure.settings_chain import ChainSettings
from tests.support.chain import ETHER, DevChain, new_account
from tests.support.shop import Shop
from tests.support.stack import PEPPER, Body, Stack
from tests.support.token_buyer import TokenBuyer
from tests.support.wallet_contracts import deploy_token, mint, number


@asynccontextmanager
async def chains_of(chain: DevChain) -> AsyncIterator[IChains]:
    """Return a chain as the application sees it."""
    opened = Chains([ChainSettings(chain_id=chain.chain_id, endpoints=(chain.url,), confirmations=3)])
    yield opened
    await opened.close()


@dataclass
class ChainShop:
    """Everything is as in production, but for the worker, who works when it is told."""

    shop: Shop
    chain: DevChain
    token: Address
    till: Address
    chains: IChains
    signer: Signer
    settling: Settling
    sending: Sending
    buyer: TokenBuyer

    @classmethod
    async def open(cls, stack: Stack, chain: DevChain, chains: IChains, minor: int = 1250) -> Self:
        """Deploy a token, accept it for dollars' worth of euros, and give a buyer some."""
        shop, token, buyer = await Shop.open(stack, minor), await deploy_token(chain), TokenBuyer()
        till = new_account().address
        watched = await shop.run("wallets.create", chain_id=chain.chain_id, address=checksummed(till))
        facilitator = await shop.run("wallets.create_key", chain_id=chain.chain_id)
        await chain.send(read_address(str(facilitator["address"])), value=ETHER)
        await mint(chain, token, buyer.address, 10**12)
        await shop.run(
            "accepted_tokens.create", chain_id=chain.chain_id, token=checksummed(token), symbol="STUD", decimals=6,
            currency="EUR", name="Stoa Test Dollar", eip712_version="2", pay_to_wallet_id=watched["id"],
            facilitator_wallet_id=facilitator["id"], timeout_seconds=3600,
        )  # fmt: skip
        signer = Signer(Keystore(PEPPER), None)
        sending = Sending(stack.units, stack.dispatcher, chains, signer)
        settling = Settling(stack.units, stack.dispatcher, chains)
        return cls(shop, chain, token, till, chains, signer, settling, sending, buyer)

    async def pay(self, order: Body) -> Body:
        """Sign what is asked for an order, and send it along."""
        try:
            return await self.shop.run("payment_orders.pay", id=order["id"])
        except PaymentDemanded as demanded:
            payment = self.buyer.pay(demanded)
        return await self.shop.run("payment_orders.pay", id=order["id"], payment_signature=payment)

    async def held(self, holder: Address) -> int:
        """Ask the token."""
        return await number(self.chain, self.token, "balanceOf(address)", holder)

    async def settlement(self, order: Body) -> TokenSettlement:
        """Return the latest settlement of an order."""
        found = cast(
            "list[Body]", (await self.shop.run("token_settlements.list", payment_order_id=order["id"]))["data"]
        )
        id = TokenSettlementId(decode_id("stl", str(found[0]["id"])))
        opened = self.shop.stack.units(self.shop.actor, use_case="tests.look", request_id=str(uuid4()), read_only=True)
        async with opened as uow:
            return await uow.token_settlements.get(id)

    async def settle(self, order: Body) -> Body:
        """Look at the chain once."""
        await self.settling.settle(self.shop.organization_id, (await self.settlement(order)).id)
        return await self.shop.look(order)

    async def send(self, order: Body) -> None:
        """Take our transaction as far as it gets."""
        sent = (await self.settlement(order)).transaction_id
        await self.sending.send(self.shop.organization_id, WalletTransactionId(cast("UUID", sent)))

    async def work(self, order: Body) -> Body:
        """Have it executed and confirmed, and return the order."""
        await self.settle(order)
        await self.send(order)
        await self.chain.mine(4)
        await self.send(order)
        return await self.settle(order)
