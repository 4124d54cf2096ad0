"""The pool of connections: what it counts, what it trusts, and what it does while the server is out of reach."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic, perf_counter
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from application.kernel.actor import NOWHERE
from infrastructure.observability.metrics import Metrics
from infrastructure.observability.watch import Watch
from infrastructure.persistence.database import Database
from infrastructure.persistence.errors import DatabaseUnavailable, DatabaseUnreachable, PoolExhausted, StatementTimeout
from infrastructure.persistence.pool import IDLE_SECONDS, RECYCLE_SECONDS
from infrastructure.persistence.reach import FAILURES, DatabaseBreakers, database_breaker
from infrastructure.persistence.statement import Statement
from infrastructure.resilience.breaker import BreakerState
from infrastructure.resilience.breakers import Breakers
from tests.faults.processes import crowd
from tests.infrastructure.observability.test_metrics import samples
from tests.support.cut_proxy import CutProxy, cut_proxy
from tests.support.databases import DatabaseUrls, TestDatabases

ELSEWHERE = "postgresql://stoa_app@/stoa?host=/nowhere"


@pytest.fixture(scope="module")
def urls(test_databases: TestDatabases) -> DatabaseUrls:
    """Return a database of this file's own."""
    return test_databases.postgres()


@asynccontextmanager
async def opened(url: str, **limits: float) -> AsyncIterator[tuple[Database, Metrics]]:
    """Open a pool of two, and what counts it."""
    metrics = Metrics()
    database = Database(
        url, pool_size=2, pool_timeout=limits.get("pool_timeout", 0.1), deadline=limits.get("deadline", 8),
        watch=Watch(metrics, pool="app"), breaker=database_breaker(Breakers(metrics.set_breaker)),
    )  # fmt: skip
    try:
        yield database, metrics
    finally:
        await database.dispose()


@asynccontextmanager
async def proxied(url: str, **limits: float) -> AsyncIterator[tuple[Database, Metrics, CutProxy]]:
    """Open a pool of two behind a proxy."""
    async with cut_proxy(url) as proxy, opened(proxy.url(url), **limits) as (database, metrics):
        try:
            yield database, metrics, proxy
        finally:
            proxy.blackhole = False


def counted(metrics: Metrics, name: str, *labels: str) -> float:
    """Return a series of the pool."""
    return samples(metrics)[f"stoa_db_pool_{name}", frozenset({"app", *labels})]


async def ask(database: Database) -> None:
    """Run a transaction with one statement."""
    await database.rows(Statement(text("SELECT 1"), database.dialect), {}, organization_id=NOWHERE)


async def fill(database: Database, connections: int = 2) -> None:
    """Have so many connections idle."""
    async with AsyncExitStack() as stack:
        for _ in range(connections):
            await stack.enter_async_context(database.transaction(uuid4()))


async def answers(database: Database) -> bool:
    """Say whether the database is there for us."""
    try:
        await ask(database)
    except DatabaseUnreachable:
        return False
    return True


async def fail(database: Database, times: int) -> None:
    """Fail to reach the server so many times."""
    for _ in range(times):
        with pytest.raises(DatabaseUnreachable):
            await ask(database)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


def aged(database: Database, *, idle: float = 0, made: float = 0) -> None:
    """Let all idle connections be older."""
    for pooled in database._pool._idle:
        pooled.idle_since -= idle
        pooled.made_at -= made


async def test_what_a_pool_counts(urls: DatabaseUrls) -> None:
    """Connections made, waits with their length, and those that ended without a connection."""
    async with opened(urls.app) as (database, metrics):
        await fill(database)
        assert database.pool_state() == {"idle": 2, "in_use": 0, "waiting": 0}
        assert (counted(metrics, "connects_total", "ok"), counted(metrics, "wait_seconds_count")) == (2, 0)
        async with database.transaction(uuid4()), database.transaction(uuid4()):
            waiting = asyncio.create_task(ask(database))
            await asyncio.sleep(0)
            assert database.pool_state() == {"idle": 0, "in_use": 2, "waiting": 1}
            with pytest.raises(PoolExhausted):
                await waiting
        assert counted(metrics, "exhausted_total") == counted(metrics, "wait_seconds_count") == 1
        assert counted(metrics, "wait_seconds_sum") >= 0.1
        assert counted(metrics, "dropped_total", "broken") == 0


