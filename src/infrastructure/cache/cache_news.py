"""What commits change, told to the cache of this process at once and to those of other processes soon after.

As with wake-ups, no commit waits for it: a transaction that notifies takes a lock of the whole database. A process that
is killed between a commit and the note of it leaves the others' answers as they are, until they are too old anyway.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import batched
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Executable, bindparam, func, select

from application.kernel.query_cache import IChanges, Touched
from domain.shared.errors import StoaError, Unavailable
from infrastructure.cache.query_cache import QueryCache
from infrastructure.persistence.database import Database
from infrastructure.persistence.types import text
from infrastructure.workers.connection import Backoff, WorkerConnection, connected
from infrastructure.workers.wakeup import DEBOUNCE_SECONDS, Wakeup

CHANNEL = "stoa_changes"
_BEAT_SECONDS = 1.0
_ECHO_SECONDS = 2.0
_FAREWELL_SECONDS = 2.0
# PostgreSQL takes 8,000 bytes, and one pair is an id and the name of an aggregate.
_PAIRS_EACH = 100
_log = structlog.get_logger("stoa.cache")


class CacheNews(IChanges):
    """One process's side of the exchange. The cache is open while it runs and hears itself."""

    def __init__(
        self, database: Database, cache: QueryCache, kinds: frozenset[str], *,
        counted: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        """Pass on what changes of these ``kinds``; ``counted`` hears whether changes were made here or elsewhere."""
        self._database = database
        self._cache = cache
        self._kinds = kinds
        self._counted = counted or _nobody
        self._origin = uuid4().hex
        self._pending: set[tuple[UUID, str]] = set()
        wakeup = Wakeup()
        self._ring, self._ear = wakeup.wake, wakeup.listen()
        self._echo = asyncio.Event()

    def begin(self, touched: Touched) -> None:
        """Keep nothing of it in this process while it is committed."""
        self._cache.begin(self._heeded(touched))

    def end(self, touched: Touched) -> None:
        """End what this process keeps, before whoever made the change is answered; the others hear of it."""
        told = self._heeded(touched)
        self._cache.end(told)
        if told:
            self._counted("here")
            self._pending |= told
            self._ring()

    def _heeded(self, touched: Touched) -> set[tuple[UUID, str]]:
        return {pair for pair in touched if pair[1] in self._kinds}

    async def run(self) -> None:
        """Tell and listen until cancelled. On SQLite there is one process only."""
        backoff = Backoff()
        while True:
            try:
                await self._exchange(backoff)
            except Unavailable as error:
                _log.warning("cache_news_unavailable", code=error.code)
            except TimeoutError:
                _log.warning("cache_hears_nothing", hint="LISTEN does not pass a pooler in transaction mode")
            finally:
                self._cache.close()
            await backoff.sleep()

    async def settle(self) -> None:
        """Tell what nobody was told yet; a process that ends says it to the others."""
        if not self._pending or not self._database.is_postgres:
            return
        with suppress(StoaError, TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS), connected(self._database) as connection:
                await self._send(connection)

    async def _exchange(self, backoff: Backoff) -> None:
        if not self._database.is_postgres:
            self._cache.open()
            await asyncio.Event().wait()
        async with connected(self._database) as connection:
            await connection.listen(CHANNEL, self._hear)
            await self._tell(connection)
            self._cache.open()
            while True:
                backoff.reset()
                await self._ear.wait(_BEAT_SECONDS)
                await self._tell(connection)
                await asyncio.sleep(DEBOUNCE_SECONDS)

    async def _tell(self, connection: WorkerConnection) -> None:
        """Send what is pending, or that we are still here, and hear it ourselves: else we would not hear others."""
        self._echo.clear()
        await self._send(connection)
        async with asyncio.timeout(_ECHO_SECONDS):
            await self._echo.wait()

    async def _send(self, connection: WorkerConnection) -> None:
        notify = self._database.prepare("cache-news", _notify)
        # Emptied before sending: what is changed again meanwhile has to be told again.
        told, self._pending = self._pending, set()
        try:
            for payload in self._payloads(told):
                await connection.rows(notify, {"payload": payload})
        except BaseException:
            self._pending |= told
            raise

    def _payloads(self, told: Touched) -> Iterator[str]:
        if not told:
            yield self._origin
        for pairs in batched(sorted(told), _PAIRS_EACH):
            yield " ".join([self._origin, *(f"{organization_id.hex}:{kind}" for organization_id, kind in pairs)])

    def _hear(self, payload: str) -> None:
        origin, *pairs = payload.split()
        if origin == self._origin:
            self._echo.set()
        elif pairs:
            self._cache.changed({(UUID(id_), kind) for id_, _, kind in (pair.partition(":") for pair in pairs)})
            self._counted("elsewhere")


def _nobody(_: object) -> None:
    """Count nothing."""


def _notify() -> Executable:
    return select(func.pg_notify(CHANNEL, bindparam("payload", type_=text())))
