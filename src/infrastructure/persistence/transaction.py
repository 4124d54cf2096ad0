"""One database transaction: how it begins, runs statements and surely ends.

Transactions belong to the unit of work, not to SQLAlchemy: the engine runs in AUTOCOMMIT and BEGIN, COMMIT
and ROLLBACK are sent here. Ending runs in a task of its own which is awaited even by a cancelled caller; a
connection whose end is unknown is terminated and leaves the pool.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Self, cast
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from application.kernel.idempotency import OutcomeUnknown
from domain.shared.errors import StoaError
from infrastructure.observability.watch import Watch
from infrastructure.persistence.errors import ConnectionLost, translate
from infrastructure.persistence.pool import Pool, Pooled
from infrastructure.persistence.settled import settled
from infrastructure.persistence.statement import Params, Statement

_ROLLBACK_SECONDS = 1.0

# Rows of both drivers are read by position; asyncpg's are no Sequence by type, only by behaviour.
type Rows = Sequence[Sequence[object]]


class Transaction(ABC):
    """An open transaction of one tenant. Every failure leaves it as a named Stoa error."""

    @abstractmethod
    async def rows(self, statement: Statement, params: Params) -> Rows:
        """Run one statement and return its rows, positionally."""

    @abstractmethod
    async def many(self, statement: Statement, params: Sequence[Params]) -> None:
        """Run one statement for many sets of values."""

    @abstractmethod
    async def set_tenant(self, organization_id: UUID, person: UUID | None = None) -> None:
        """Put the rest of the transaction under another tenant, and in the name of a person if one is given."""

    @abstractmethod
    async def take_time(self) -> None:
        """Let this transaction last for minutes."""

    @abstractmethod
    async def rollback(self) -> None:
        """Undo everything; never raises, because whatever failed before matters more."""

    @abstractmethod
    async def _commit(self) -> None:
        """Send COMMIT and give the connection back."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Commit at the end of the block, roll back on any failure."""
        await (self.commit() if kind is None else self.rollback())

    async def commit(self) -> None:
        """Commit.

        Raises:
            OutcomeUnknown: the connection broke before the answer came.
        """
        await settled(self._commit())


class PostgresTransaction(Transaction):
    """Statements on the pooled asyncpg connection itself: an ORM session would cost several times the query."""

    def __init__(self, pool: Pool, pooled: Pooled, watch: Watch, tenant: UUID) -> None:
        """Take over a connection on which a transaction of the tenant has begun."""
        self._watch = watch
        self._began = perf_counter()
        self._tenant = tenant
        self._pool = pool
        self._pooled = pooled
        self._driver = pooled.driver
        self._is_lost = False

    async def rows(self, statement: Statement, params: Params) -> Rows:
        started, count = perf_counter(), None
        try:
            rows = cast("Rows", await self._driver.fetch(statement.sql, *statement.arguments(params)))
            count = len(rows)
        except Exception as error:
            raise self._failed(error) from error
        finally:
            self._watch.statement_ran(statement, started, count, self._tenant)
        return rows

    def orm_session(self, engine: AsyncEngine) -> AsyncSession:
        """Return an ORM session inside this transaction, for reporting queries; closing it ends nothing.

        ``engine`` is the one the connection was made by.
        """
        return AsyncSession(AsyncConnection(engine, Connection(engine.sync_engine, connection=self._pooled.proxy)))

    async def many(self, statement: Statement, params: Sequence[Params]) -> None:
        started, count = perf_counter(), None
        try:
            await self._driver.executemany(statement.sql, [statement.arguments(p) for p in params])
            count = 0
        except Exception as error:
            raise self._failed(error) from error
        finally:
            self._watch.statement_ran(statement, started, count, self._tenant)

    async def set_tenant(self, organization_id: UUID, person: UUID | None = None) -> None:
        self._tenant = organization_id
        try:
            await self._driver.execute(f"{_JUDGED_HERE}; {_set_tenant(organization_id, person)}")
        except Exception as error:
            raise self._failed(error) from error

    async def take_time(self) -> None:
        """Lift the role's limit, which would end a whole file's import in the middle."""
        try:
            # A timer that runs is only stopped by zero; another value alone would leave it as it is.
            await self._driver.execute("SET LOCAL transaction_timeout = 0; SET LOCAL transaction_timeout = '15min'")
        except Exception as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> StoaError:
        named = translate(error)
        # Nothing more is sent to a connection that did not answer: a ROLLBACK would wait as long again.
        self._is_lost = self._is_lost or isinstance(named, ConnectionLost)
        return named

    async def rollback(self) -> None:
        """Undo everything. A cancelled ROLLBACK needs no waiting: the server does it when the connection is dropped."""
        self._watch.transaction_ended(self._began, "rollback")
        if self._is_lost:
            self._pool.discard(self._pooled)
            return
        try:
            # It waits for a cancelled statement before it to end, which a server that is ill never says.
            await self._driver.execute("ROLLBACK", timeout=_ROLLBACK_SECONDS)
        except BaseException as error:
            self._pool.discard(self._pooled)
            if isinstance(error, Exception):
                return
            raise
        self._pool.give_back(self._pooled)

    async def _commit(self) -> None:
        end = "failed"
        try:
            status = await self._driver.execute("COMMIT")
            end = "commit" if status == "COMMIT" else "rollback"
        except Exception as error:
            self._pool.discard(self._pooled)
            named = translate(error)
            raise (OutcomeUnknown() if isinstance(named, ConnectionLost) else named) from error
        finally:
            self._watch.transaction_ended(self._began, end)
        self._pool.give_back(self._pooled)
        if status != "COMMIT":
            # PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error.
            raise RuntimeError("a failed statement was swallowed before commit")