async def test_nobody_waits_longer_for_a_connection_than_is_promised(urls: DatabaseUrls) -> None:
    """Half a second, unless somebody says otherwise."""
    database = Database(urls.app, pool_size=1)
    try:
        async with database.transaction(uuid4()):
            began = perf_counter()
            with pytest.raises(PoolExhausted):
                await ask(database)
            assert 0.4 < perf_counter() - began < 0.6 * crowd()
    finally:
        await database.dispose()


async def test_a_connection_that_idled_for_long_is_asked_before_it_is_used(urls: DatabaseUrls) -> None:
    """A firewall may have forgotten it: silent ones cost a second together, not one each, and nobody an answer."""
    async with proxied(urls.app) as (database, metrics, proxy):
        await fill(database)
        proxy.deafen()
        aged(database, idle=IDLE_SECONDS)
        began = perf_counter()
        await ask(database)
        assert 0.9 < perf_counter() - began < 1.7 * crowd()
        assert counted(metrics, "dropped_total", "broken") == 2
        assert counted(metrics, "connects_total", "ok") == 3


async def test_an_idle_connection_that_still_answers_is_kept(urls: DatabaseUrls) -> None:
    """However long it was idle."""
    async with opened(urls.app) as (database, metrics):
        await fill(database)
        aged(database, idle=IDLE_SECONDS)
        await ask(database)
        assert counted(metrics, "connects_total", "ok") == 2


async def test_an_old_connection_is_replaced(urls: DatabaseUrls) -> None:
    """After half an hour, so that what a server keeps for each does not grow for ever."""
    async with opened(urls.app) as (database, metrics):
        await fill(database)
        aged(database, made=RECYCLE_SECONDS)
        await ask(database)
        assert counted(metrics, "dropped_total", "recycled") == 2
        assert counted(metrics, "connects_total", "ok") == 3


async def test_a_server_out_of_reach_is_left_alone(urls: DatabaseUrls) -> None:
    """After five failures in a row nobody waits for it, and it is tried once a second; then all is well at once."""
    async with proxied(urls.app) as (database, metrics, proxy):
        proxy.refuse = True
        await fail(database, FAILURES)
        assert database.breaker.state is BreakerState.OPEN
        assert samples(metrics)["stoa_breaker_state", frozenset({"database"})] == 2
        tries, began, asked = proxy.accepted, monotonic(), 0
        while monotonic() - began < 2.2:
            started = perf_counter()
            await fail(database, 1)
            asked += perf_counter() - started < 0.05
            await asyncio.sleep(0.01)
        assert proxy.accepted - tries <= 1 + (monotonic() - began)
        assert asked > 20
        proxy.refuse = False
        began = monotonic()
        while not await answers(database):
            await asyncio.sleep(0.01)
            assert monotonic() - began < 2 * crowd()
        assert samples(metrics)["stoa_breaker_state", frozenset({"database"})] == 0


async def test_of_many_who_ask_at_once_nobody_waits_for_the_one_try(urls: DatabaseUrls) -> None:
    """It is made on the side, and a server that accepts and says nothing holds up none of them."""
    async with proxied(urls.app) as (database, _, proxy):
        proxy.refuse = True
        await fail(database, FAILURES)
        proxy.refuse, proxy.blackhole, tries = False, True, proxy.accepted
        await asyncio.sleep(1.05)
        ends = await asyncio.gather(*(ask(database) for _ in range(50)), return_exceptions=True)
        assert all(isinstance(end, DatabaseUnreachable) for end in ends)
        await until(lambda: proxy.accepted > tries)
        assert database.breaker.state is BreakerState.HALF_OPEN, "they waited until it was over"
        assert proxy.accepted == tries + 1


