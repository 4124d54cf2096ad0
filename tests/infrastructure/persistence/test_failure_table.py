"""Every way a PostgreSQL fails, brought about for real, and the named failure that a caller hears of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from application.kernel.actor import NOWHERE
from application.kernel.idempotency import OutcomeUnknown
from domain.shared.errors import StoaError, Unavailable
from infrastructure.persistence.database import Database
from infrastructure.persistence.statement import Statement
from infrastructure.persistence.transaction import Transaction
from interfaces.schema.statuses import headers_of, status_of
from tests.support.databases import DatabaseUrls, TestDatabases

SKETCH = "CREATE TABLE sketch (id integer PRIMARY KEY, n integer NOT NULL); INSERT INTO sketch VALUES (1, 0), (2, 0);"
BACKENDS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = $1"


@dataclass
class Ground:
    """A database with a small table, the application's pool on it, and the superuser beside it."""

    urls: DatabaseUrls
    database: Database
    superuser: "asyncpg.Connection[asyncpg.Record]"

    async def run(self, transaction: Transaction, *statements: str) -> None:
        """Run statements in an open transaction."""
        for each in statements:
            await transaction.rows(Statement(text(each), self.database.dialect), {})

    @asynccontextmanager
    async def begun(self) -> AsyncIterator[Transaction]:
        """Open a transaction that is rolled back."""
        transaction = await self.database.begin(uuid4())
        try:
            yield transaction
        finally:
            await transaction.rollback()

    async def end_backends(self) -> None:
        """End the application's connections from the server's side, and wait until they are gone."""
        while await self.superuser.fetch(BACKENDS, "stoa_app"):  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
async def laid(test_databases: TestDatabases) -> DatabaseUrls:
    """Return a database of this file's own."""
    urls = test_databases.postgres()
    superuser = await asyncpg.connect(urls.superuser)
    await superuser.execute(f"{SKETCH} GRANT ALL ON sketch TO stoa_app")
    await superuser.close()
    return urls


@pytest.fixture
async def ground(laid: DatabaseUrls) -> AsyncIterator[Ground]:
    """Return a fresh pool of two on the database; nothing is left open."""
    async with AsyncExitStack() as stack:
        database = Database(laid.app, pool_size=2, pool_timeout=0.1)
        stack.push_async_callback(database.dispose)
        superuser = await asyncpg.connect(laid.superuser)
        stack.push_async_callback(superuser.close)
        yield Ground(laid, database, superuser)
        assert database.pool_state()["in_use"] == 0


def _sent(*statements: str) -> "Callable[[Ground], Awaitable[None]]":
    async def provoke(ground: Ground) -> None:
        async with ground.begun() as transaction:
            await ground.run(transaction, *statements)

    return provoke


def _raised(state: str) -> "Callable[[Ground], Awaitable[None]]":
    """Have the server itself raise what cannot be brought about safely on a machine that others use."""
    return _sent(f"DO $$ BEGIN RAISE EXCEPTION 'seen in a test' USING ERRCODE = '{state}'; END $$")


