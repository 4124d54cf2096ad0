"""The loop of a worker that may only run once: lead or stand by, one pass per wake-up, start over when cut off."""

import asyncio
from abc import ABC, abstractmethod
from typing import ClassVar

import structlog

from domain.shared.errors import Unavailable
from infrastructure.persistence.database import Database
from infrastructure.workers.connection import Backoff, WorkerConnection, connected
from infrastructure.workers.wakeup import CHANNEL, Wakeup

POLL_SECONDS = 1.0


class Leader(ABC):
    """One worker of a kind among all processes: the one whose session holds the kind's advisory lock.

    The pass runs on that very session: a leader that is cut off can no longer write, whoever leads by then.
    """

    name: ClassVar[str]
    lock_key: ClassVar[int]

    def __init__(self, database: Database, wakeup: Wakeup | None) -> None:
        self._database = database
        self._wakeup = wakeup or Wakeup()
        self._ear = self._wakeup.listen()
        self._leading: WorkerConnection | None = None
        self._turn = asyncio.Lock()
        self._log = structlog.get_logger("stoa.workers").bind(worker=self.name)

    @property
    def leading(self) -> bool:
        """Whether this worker is the active one."""
        return self._leading is not None

    async def run(self) -> None:
        """Lead or stand by until cancelled. Whatever is unavailable is tried again, after at most five seconds."""
        backoff = Backoff()
        while True:
            try:
                async with connected(self._database) as connection:
                    await self._stay(connection, backoff)
            except Unavailable as error:
                self._log.warning("worker_unavailable", code=error.code, **error.details)
            await backoff.sleep()

    async def _once(self) -> int:
        """Make one pass, on a connection of its own unless :meth:`run` has one; nothing while another leads."""
        async with self._turn:
            if self._leading is not None:
                return await self._work(self._leading)
            async with connected(self._database) as connection:
                if not await connection.try_lead(self.lock_key):
                    return 0
                await self._elected(connection)
                return await self._work(connection)

    async def _stay(self, connection: WorkerConnection, backoff: Backoff) -> None:
        # All workers of a process share the bell, so the notifications this one hears wake the others too.
        await connection.listen(CHANNEL, lambda _: self._wakeup.wake())
        while not await connection.try_lead(self.lock_key):
            backoff.reset()
            await asyncio.sleep(POLL_SECONDS)
        async with self._turn:
            await self._elected(connection)
        self._leading = connection
        self._log.info("worker_leads")
        try:
            while True:
                async with self._turn:
                    await self._work(connection)
                backoff.reset()
                await self._ear.wait(POLL_SECONDS)
        finally:
            self._leading = None

    async def _elected(self, connection: WorkerConnection) -> None:  # noqa: B027 - most have nothing to prepare
        """Prepare to lead; another leader may have worked since the last time."""

    @abstractmethod
    async def _work(self, connection: WorkerConnection) -> int:
        """Do everything there is to do, and return how much it was."""