async def test_a_question_that_may_take_long_is_not_taken_for_silence(urls: DatabaseUrls) -> None:
    """The relay's look at a crowded outbox may take as long as the server lets it; a look-up of a key may not."""
    async with opened(urls.app, deadline=1) as (database, _):
        long = Statement(text("SELECT pg_sleep(2)"), database.dialect)
        with pytest.raises(DatabaseUnavailable):
            await database.read(long, {}, organization_id=NOWHERE)
        assert len(await database.read(long, {}, organization_id=NOWHERE, patience=30)) == 1


async def test_what_the_server_answers_never_speaks_against_it(urls: DatabaseUrls) -> None:
    """Neither errors of statements, nor their time limits, nor a full pool, nor callers who leave."""
    async with opened(urls.app) as (database, _):
        wrong = Statement(text("SELECT 1 / 0"), database.dialect)
        hurry = Statement(text("SELECT set_config('statement_timeout', '1ms', true)"), database.dialect)
        slow = Statement(text("SELECT pg_sleep(1)"), database.dialect)
        for _ in range(2 * FAILURES):
            with pytest.raises(asyncpg.DivisionByZeroError):
                await database.read(wrong, {}, organization_id=NOWHERE)
        for _ in range(2 * FAILURES):
            transaction = await database.begin(NOWHERE)
            await transaction.rows(hurry, {})
            with pytest.raises(StatementTimeout):
                await transaction.rows(slow, {})
            await transaction.rollback()
        async with database.transaction(uuid4()), database.transaction(uuid4()):
            ends = await asyncio.gather(*(ask(database) for _ in range(2 * FAILURES)), return_exceptions=True)
            assert all(isinstance(end, PoolExhausted) for end in ends)
        for _ in range(2 * FAILURES):
            leaving = asyncio.create_task(ask(database))
            await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        assert database.breaker.state is BreakerState.CLOSED


async def test_a_server_that_cannot_be_found_counts_as_out_of_reach() -> None:
    """Refused or not there at all, for the pool and for a worker's own connection alike."""
    async with opened(ELSEWHERE) as (database, metrics):
        await fail(database, FAILURES - 1)
        with pytest.raises(DatabaseUnreachable):
            await database.connect()
        assert database.breaker.state is BreakerState.OPEN
        assert counted(metrics, "connects_total", "failed") == FAILURES - 1
        with pytest.raises(DatabaseUnreachable):
            await database.connect()


async def test_roles_on_one_server_share_what_is_known_of_it(urls: DatabaseUrls) -> None:
    """Two roles on one server have one breaker; another server has its own."""
    metrics = Metrics()
    breakers = DatabaseBreakers(Breakers(metrics.set_breaker))
    assert breakers.of(urls.app) is breakers.of(urls.relay)
    assert breakers.of(urls.app) is not breakers.of(ELSEWHERE)
    several = "postgresql://{}:secret@one.example:5432,two.example:5433/stoa"
    assert breakers.of(several.format("stoa_app")) is breakers.of(several.format("stoa_relay"))
    assert samples(metrics)["stoa_breaker_state", frozenset({"database"})] == 0


async def test_cancelled_takers_leave_no_connection_and_no_place_behind(urls: DatabaseUrls) -> None:
    """Wherever they are stopped: waiting, connecting to a server that says nothing, or being greeted."""
    async with proxied(urls.app, pool_timeout=5) as (database, _, proxy):
        proxy.delay = 0.001
        for hops in range(60):
            takers = [asyncio.create_task(ask(database)) for _ in range(4)]
            await asyncio.sleep(hops / 4_000)
            for taker in takers:
                taker.cancel()
            await asyncio.gather(*takers, return_exceptions=True)
            assert database.pool_state()["in_use"] == database.pool_state()["waiting"] == 0
        proxy.delay = 0
        await fill(database)
        assert database.pool_state() == {"idle": 2, "in_use": 0, "waiting": 0}
