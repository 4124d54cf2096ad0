"""Waking workers at once, inside a process and across processes, so that polling is only a safety net."""

import asyncio

import structlog
from sqlalchemy import Executable, func, select

from domain.shared.errors import Unavailable
from infrastructure.persistence.database import Database
from infrastructure.workers.connection import Backoff, connected

CHANNEL = "stoa_outbox"
DEBOUNCE_SECONDS = 0.02
_log = structlog.get_logger("stoa.workers")


class Ear:
    """One worker's side of a :class:`Wakeup`; it remembers a call that came while the worker was busy."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """End the present or the next wait."""
        self._rung.set()

    async def wait(self, seconds: float | None) -> bool:
        """Wait for a call, at most so long (None: for ever), and say whether it came."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class Wakeup:
    """A bell for any number of workers of one process. Everything happens in the event loop's thread."""

    def __init__(self) -> None:
        self._ears: list[Ear] = []

    def listen(self) -> Ear:
        """Return a listener of its own, for as long as the bell exists."""
        self._ears.append(Ear())
        return self._ears[-1]

    def wake(self) -> None:
        """Wake all; cheap enough for every commit."""
        for ear in self._ears:
            ear.ring()


class Notifier:
    """Tells the workers of other processes of this one's commits, at most once every 20 ms.

    A transaction that notifies takes a lock of the whole database while it commits, so the commits themselves never
    do; this sends from a connection of its own. A notification that is lost costs the second until the next poll.
    """

    def __init__(self, database: Database, wakeup: Wakeup) -> None:
        self._database = database
        self._ear = wakeup.listen()

    async def run(self) -> None:
        """Pass calls on until cancelled; on SQLite there is nobody to tell."""
        backoff = Backoff()
        while self._database.is_postgres:
            try:
                await self._pass_on(backoff)
            except Unavailable as error:
                _log.warning("notifier_unavailable", code=error.code)
            await backoff.sleep()
        await asyncio.Event().wait()

    async def _pass_on(self, backoff: Backoff) -> None:
        notify = self._database.prepare("notify", _notify)
        async with connected(self._database) as connection:
            while True:
                await self._ear.wait(None)
                await connection.rows(notify, {})
                backoff.reset()
                await asyncio.sleep(DEBOUNCE_SECONDS)


def _notify() -> Executable:
    return select(func.pg_notify(CHANNEL, ""))
