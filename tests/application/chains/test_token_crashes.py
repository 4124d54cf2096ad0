"""A worker that ends anywhere settles an authorization once: whoever comes after it goes on from what is recorded."""

from typing import cast

import pytest

from application.kernel.dispatcher import IDispatch
from application.payments.settling import Settling
from application.wallets.ports import IChains
from application.wallets.sending import Sending
from domain.shared.ids import WalletTransactionId
from tests.support.chain import DevChain
from tests.support.shop import amounts
from tests.support.stack import Body, Stack
from tests.support.till import Died, Fate, Mortal
from tests.support.x402_shops import ChainShop, chains_of

pytestmark = pytest.mark.usefixtures("no_other_jobs")


async def step(shop: ChainShop, order: Body, settling: Settling, sending: Sending) -> None:
    """Do everything that a worker finds to do, once."""
    organization = shop.shop.organization_id
    await settling.settle(organization, (await shop.settlement(order)).id)
    sent = (await shop.settlement(order)).transaction_id
    if sent is not None:
        await sending.send(organization, WalletTransactionId(sent))
    await settling.settle(organization, (await shop.settlement(order)).id)


async def lived(shop: ChainShop, order: Body, fate: Fate) -> None:
    """Work under a fate until it is met, and then with a worker that lives."""
    stack, chains = shop.shop.stack, cast("IChains", MortalChains(shop.chains, fate))
    dispatch = cast("IDispatch", Mortal(stack.dispatcher, fate))
    settling = Settling(stack.units, dispatch, chains)
    sending = Sending(stack.units, dispatch, chains, shop.signer)
    for _ in range(6):
        try:
            await step(shop, order, settling, sending)
        except Died:
            break
        await shop.chain.mine(2)
    for _ in range(6):
        if (await shop.shop.look(order))["status"] == "completed":
            break
        await step(shop, order, shop.settling, shop.sending)
        await shop.chain.mine(2)


class MortalChains:
    """Chains of which every call may be the last."""

    def __init__(self, chains: IChains, fate: Fate) -> None:
        self._chains, self._fate = chains, fate

    def of(self, chain_id: int) -> object:
        return MortalChain(self._chains.of(chain_id), self._fate)


class MortalChain(Mortal):
    """One of them; what it is called is safe to ask."""

    def __getattr__(self, name: str) -> object:
        if name in ("confirmations", "chain_id"):
            return getattr(self._called, name)
        return super().__getattr__(name)


async def survives(shop: ChainShop, fate: Fate) -> bool:
    """Pay an order with a worker of this fate, and say whether it was met: one transfer, one entry, one order."""
    order, before = await shop.shop.order(), await shop.held(shop.till)
    await shop.pay(order)
    await lived(shop, order, fate)
    done = await shop.shop.look(order)
    assert (done["status"], amounts(done)[0]) == ("completed", 1250)
    assert await shop.held(shop.till) - before == 12_500_000
    listed = await shop.shop.run("books.list_entries", payment_order_id=order["id"])
    assert len(cast("list[Body]", listed["data"])) == 1
    return fate.met


async def test_a_worker_that_ends_after_a_call_is_followed_by_one_that_goes_on(
    stack: Stack, dev_chain: DevChain
) -> None:
    """Before the transaction, between its broadcast and its record, and before the conclusion."""
    async with chains_of(dev_chain) as chains:
        shop = await ChainShop.open(stack, dev_chain, chains)
        for at in (5, 14):
            assert await survives(shop, Fate(at, after=True))
        assert await shop.shop.problems() == []


@pytest.mark.faults
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_wherever_a_worker_ends_the_tokens_move_once(stack: Stack, dev_chain: DevChain, after: bool) -> None:
    """At every call of the chain and of the database, before it and after it."""
    async with chains_of(dev_chain) as chains:
        shop, ends = await ChainShop.open(stack, dev_chain, chains), 0
        while await survives(shop, Fate(ends + 1, after=after)):
            ends += 1
        assert ends >= 10
        assert await shop.shop.problems() == []
