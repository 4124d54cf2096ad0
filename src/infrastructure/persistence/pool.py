"""The pool of PostgreSQL connections.

SQLAlchemy makes them, with its codecs and dialect; keeping them is ours, because its pool is entered through a
greenlet, which costs a single-statement transaction more than all of its own Python. Taking and giving back here
are a list and a counter.

A connection is handed out with the answer to what was first said on it, so one that has died while it was idle is
found without a question of its own. While the server is out of reach nobody is kept waiting for it: one connection a
second is tried on the side, and whoever asks meanwhile is told so at once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import asyncpg
import structlog
from attrs import define
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.shared.errors import StoaError
from infrastructure.observability.pool_metrics import Dropped, PoolStatistics
from infrastructure.persistence.errors import (
    ConnectionLost,
    DatabaseSilent,
    DatabaseUnavailable,
    DatabaseUnreachable,
    PoolExhausted,
    translate,
)
from infrastructure.persistence.reach import reaching
from infrastructure.resilience.breaker import Breaker, BreakerState

CONNECT_SECONDS = 3.0
# More than the two seconds that a first statement may wait for a lock, after which the server answers.
FIRST_ANSWER_SECONDS = 3.0
# More than the five seconds after which the server gives a statement up by itself.
STATEMENT_SECONDS = 6.0
RECYCLE_SECONDS = 1800.0
# After this long a firewall may have forgotten the connection without telling either end.
IDLE_SECONDS = 30.0
_PING_SECONDS = 1.0
_FAREWELL_SECONDS = 2.0
_log = structlog.get_logger("stoa.database")

type Driver = asyncpg.Connection[asyncpg.Record]
type Greeting[T] = Callable[[Driver], Awaitable[T]]
"""What is first said on a connection."""


@define(eq=False)
class Pooled:
    """One connection: the driver's own, and SQLAlchemy's proxy of it for ORM sessions."""

    driver: Driver
    proxy: PoolProxiedConnection
    made_at: float
    idle_since: float


class Pool:
    """At most ``size`` connections, the last one given back first."""

    def __init__(
        self, engine: AsyncEngine, size: int, timeout: float, breaker: Breaker, statistics: PoolStatistics
    ) -> None:
        """Connect nothing yet; a taker waits at most ``timeout`` seconds for a free connection."""
        self._engine = engine
        self._timeout = timeout
        self._breaker = breaker
        self._statistics = statistics
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Pooled] = []
        self._in_use = 0
        self._waiting = 0
        self._probe: asyncio.Task[None] | None = None

    def state(self) -> dict[str, int]:
        """Return how many connections are idle and in use, and how many takers wait for one."""
        return {"idle": len(self._idle), "in_use": self._in_use, "waiting": self._waiting}

    async def take[T](self, greet: Greeting[T]) -> tuple[Pooled, T]:
        """Return a connection that is the caller's until it is given back or discarded, and its answer to ``greet``.

        Raises:
            PoolExhausted: none came free in time.
            DatabaseUnavailable: none answers, and no new one can be made.
            StoaError: whatever the greeting failed with.
        """
        if self._breaker.state is not BreakerState.CLOSED:
            self._try_on_the_side()
            raise DatabaseUnreachable(retry_after=1)
        return await self._take(greet)

    def give_back(self, pooled: Pooled) -> None:
        """Keep a connection whose transaction has surely ended."""
        pooled.idle_since = time.monotonic()
        self._idle.append(pooled)
        self._leave()

    def discard(self, pooled: Pooled) -> None:
        """Drop a connection whose state is unknown; the server undoes what it had not committed."""
        self._drop(pooled, Dropped.UNKNOWN_STATE)
        self._leave()

    async def close(self) -> None:
        """Close what is idle. One that died meanwhile, or says nothing for seconds, is dropped."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_close(pooled.driver) for pooled in idle))

    async def _take[T](self, greet: Greeting[T]) -> tuple[Pooled, T]:
        if self._slots.locked():
            await self._wait()
        else:
            await self._slots.acquire()
        self._in_use += 1
        try:
            with reaching(self._breaker):
                return await self._reach(greet)
        except BaseException:
            self._leave()
            raise

    async def _wait(self) -> None:
        began = time.monotonic()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._timeout):
                await self._slots.acquire()
        except TimeoutError:
            self._statistics.exhausted()
            raise PoolExhausted(retry_after=1) from None
        finally:
            self._waiting -= 1
            self._statistics.waited(time.monotonic() - began)

    def _leave(self) -> None:
        self._in_use -= 1
        self._slots.release()

    async def _reach[T](self, greet: Greeting[T]) -> tuple[Pooled, T]:
        while self._idle:
            pooled = self._idle.pop()
            if await self._is_fit(pooled):
                try:
                    return pooled, await self._greeted(pooled, greet)
                except DatabaseSilent:
                    raise
                except ConnectionLost:
                    continue  # It died while it was idle, so nothing has happened on it.
        pooled = await self._connect()
        return pooled, await self._greeted(pooled, greet)

    async def _is_fit(self, pooled: Pooled) -> bool:
        """Say whether a connection that was idle may be used; drop it otherwise."""
        now = time.monotonic()
        if pooled.driver.is_closed():
            self._drop(pooled, Dropped.BROKEN)
        elif now - pooled.made_at > RECYCLE_SECONDS:
            self._drop(pooled, Dropped.RECYCLED)
        elif now - pooled.idle_since < IDLE_SECONDS:
            return True
        else:
            with suppress(ConnectionLost):
                await self._greeted(pooled, _ping)
                return True
        return False

    async def _greeted[T](self, pooled: Pooled, greet: Greeting[T]) -> T:
        try:
            return await greet(pooled.driver)
        except Exception as error:
            pooled.driver.terminate()
            named = translate(error)
            self._statistics.dropped(Dropped.BROKEN if isinstance(named, ConnectionLost) else Dropped.UNKNOWN_STATE)
            if isinstance(named, DatabaseSilent):
                self._distrust_the_idle()
            raise named from error
        except BaseException:
            self._drop(pooled, Dropped.UNKNOWN_STATE)
            raise

    def _distrust_the_idle(self) -> None:
        """Drop all that are idle: they have been so for longer than one that turned out to be silent."""
        idle, self._idle = self._idle, []
        for pooled in idle:
            self._drop(pooled, Dropped.BROKEN)

    def _drop(self, pooled: Pooled, reason: Dropped) -> None:
        pooled.driver.terminate()
        self._statistics.dropped(reason)

    async def _connect(self) -> Pooled:
        """Connect in a task of its own: a connection just being made when its taker is cancelled would leak."""
        making = asyncio.ensure_future(self._make())
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await asyncio.shield(making)
        except TimeoutError:
            making.add_done_callback(_terminate)
            raise DatabaseUnreachable(retry_after=1) from None
        except asyncio.CancelledError:
            making.add_done_callback(_terminate)
            raise

    async def _make(self) -> Pooled:
        try:
            proxy = await raw_connection(self._engine)
            driver = driver_of(proxy)
            proxy.detach()
        except StoaError:
            self._statistics.connected(ok=False)
            raise
        self._statistics.connected(ok=True)
        now = time.monotonic()
        return Pooled(driver, proxy, now, now)

    def _try_on_the_side(self) -> None:
        if self._probe is None and self._breaker.admits and not self._slots.locked():
            self._probe = asyncio.create_task(self._try())

    async def _try(self) -> None:
        """Be the one call that a breaker lets through after its rest; what comes of it is for everybody."""
        try:
            pooled, _ = await self._take(_ping)
            self.give_back(pooled)
        except DatabaseUnavailable as error:
            _log.debug("database_still_away", code=error.code)
        finally:
            self._probe = None