# What is only checked at the end is checked now: the triggers would not see this tenant's rows from another one.
_JUDGED_HERE = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"


def begin(organization_id: UUID, person: UUID | None, *, read_only: bool) -> str:
    """Return what begins a transaction, and sets the tenant and the person in the same message, one round trip."""
    return f"BEGIN{' READ ONLY' if read_only else ''}; {_set_tenant(organization_id, person)}"


def _set_tenant(organization_id: UUID, person: UUID | None) -> str:
    # Formatted from the 128-bit integers, so that nothing but a UUID can ever reach the text.
    tenant = f"SET LOCAL app.organization_id = '{UUID(int=organization_id.int)}'"
    return tenant if person is None else f"{tenant}; SET LOCAL app.user_id = '{UUID(int=person.int)}'"


class SqliteTransaction(Transaction):
    """The portable path: Core statements through SQLAlchemy, which converts values for SQLite.

    Statements are short there and run to their end even for a cancelled caller: one that is abandoned in its thread
    leaves a connection that is closed only when the garbage collector finds it, and holds the write lock until then.
    """

    def __init__(self, connection: AsyncConnection, leave: Callable[[], None] | None, watch: Watch) -> None:
        """Take an open AUTOCOMMIT connection, and what ends this writer's turn."""
        self._watch = watch
        self._began = perf_counter()
        self._connection = connection
        self._leave = leave
        self._read_only = False

    async def begin(self, *, read_only: bool) -> None:
        """Take the write lock at once unless only reading: an upgrade later could deadlock."""
        self._read_only = read_only
        try:
            if read_only:
                await settled(self._connection.exec_driver_sql("PRAGMA query_only=ON"))
            await settled(self._connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE"))
        except BaseException as error:
            await self.rollback()
            if isinstance(error, Exception):
                raise translate(error) from error
            raise

    async def rows(self, statement: Statement, params: Params) -> Rows:
        started, count = perf_counter(), None
        try:
            result = await settled(self._connection.execute(statement.core, _known(statement, params)))
            rows: Rows = result.fetchall() if result.returns_rows else []
            count = len(rows)
        except Exception as error:
            raise translate(error) from error
        finally:
            self._watch.statement_ran(statement, started, count, None)
        return rows

    async def many(self, statement: Statement, params: Sequence[Params]) -> None:
        started, count = perf_counter(), None
        try:
            await settled(self._connection.execute(statement.core, [_known(statement, p) for p in params]))
            count = 0
        except Exception as error:
            raise translate(error) from error
        finally:
            self._watch.statement_ran(statement, started, count, None)

    async def set_tenant(self, organization_id: UUID, person: UUID | None = None) -> None:
        """Do nothing: SQLite has no row security, the repository's own wall stands alone."""

    async def take_time(self) -> None:
        """Do nothing: SQLite ends no transaction by itself."""

    async def rollback(self) -> None:
        await settled(self._end(commit=False))

    async def _commit(self) -> None:
        await self._end(commit=True)

    async def _end(self, *, commit: bool) -> None:
        end = "failed"
        try:
            await self._connection.exec_driver_sql("COMMIT" if commit else "ROLLBACK")
            end = "commit" if commit else "rollback"
            if self._read_only:
                await self._connection.exec_driver_sql("PRAGMA query_only=OFF")
        except Exception as error:
            await self._connection.invalidate()
            if commit:
                raise translate(error) from error
        finally:
            self._watch.transaction_ended(self._began, end)
            if self._leave is not None:
                self._leave()
            await self._connection.close()


def _known(statement: Statement, params: Params) -> dict[str, object]:
    """Keep what the statement names: SQLAlchemy takes any other for a column to write."""
    return {name: value for name, value in params.items() if name in statement.names}
