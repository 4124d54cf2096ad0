"""The pool of PostgreSQL connections.

SQLAlchemy makes them, with its codecs and dialect; keeping them is ours, because its pool is entered through a
greenlet, which costs a single-statement transaction more than all of its own Python. Taking and giving back here
are a list and a counter.
"""

import asyncio
import time

import asyncpg
from attrs import define
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.persistence.errors import ConnectionLost, DatabaseUnavailable, PoolExhausted, translate

RECYCLE_SECONDS = 1800.0
_FAREWELL_SECONDS = 2.0


@define(eq=False)
class Pooled:
    """One connection: the driver's own, and SQLAlchemy's proxy of it for ORM sessions."""

    driver: "asyncpg.Connection[asyncpg.Record]"
    proxy: PoolProxiedConnection
    made_at: float


class Pool:
    """At most ``size`` connections, the last one given back first."""

    def __init__(self, engine: AsyncEngine, size: int, timeout: float) -> None:
        """Connect nothing yet; a taker waits at most ``timeout`` seconds for a free connection."""
        self._engine = engine
        self._timeout = timeout
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Pooled] = []
        self._in_use = 0
        self.size = size

    def state(self) -> dict[str, int]:
        """Return how many connections are idle and in use."""
        return {"idle": len(self._idle), "in_use": self._in_use}

    async def take(self) -> Pooled:
        """Return a connection that is the caller's until it is given back or discarded.

        Raises:
            PoolExhausted: none came free in time.
            DatabaseUnavailable: a new one could not be made.
        """
        if self._slots.locked():
            await self._wait()
        else:
            await self._slots.acquire()
        self._in_use += 1
        oldest = time.monotonic() - RECYCLE_SECONDS
        while self._idle:
            pooled = self._idle.pop()
            if not pooled.driver.is_closed() and pooled.made_at > oldest:
                return pooled
            pooled.driver.terminate()
        try:
            return await self._connect()
        except BaseException:
            self._leave()
            raise

    def give_back(self, pooled: Pooled) -> None:
        """Keep a connection whose transaction has surely ended."""
        self._idle.append(pooled)
        self._leave()

    def discard(self, pooled: Pooled) -> None:
        """Drop a connection whose state is unknown; the server undoes what it had not committed."""
        pooled.driver.terminate()
        self._leave()

    async def close(self) -> None:
        """Close what is idle. One that died meanwhile, or says nothing for seconds, is dropped."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_close(pooled.driver) for pooled in idle))

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise PoolExhausted(retry_after=1) from None

    def _leave(self) -> None:
        self._in_use -= 1
        self._slots.release()

    async def _connect(self) -> Pooled:
        """Connect in a task of its own: a connection just being made when its taker is cancelled would leak."""
        making = asyncio.ensure_future(self._make())
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(_terminate)
            raise

    async def _make(self) -> Pooled:
        try:
            proxy = await self._engine.raw_connection()
        except Exception as error:
            named = translate(error)
            # That no connection can be made is an outage, which trying again at once would not end.
            raise (DatabaseUnavailable(retry_after=1) if isinstance(named, ConnectionLost) else named) from error
        driver = proxy.driver_connection
        if not isinstance(driver, asyncpg.Connection):
            raise TypeError("the engine must use asyncpg")
        proxy.detach()
        return Pooled(driver, proxy, time.monotonic())


def _terminate(making: "asyncio.Future[Pooled]") -> None:
    if not making.cancelled() and making.exception() is None:
        making.result().driver.terminate()


async def _close(driver: "asyncpg.Connection[asyncpg.Record]") -> None:
    try:
        await driver.close(timeout=_FAREWELL_SECONDS)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the others are to be closed
        driver.terminate()