async def _serialization(ground: Ground) -> None:
    async with ground.begun() as transaction:
        await ground.run(transaction, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT * FROM sketch")
        await ground.superuser.execute("UPDATE sketch SET n = n + 1")
        await ground.run(transaction, "UPDATE sketch SET n = n + 1")


async def _deadlock(ground: Ground) -> None:
    transaction = await ground.database.begin(uuid4())
    async with ground.superuser.transaction():
        await ground.superuser.execute("SET LOCAL deadlock_timeout = '1min'")
        await ground.superuser.execute("UPDATE sketch SET n = 1 WHERE id = 1")
        await ground.run(transaction, "UPDATE sketch SET n = 1 WHERE id = 2")
        other = asyncio.create_task(ground.superuser.execute("UPDATE sketch SET n = 1 WHERE id = 2"))
        try:
            await asyncio.sleep(0.05)
            await ground.run(transaction, "UPDATE sketch SET n = 1 WHERE id = 1")
        finally:
            await transaction.rollback()
            await other


async def _locked(ground: Ground) -> None:
    async with ground.superuser.transaction():
        await ground.superuser.execute("UPDATE sketch SET n = 1 WHERE id = 1")
        async with ground.begun() as transaction:
            await ground.run(transaction, "SET LOCAL lock_timeout = '50ms'", "UPDATE sketch SET n = 2 WHERE id = 1")


async def _idle(ground: Ground) -> None:
    async with ground.begun() as transaction:
        await ground.run(transaction, "SET LOCAL idle_in_transaction_session_timeout = '20ms'")
        await asyncio.sleep(0.3)
        await ground.run(transaction, "SELECT 1")


async def _exhausted(ground: Ground) -> None:
    async with ground.begun(), ground.begun(), ground.begun():
        pytest.fail("three connections of two")


async def _lost_in_commit(ground: Ground) -> None:
    transaction = await ground.database.begin(uuid4())
    await ground.end_backends()
    await transaction.commit()


async def _refused(ground: Ground) -> None:
    await _enter(f"{ground.urls.app.partition('?')[0]}?host=/nowhere")


async def _no_such_database(ground: Ground) -> None:
    await _enter(ground.urls.app.replace("/t_", "/gone_"))


async def _too_many(ground: Ground) -> None:
    (name,) = await ground.superuser.fetchrow("SELECT current_database()") or ("",)
    await ground.superuser.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    try:
        await _enter(ground.urls.app)
    finally:
        await ground.superuser.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")


async def _enter(url: str) -> None:
    database = Database(url, pool_size=1)
    try:
        await database.begin(NOWHERE)
    finally:
        await database.dispose()


CONDITIONS: dict[str, tuple[Callable[[Ground], Awaitable[None]], str]] = {
    "40001 serialization failure": (_serialization, "transaction_aborted"),
    "40P01 deadlock": (_deadlock, "transaction_aborted"),
    "55P03 lock timeout": (_locked, "lock_timeout"),
    "57014 statement timeout": (
        _sent("SET LOCAL statement_timeout = '50ms'", "SELECT pg_sleep(5)"), "statement_timeout",
    ),
    "25P03 idle in a transaction": (_idle, "database_connection_lost"),
    "25P04 transaction timeout": (
        # The role's own timer runs already, and is only stopped by zero.
        _sent("SET LOCAL transaction_timeout = 0", "SET LOCAL transaction_timeout = '50ms'", "SELECT pg_sleep(5)"),
        "database_connection_lost",
    ),
    "57P01 terminated": (_sent("SELECT pg_terminate_backend(pg_backend_pid())"), "database_connection_lost"),
    "lost while committing": (_lost_in_commit, "outcome_unknown"),
    "pool exhausted": (_exhausted, "pool_exhausted"),
    "refused": (_refused, "database_unreachable"),
    "3D000 no such database": (_no_such_database, "database_unavailable"),
    "53300 too many connections": (_too_many, "database_unavailable"),
    "25006 read-only": (
        _sent("SET LOCAL transaction_read_only = on", "UPDATE sketch SET n = 1"), "database_read_only",
    ),
    "53100 disk full": (_raised("53100"), "database_full"),
    "53200 out of memory": (_raised("53200"), "database_unavailable"),
    "53400 limit exceeded": (_raised("53400"), "database_unavailable"),
    "57P03 starting up": (_raised("57P03"), "database_unreachable"),
    "57P05 idle session": (_raised("57P05"), "database_connection_lost"),
    "08006 connection failure": (_raised("08006"), "database_connection_lost"),
    "58030 i/o error": (_raised("58030"), "database_unavailable"),
}  # fmt: skip

MISTAKES: dict[str, tuple[Callable[[Ground], Awaitable[None]], str, HTTPStatus]] = {
    "23505 duplicate": (_sent("INSERT INTO sketch VALUES (1, 1)"), "duplicate", HTTPStatus.CONFLICT),
    "23503 missing": (_raised("23503"), "reference_invalid", HTTPStatus.UNPROCESSABLE_ENTITY),
    "23514 check": (_raised("23514"), "validation_error", HTTPStatus.UNPROCESSABLE_ENTITY),
    "42501 row security": (_raised("42501"), "scope_missing", HTTPStatus.FORBIDDEN),
}


@pytest.mark.parametrize("condition", CONDITIONS)
async def test_what_the_database_cannot_do_now_is_a_coded_503(ground: Ground, condition: str) -> None:
    """The caller hears a code and when to try again, none of the database's own words, and the next one is served."""
    provoke, code = CONDITIONS[condition]

    with pytest.raises(Unavailable) as refused:
        await provoke(ground)

    assert (refused.value.code, status_of(refused.value)) == (code, HTTPStatus.SERVICE_UNAVAILABLE)
    assert headers_of(refused.value, "")["retry-after"] == "1"
    assert "sketch" not in str(refused.value)
    assert "seen in a test" not in str(refused.value)
    async with ground.begun() as transaction:
        await ground.run(transaction, "SELECT 1")


@pytest.mark.parametrize("condition", MISTAKES)
async def test_what_the_caller_got_wrong_is_told_by_its_kind(ground: Ground, condition: str) -> None:
    """Without a constraint that is known by name the class of the state decides."""
    provoke, code, status = MISTAKES[condition]
    with pytest.raises(StoaError) as refused:
        await provoke(ground)
    assert (refused.value.code, status_of(refused.value)) == (code, status)


@pytest.mark.parametrize("state", ["23502", "22012", "42P01", "XX000"])
async def test_our_own_mistakes_stay_what_they_are(ground: Ground, state: str) -> None:
    """They end in the last-resort handler, and not in a promise that it will work later."""
    with pytest.raises(asyncpg.PostgresError):
        await _raised(state)(ground)


async def test_connections_that_died_while_idle_are_replaced_before_anything_is_sent(ground: Ground) -> None:
    """However many there are, the next transaction begins on a new one."""
    async with ground.begun(), ground.begun():
        pass
    await ground.end_backends()
    async with ground.begun() as transaction:
        await ground.run(transaction, "SELECT 1")


async def test_a_connection_that_breaks_in_the_middle_is_not_tried_again_behind_the_callers_back(
    ground: Ground,
) -> None:
    """What was done before is gone, which only the caller can know."""
    async with ground.begun() as transaction:
        await ground.run(transaction, "UPDATE sketch SET n = 7 WHERE id = 1")
        await ground.end_backends()
        with pytest.raises(Unavailable):
            await ground.run(transaction, "UPDATE sketch SET n = 8 WHERE id = 1")
    assert await ground.superuser.fetchval("SELECT n FROM sketch WHERE id = 1") not in (7, 8)


async def test_only_a_broken_commit_leaves_the_outcome_open(ground: Ground) -> None:
    """Its failure is of a kind of its own, as it is the only one after which something may have happened."""
    with pytest.raises(OutcomeUnknown):
        await _lost_in_commit(ground)
