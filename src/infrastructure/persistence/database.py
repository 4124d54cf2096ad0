"""A database: its engine, its dialect's statements and its transactions."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from time import perf_counter
from typing import cast
from uuid import UUID

from sqlalchemy import Dialect, Engine, Executable, PoolProxiedConnection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from domain.shared.like import ilike_matches, like_matches
from infrastructure.observability.metrics import Metrics
from infrastructure.observability.watch import Watch
from infrastructure.persistence.connecting import postgres_engine
from infrastructure.persistence.errors import PoolExhausted, translate
from infrastructure.persistence.matches import json_contains, json_has
from infrastructure.persistence.pool import (
    CONNECT_SECONDS,
    FIRST_ANSWER_SECONDS,
    Driver,
    Pool,
    naming_refusals,
    raw_connection,
)
from infrastructure.persistence.reach import database_breaker, reaching
from infrastructure.persistence.settled import settled
from infrastructure.persistence.statement import Params, Statement
from infrastructure.persistence.transaction import PostgresTransaction, Rows, SqliteTransaction, Transaction, begin
from infrastructure.resilience.breaker import Breaker
from infrastructure.resilience.breakers import Breakers
from infrastructure.settings_rules import is_pooled, is_sqlite

POOL_TIMEOUT_SECONDS = 0.5
DEADLINE_SECONDS = 8.0
SQLITE_TURN_SECONDS = 30.0


class Database:
    """One connection pool for one role. The statements compiled for its dialect are kept with it."""

    def __init__(
        self, url: str, *, pool_size: int = 10, pool_timeout: float = POOL_TIMEOUT_SECONDS,
        deadline: float = DEADLINE_SECONDS, watch: Watch | None = None, breaker: Breaker | None = None,
    ) -> None:  # fmt: skip
        """Accept ``postgresql://…`` or ``sqlite:///…``; nothing connects yet.

        ``deadline`` bounds one statement from our side, for a PostgreSQL too ill to keep its own timeouts. ``watch``
        hears of every statement. Roles on one server are to share a ``breaker``.
        """
        self.watch = watch or Watch(Metrics())
        self.engine = _engine(url, pool_size, deadline)
        self.watch.system = self.engine.dialect.name
        self.is_postgres = self.engine.dialect.name == "postgresql"
        self.is_pooled = is_pooled(url)
        self.breaker = breaker or database_breaker(Breakers())
        self._pool = Pool(self.engine, pool_size, pool_timeout, self.breaker, self.watch.pool)
        self._first_answer = min(deadline, FIRST_ANSWER_SECONDS)
        self._statements: dict[Hashable, Statement] = {}
        self._writing = asyncio.Lock()

    @property
    def dialect(self) -> Dialect:
        """Return the dialect statements are compiled for."""
        return self.engine.dialect

    def prepare(self, key: Hashable, build: Callable[[], Executable]) -> Statement:
        """Return the statement kept under ``key``, building and compiling it the first time."""
        statement = self._statements.get(key)
        if statement is None:
            statement = self._statements[key] = Statement(build(), self.dialect)
        return statement

    async def begin(self, organization_id: UUID, person: UUID | None = None, *, read_only: bool = False) -> Transaction:
        """Open a transaction of one tenant, in the name of a person if one is given.

        Raises:
            Unavailable: the pool is exhausted or the database does not answer.
        """
        if not self.is_postgres:
            return await self._begin_sqlite(read_only=read_only)
        return await self._begin_postgres(organization_id, person, read_only=read_only)

    async def _begin_postgres(self, organization_id: UUID, person: UUID | None, *, read_only: bool) -> Transaction:
        beginning = begin(organization_id, person, read_only=read_only)
        pooled, _ = await self._pool.take(lambda driver: driver.execute(beginning, timeout=self._first_answer))
        return PostgresTransaction(self._pool, pooled, self.watch, organization_id)

    async def _begin_sqlite(self, *, read_only: bool) -> Transaction:
        leave = None if read_only else await self._turn_to_write()
        try:
            connection = await _connect(self.engine)
        except BaseException as error:
            if leave is not None:
                leave()
            if isinstance(error, Exception):
                raise translate(error) from error
            raise
        transaction = SqliteTransaction(connection, leave, self.watch)
        await transaction.begin(read_only=read_only)
        return transaction

    async def _turn_to_write(self) -> Callable[[], None]:
        """Wait in line: SQLite itself lets whoever asks at the right moment pass, and others wait till they give up."""
        try:
            async with asyncio.timeout(SQLITE_TURN_SECONDS):
                await self._writing.acquire()
        except TimeoutError:
            raise PoolExhausted(retry_after=1) from None
        return self._writing.release

    @asynccontextmanager
    async def transaction(
        self, organization_id: UUID, person: UUID | None = None, *, read_only: bool = False
    ) -> AsyncIterator[Transaction]:
        """Open a transaction that commits at the end of the block and rolls back on any failure."""
        async with await self.begin(organization_id, person, read_only=read_only) as transaction:
            yield transaction

    async def rows(self, statement: Statement, params: Params, *, organization_id: UUID) -> Rows:
        """Run one statement in a transaction of its own."""
        async with self.transaction(organization_id) as transaction:
            return await transaction.rows(statement, params)

    async def read(
        self, statement: Statement, params: Params, *, organization_id: UUID, patience: float | None = None
    ) -> Rows:
        """Run one reading statement outside of any transaction: one round trip, and no tenant is set.

        What answers at once on a healthy server is taken for silence after three seconds; what may take longer has
        ``patience`` for as many as it is given.
        """
        if not self.is_postgres:
            async with self.transaction(organization_id, read_only=True) as transaction:
                return await transaction.rows(statement, params)
        arguments, seconds = statement.arguments(params), patience or self._first_answer

        async def ask(driver: Driver) -> Rows:
            started, count = perf_counter(), None
            try:
                rows = cast("Rows", await driver.fetch(statement.sql, *arguments, timeout=seconds))
                count = len(rows)
            finally:
                self.watch.statement_ran(statement, started, count, None)
            return rows

        pooled, rows = await self._pool.take(ask)
        self._pool.give_back(pooled)
        return rows

    async def connect(self) -> PoolProxiedConnection:
        """Make a connection to a PostgreSQL apart from the pool, for a worker that keeps it.

        Raises:
            DatabaseUnavailable: none can be made, or the server was out of reach a moment ago.
        """
        with reaching(self.breaker):
            return await raw_connection(self.engine)

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection apart from the pool, for questions that are asked rarely.

        Raises:
            DatabaseUnavailable: as :meth:`connect`; on SQLite SQLAlchemy's own errors.
        """
        async with AsyncExitStack() as stack:
            if self.is_postgres:
                with reaching(self.breaker), naming_refusals():
                    connection = await stack.enter_async_context(self.engine.connect())
            else:
                connection = await stack.enter_async_context(self.engine.connect())
            yield connection

    def pool_state(self) -> dict[str, int]:
        """Return how many connections are idle and in use, and on PostgreSQL how many takers wait for one."""
        if self.is_postgres:
            return self._pool.state()
        pool = self.engine.pool
        return {"idle": pool.checkedin(), "in_use": pool.checkedout()} if isinstance(pool, QueuePool) else {}

    async def dispose(self) -> None:
        """Close every pooled connection."""
        await self._pool.close()
        await self.engine.dispose()
        # aiosqlite and asyncpg close in callbacks of the loop; give them their turn.
        await asyncio.sleep(0)


