"""A worker's own connection: pinned, without a tenant, and with what only a session can hold.

Leadership is a session's advisory lock, so it ends with the connection and never outlives the process. On SQLite,
which is for one process, every statement is a short transaction of its own and everybody leads.
"""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from time import perf_counter
from typing import cast

from sqlalchemy import BigInteger, Executable, PoolProxiedConnection, SelectBase, bindparam, func, select
from sqlalchemy.util import greenlet_spawn

from application.kernel.actor import NOWHERE
from infrastructure.persistence.database import Database
from infrastructure.persistence.errors import translate
from infrastructure.persistence.pool import driver_of
from infrastructure.persistence.settled import settled
from infrastructure.persistence.statement import Params, Statement
from infrastructure.persistence.transaction import Rows, Transaction

# The server's own limits end a statement earlier; this one is for a server that no longer answers.
_ANSWER_SECONDS = 10.0
_FAREWELL_SECONDS = 2.0


class WorkerConnection(ABC):
    """One connection of a worker role. A broken one raises ConnectionLost, and is of no use from then on."""

    @abstractmethod
    async def rows(self, statement: Statement, params: Params) -> Rows:
        """Run one statement, inside the open transaction if there is one."""

    @abstractmethod
    async def many(self, statement: Statement, params: Sequence[Params]) -> None:
        """Run one statement for many sets of values, all or none."""

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[None]:
        """Open a transaction that commits at the end of the block and rolls back on any failure."""

    @abstractmethod
    async def try_lead(self, lock_key: int) -> bool:
        """Take the lead until the connection closes, unless another session has it. To be asked once it failed only."""

    @abstractmethod
    async def listen(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call back with what is said whenever somebody notifies the channel."""

    @abstractmethod
    async def close(self) -> None:
        """Give up the lead and the connection."""


@asynccontextmanager
async def connected(database: Database) -> AsyncIterator[WorkerConnection]:
    """Open a connection and surely close it.

    Raises:
        Unavailable: the database does not answer, or breaks the connection later.
    """
    connection = await _connect(database)
    try:
        yield connection
    finally:
        await settled(connection.close())


async def _connect(database: Database) -> WorkerConnection:
    if not database.is_postgres:
        return _SqliteConnection(database)
    return _PostgresConnection(database, await database.connect())


class _PostgresConnection(WorkerConnection):
    """Statements on the asyncpg connection itself, in autocommit outside of :meth:`transaction`."""

    def __init__(self, database: Database, pooled: PoolProxiedConnection) -> None:
        self._database = database
        self._pooled = pooled
        self._driver = driver_of(pooled)

    async def rows(self, statement: Statement, params: Params) -> Rows:
        started, count = perf_counter(), None
        try:
            found = await self._driver.fetch(statement.sql, *statement.arguments(params), timeout=_ANSWER_SECONDS)
            count = len(found)
        except Exception as error:
            raise translate(error) from error
        finally:
            self._database.watch.statement_ran(statement, started, count, None)
        return cast("Rows", found)

    async def many(self, statement: Statement, params: Sequence[Params]) -> None:
        arguments = [statement.arguments(each) for each in params]
        started, count = perf_counter(), None
        try:
            await self._driver.executemany(statement.sql, arguments, timeout=_ANSWER_SECONDS)
            count = len(arguments)
        except Exception as error:
            raise translate(error) from error
        finally:
            self._database.watch.statement_ran(statement, started, count, None)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        await self._execute("BEGIN")
        try:
            yield
        except BaseException:
            # If this fails as well the connection is gone, and the transaction with it.
            with suppress(Exception):
                await self._execute("ROLLBACK")
            raise
        await self._execute("COMMIT")

    async def _execute(self, sql: str) -> None:
        try:
            await self._driver.execute(sql, timeout=_ANSWER_SECONDS)
        except Exception as error:
            raise translate(error) from error

    async def try_lead(self, lock_key: int) -> bool:
        found = await self.rows(self._database.prepare("try-lead", _try_lead), {"lock_key": lock_key})
        return bool(found[0][0])

    async def listen(self, channel: str, callback: Callable[[str], None]) -> None:
        try:
            await self._driver.add_listener(channel, lambda *heard: callback(heard[-1]))
        except Exception as error:
            raise translate(error) from error

    async def close(self) -> None:
        """Return the connection as new to its pool: locks released, listeners gone; a broken one is thrown away."""
        try:
            await self._driver.reset(timeout=_FAREWELL_SECONDS)
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is not to be used again
            self._driver.terminate()
            await greenlet_spawn(self._pooled.invalidate)
        await greenlet_spawn(self._pooled.close)


class _SqliteConnection(WorkerConnection):
    """Short transactions from the pool, so that the one writer of SQLite is never kept waiting."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: Transaction | None = None

    async def rows(self, statement: Statement, params: Params) -> Rows:
        if self._open is not None:
            return await self._open.rows(statement, params)
        read_only = isinstance(statement.core, SelectBase)
        async with self._database.transaction(NOWHERE, read_only=read_only) as transaction:
            return await transaction.rows(statement, params)

    async def many(self, statement: Statement, params: Sequence[Params]) -> None:
        if self._open is not None:
            await self._open.many(statement, params)
            return
        async with self._database.transaction(NOWHERE) as transaction:
            await transaction.many(statement, params)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        async with self._database.transaction(NOWHERE) as transaction:
            self._open = transaction
            try:
                yield
            finally:
                self._open = None

    async def try_lead(self, lock_key: int) -> bool:  # noqa: ARG002 - there is nobody to compete with
        return True

    async def listen(self, channel: str, callback: Callable[[str], None]) -> None:
        """Do nothing: SQLite notifies nobody."""

    async def close(self) -> None:
        """Do nothing: no connection is kept."""


def _try_lead() -> Executable:
    return select(func.pg_try_advisory_lock(bindparam("lock_key", type_=BigInteger())))


class Backoff:
    """Pauses that double from 50 ms up to a limit, jittered so that several workers do not come back together."""

    def __init__(self, limit: float = 5.0, first: float = 0.05) -> None:
        """Take both in seconds."""
        self._limit = limit
        self._first = first
        self._failures = 0

    def reset(self) -> None:
        """Begin with the shortest pause again: something worked."""
        self._failures = 0

    def next(self) -> float:
        """Return the seconds to pause after one more failure."""
        pause = min(self._limit, self._first * (1 << min(self._failures, 30)))
        self._failures += 1
        return pause * random.uniform(0.5, 1)  # noqa: S311 - jitter needs no cryptography

    async def sleep(self) -> None:
        """Pause."""
        await asyncio.sleep(self.next())
