"""A wallet with a key of its own on a chain that answers JSON-RPC, and workers as the container makes them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import cast
from uuid import UUID, uuid4

from application.kernel.actor import Actor
from application.wallets.sending import Sending
from application.wallets.transaction_jobs import SEND
from domain.shared.ids import OrganizationId, WalletId, WalletTransactionId, decode_id, encode_id
from domain.wallets.wallet import Wallet, WalletSigner
from infrastructure.chain.chains import Chains
from infrastructure.chain.keystore import Keystore
from infrastructure.chain.signer import Signer
from infrastructure.settings_chain import ChainSettings
from infrastructure.workers.jobs import JobWorker
from tests.support.chain import ETHER, DevChain
from tests.support.stack import Body, Stack

WALLET_KEY = b"a wallet key for tests, and for nothing else"
ENDS = frozenset({"confirmed", "reverted", "replaced", "failed"})


def a_signer() -> Signer:
    """Return who opens the keys of these tests."""
    return Signer(Keystore(WALLET_KEY))


def some_chains(dev: DevChain, confirmations: int = 2) -> Chains:
    """Return Stoa's way to a chain."""
    return Chains([ChainSettings(chain_id=dev.chain_id, endpoints=(dev.url,), confirmations=confirmations)])


class DevTill:
    """One organization with one wallet that signs."""

    def __init__(self, stack: Stack, actor: Actor, wallet: Wallet, dev: DevChain, chains: Chains) -> None:
        self.stack, self.actor, self.wallet, self.dev, self.chains = stack, actor, wallet, dev, chains
        self.wallet_id = encode_id("wal", wallet.id)
        self.sending = Sending(stack.units, stack.dispatcher, chains, a_signer())

    async def ask(self, to: str, value: int = 0, **fields: object) -> Body:
        """Ask for coins to be sent."""
        given = {"id": self.wallet_id, "to": to, "value": str(value), **fields}
        return await self.stack.run("wallets.send_transaction", self.actor, **given)

    async def look(self, asked: Body) -> Body:
        """Return a transaction as it is now."""
        return await self.stack.run("wallet_transactions.get", self.actor, id=asked["id"])

    async def every(self) -> list[Body]:
        """Return all of the wallet's transactions, the first nonce first."""
        found: list[Body] = []
        cursor: object = None
        while cursor is not None or not found:
            more = {} if cursor is None else {"cursor": cursor}
            page = await self.stack.run("wallet_transactions.list", self.actor, limit=100, status=None, **more)
            found += cast("list[Body]", page["data"])
            cursor = page["next_cursor"]
            if not found:
                break
        return sorted(found, key=lambda each: cast("int", each["nonce"] or 0))

    async def work(self, asked: Body) -> Body:
        """Do what can be done about a transaction now, and return it."""
        id = WalletTransactionId(decode_id("tx", str(asked["id"])))
        await self.sending.send(self.actor.organization_id, id)
        return await self.look(asked)

    async def finish(self, asked: Body, *, rounds: int = 12) -> Body:
        """Work and add blocks until the end."""
        for _ in range(rounds):
            found = await self.work(asked)
            if found["status"] in ENDS:
                return found
            await self.dev.mine()
        raise AssertionError("it never ended")

    def jobs(self) -> JobWorker:
        """Return a worker that takes jobs from the database."""
        handler = cast("Callable[[OrganizationId, UUID], Awaitable[None]]", self.sending.send)
        return JobWorker(self.stack.relay_database, {SEND: handler}, clock=self.stack.clock)

    async def drain(self, workers: Collection[JobWorker], asked: int, *, within: float = 120) -> list[Body]:
        """Have workers work, and the chain add blocks, until so many transactions are at their ends."""
        async with asyncio.timeout(within):
            while True:
                await asyncio.gather(*(worker.run_due_once() for worker in workers))
                await self.dev.mine()
                found = await self.every()
                if sum(each["status"] in ENDS for each in found) >= asked:
                    return found
                await asyncio.sleep(0.2)


@asynccontextmanager
async def dev_till(
    stack: Stack, dev: DevChain, *, wei: int = 10 * ETHER, confirmations: int = 2, actor: Actor | None = None
) -> AsyncIterator[DevTill]:
    """Give an organization, by default one of its own, a wallet whose key nobody has seen, and coins."""
    actor, id = actor or await stack.organization(), WalletId(stack.ids.new())
    kept = Keystore(WALLET_KEY).create(actor.organization_id, id)
    wallet = Wallet.create(
        id=id, organization_id=actor.organization_id, chain_id=dev.chain_id, address=kept.address,
        signer=WalletSigner.KEYSTORE, sealed_key=kept.sealed, now=stack.clock.now(),
    )  # fmt: skip
    async with stack.units(actor, use_case="tests.make", request_id=str(uuid4())) as uow:
        uow.wallets.add(wallet)
        await uow.commit()
    await dev.send(kept.address, value=wei)
    chains = some_chains(dev, confirmations)
    try:
        yield DevTill(stack, actor, wallet, dev, chains)
    finally:
        await chains.close()