async def _connect(engine: AsyncEngine) -> AsyncConnection:
    """Take a connection, in a task of its own: one that is just being made when its taker is cancelled would leak."""
    taking = asyncio.ensure_future(engine.connect().start())
    try:
        return await asyncio.shield(taking)
    except asyncio.CancelledError:
        # A second cancellation would leave it open: closing rolls back first, which waits for the driver's thread.
        await settled(_closed(taking))
        raise


async def _closed(taking: Awaitable[AsyncConnection]) -> None:
    with suppress(Exception):
        await (await taking).close()


def _engine(url: str, pool_size: int, deadline: float) -> AsyncEngine:
    if is_sqlite(url):
        engine = create_async_engine(
            make_url(url).set(drivername="sqlite+aiosqlite"), isolation_level="AUTOCOMMIT", hide_parameters=True,
            pool_size=pool_size, max_overflow=0, pool_timeout=SQLITE_TURN_SECONDS,
        )  # fmt: skip
        _prepare_sqlite(engine.sync_engine)
        return engine
    arguments = {
        "statement_cache_size": 1024, "timeout": CONNECT_SECONDS, "command_timeout": deadline,
        "server_settings": {"application_name": "stoa"},
    }  # fmt: skip
    # The driver's jsonb codec hands the text on; it is decoded only where it is used.
    return postgres_engine(url, arguments, json_deserializer=lambda text: text, isolation_level="AUTOCOMMIT")


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=5000", "synchronous=NORMAL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        for name, arity, function in (
            ("stoa_like", 2, _two_valued(like_matches)),
            ("stoa_ilike", 2, _two_valued(ilike_matches)),
            ("stoa_json_contains", 2, _two_valued(json_contains)),
            ("stoa_json_has", 2, _two_valued(json_has)),
        ):
            connection.create_function(name, arity, function, deterministic=True)


def _two_valued(function: Callable[[str, str], bool]) -> Callable[[str | None, str | None], int]:
    def call(first: str | None, second: str | None) -> int:
        return int(first is not None and second is not None and function(first, second))

    return call


SQLITE_MINIMUM = (3, 35)
if sqlite3.sqlite_version_info < SQLITE_MINIMUM:  # pragma: no cover - no supported Python ships one that old
    raise RuntimeError("SQLite 3.35 or newer is required (RETURNING)")