async def raw_connection(engine: AsyncEngine) -> PoolProxiedConnection:
    """Make a connection; it fails as :func:`naming_refusals` says."""
    try:
        with naming_refusals():
            return await engine.raw_connection()
    except DatabaseUnavailable as error:
        _log.warning("database_connection_failed", code=error.code, error=type(error.__cause__).__name__)
        raise


@contextmanager
def naming_refusals() -> Iterator[None]:
    """Make a connection in the block.

    Raises:
        DatabaseUnreachable: that is an outage, which trying again at once would not end.
        DatabaseUnavailable: the server is there, and takes no connection of ours.
    """
    try:
        yield
    except Exception as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> DatabaseUnavailable:
    try:
        named = translate(error)
    except asyncpg.PostgresError:
        named = None
    if isinstance(named, ConnectionLost):
        return DatabaseUnreachable(retry_after=1)
    # A password, a role or a database that is not there any more: for whoever asks now it is unavailable.
    return named if isinstance(named, DatabaseUnavailable) else DatabaseUnavailable(retry_after=1)


def driver_of(proxy: PoolProxiedConnection) -> Driver:
    """Return asyncpg's connection inside SQLAlchemy's."""
    driver = proxy.driver_connection
    if not isinstance(driver, asyncpg.Connection):
        raise TypeError("the engine must use asyncpg")
    return driver


async def _ping(driver: Driver) -> None:
    await driver.execute("SELECT 1", timeout=_PING_SECONDS)


def _terminate(making: "asyncio.Future[Pooled]") -> None:
    if not making.cancelled() and making.exception() is None:
        making.result().driver.terminate()


async def _close(driver: Driver) -> None:
    try:
        await driver.close(timeout=_FAREWELL_SECONDS)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the others are to be closed
        driver.terminate()
