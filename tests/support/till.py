"""A wallet that sends on a chain in memory, and a worker that can be taken step by step."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import Self, cast
from uuid import UUID, uuid4

from application.kernel.actor import Actor
from application.kernel.dispatcher import IDispatch
from application.wallets.ports import IChain, IChains
from application.wallets.sending import Sending
from application.wallets.signing_ports import ISigner
from application.wallets.transaction_jobs import SEND
from domain.shared.evm_types import Address
from domain.shared.ids import OrganizationId, WalletId, WalletTransactionId, decode_id, encode_id
from domain.wallets.wallet import Limits, Wallet, WalletSigner
from infrastructure.workers.jobs import JobWorker
from tests.support.model_chain import ETHER, ModelChain, ModelChains, ModelSigner
from tests.support.stack import Body, Stack
from tests.support.world_wallets import an_address

SOMEBODY = "0x8617E340B3D01FA5F11F306F4090FD50E238070D"


class Died(BaseException):
    """The worker's process ended here."""


class Fate:
    """Ends a worker at its n-th call of the outside world: before the call, or after it and before anybody knows."""

    def __init__(self, at: int, *, after: bool) -> None:
        self._calls, self._at, self._after = itertools.count(1), at, after
        self.met = False

    async def follow[T](self, call: Callable[[], Awaitable[T]]) -> T:
        """Make the call, or die."""
        dies = next(self._calls) == self._at
        self.met |= dies
        if dies and not self._after:
            raise Died
        answer = await call()
        if dies:
            raise Died
        return answer


class Mortal:
    """Whoever is called, with every call as dangerous as fate has it."""

    def __init__(self, called: object, fate: Fate) -> None:
        self._called, self._fate = called, fate

    def __getattr__(self, name: str) -> object:
        found = getattr(self._called, name)
        if not callable(found):
            return found
        return lambda *args, **kwargs: self._fate.follow(lambda: found(*args, **kwargs))

    async def __call__(self, *args: object) -> object:
        return await self._fate.follow(lambda: cast("Callable[..., Awaitable[object]]", self._called)(*args))


class Jittery:
    """Whoever is called, after a moment that nobody can foresee."""

    def __init__(self, called: object) -> None:
        self._called = called

    def __getattr__(self, name: str) -> object:
        found = getattr(self._called, name)
        if not callable(found):
            return found

        async def later(*args: object, **kwargs: object) -> object:
            await asyncio.sleep(random.uniform(0, 0.004))
            return await found(*args, **kwargs)

        return later


class Till:
    """One organization with one wallet that signs, and what it is told to do."""

    def __init__(self, stack: Stack, actor: Actor, wallet: Wallet, chain: ModelChain) -> None:
        self.stack, self.actor, self.wallet, self.chain = stack, actor, wallet, chain
        self.wallet_id = encode_id("wal", wallet.id)
        self.signer: ISigner = ModelSigner()

    @classmethod
    async def open(
        cls, stack: Stack, chain: ModelChain | None = None, *, funds: int = 10 * ETHER,
        signer: WalletSigner = WalletSigner.KEYSTORE, verified: bool = True, limits: Limits | None = None,
    ) -> Self:  # fmt: skip
        """Open an organization with a wallet that has coins."""
        actor, chain = await stack.organization(), chain or ModelChain()
        now = stack.clock.now()
        wallet = Wallet.create(
            id=WalletId(stack.ids.new()), organization_id=actor.organization_id, chain_id=chain.chain_id,
            address=Address(an_address().lower()), signer=signer, limits=limits or Limits(), now=now,
            sealed_key="v1.sealed" if signer is WalletSigner.KEYSTORE else None,
        )  # fmt: skip
        if verified:
            wallet.verify(now)
        async with stack.units(actor, use_case="tests.make", request_id=str(uuid4())) as uow:
            uow.wallets.add(wallet)
            await uow.commit()
        chain.funds[wallet.address] = funds
        return cls(stack, actor, wallet, chain)

    async def ask(self, value: int = 1000, **fields: object) -> Body:
        """Ask for coins to be sent."""
        given = {"id": self.wallet_id, "to": SOMEBODY, "value": str(value), **fields}
        return await self.stack.run("wallets.send_transaction", self.actor, **given)

    async def look(self, asked: Body) -> Body:
        """Return a transaction as it is now."""
        return await self.stack.run("wallet_transactions.get", self.actor, id=asked["id"])

    async def all(self) -> list[Body]:
        """Return all of the wallet's transactions, the first nonce first."""
        listed = await self.stack.run("wallet_transactions.list", self.actor, limit=100, status=None)
        return sorted(cast("list[Body]", listed["data"]), key=lambda each: cast("int", each["nonce"] or 0))

    def sending(self, fate: Fate | None = None, kind: type[Sending] = Sending) -> Sending:
        """Return a worker, perhaps one that will die."""
        chains, signer, dispatch = ModelChains(self.chain), self.signer, cast("IDispatch", self.stack.dispatcher)
        if fate is not None:
            chains = ModelChains(cast("IChain", Mortal(self.chain, fate)))
            signer, dispatch = cast("ISigner", Mortal(signer, fate)), cast("IDispatch", Mortal(dispatch, fate))
        return kind(self.stack.units, dispatch, chains, signer)

    async def work(self, asked: Body, fate: Fate | None = None, kind: type[Sending] = Sending) -> Body:
        """Do what can be done about a transaction now, and return it."""
        id = WalletTransactionId(decode_id("tx", str(asked["id"])))
        await self.sending(fate, kind).send(self.actor.organization_id, id)
        return await self.look(asked)

    async def finish(self, asked: Body, *, rounds: int = 12) -> Body:
        """Work and add blocks until the end."""
        for _ in range(rounds):
            found = await self.work(asked)
            if found["status"] in ("confirmed", "reverted", "replaced", "failed"):
                return found
            self.chain.mine()
        raise AssertionError("it never ended")

    def jobs(self, chains: IChains | None = None) -> JobWorker:
        """Return a worker that takes jobs from the database, as real ones do."""
        sending = Sending(self.stack.units, self.stack.dispatcher, chains or ModelChains(self.chain), self.signer)
        handler = cast("Callable[[OrganizationId, UUID], Awaitable[None]]", sending.send)
        return JobWorker(self.stack.relay_database, {SEND: handler}, clock=self.stack.clock)
