"""Writers through the dispatcher that never give up, and know what was acknowledged to them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from uuid import uuid4

import asyncpg

from application.kernel.actor import Actor
from application.kernel.idempotency import IdempotencyInProgress
from domain.shared.errors import Unavailable
from tests.support.stack import Stack

_FINISHES_WITHIN = 60.0


@dataclass
class Writers:
    """Tasks that create products, and keep who was promised what and when."""

    stack: Stack
    actor: Actor
    acknowledged: dict[str, str] = field(default_factory=dict)
    failures: int = 0
    stopping: bool = False
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self) -> None:
        """Create one product after the other until told to stop, and the last one until it is acknowledged."""
        while not self.stopping:
            key = str(uuid4())
            made = None
            while made is None:
                try:
                    made = await self.stack.run_once(
                        key, "products.create", self.actor, name="Beans", sku=None, description="", metadata={}
                    )
                except (Unavailable, IdempotencyInProgress):
                    self.failures += 1
                    await asyncio.sleep(0.01)
            self.acknowledged[key] = str(made["id"])
            self._bell.set()

    def stop(self) -> None:
        """Begin nothing new."""
        self.stopping = True

    async def next_acknowledgement(self, *, within: float) -> float:
        """Return the seconds until something is acknowledged from now on."""
        now = perf_counter()
        self._bell.clear()
        async with asyncio.timeout(within):
            await self._bell.wait()
        return perf_counter() - now


@asynccontextmanager
async def at_work(tasks: Iterable[Coroutine[None, None, None]], stop: Callable[[], None]) -> AsyncIterator[None]:
    """Run tasks beside the block; then let them finish what they began, or end them when the block failed."""
    running = [asyncio.create_task(each) for each in tasks]
    try:
        yield
        stop()
        async with asyncio.timeout(_FINISHES_WITHIN):
            await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@asynccontextmanager
async def superuser(stack: Stack) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Connect to a core's database as the one who sees everything."""
    connection = await asyncpg.connect(stack.urls.superuser)
    try:
        yield connection
    finally:
        await connection.close()


async def drained(stack: Stack, *, within: float) -> None:
    """Wait until the relay has published everything."""
    async with superuser(stack) as connection, asyncio.timeout(within):
        while await connection.fetchval("SELECT count(*) FROM outbox"):  # noqa: ASYNC110 - the database has no bell
            await asyncio.sleep(0.05)
