"""The instrument itself: what it passes, where it cuts, and what the server still performs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.support.cut_proxy import CutProxy, cut_proxy
from tests.support.databases import DatabaseUrls, TestDatabases


@pytest.fixture(scope="module")
def urls(test_databases: TestDatabases) -> DatabaseUrls:
    return test_databases.postgres()


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        yield connection
    finally:
        connection.terminate()


async def _table(url: str) -> None:
    async with _connected(url) as direct:
        await direct.execute("CREATE TABLE IF NOT EXISTS notes (note text); TRUNCATE notes")


async def _notes(url: str) -> int:
    async with _connected(url) as direct:
        return int(await direct.fetchval("SELECT count(*) FROM notes"))


async def test_everything_passes_and_is_counted(urls: DatabaseUrls) -> None:
    """A simple query is one message there and two back: done, and ready."""
    async with cut_proxy(urls.superuser) as proxy, _connected(proxy.url(urls.superuser)) as connection:
        assert await connection.fetchval("SELECT 6 * 7") == 42
        proxy.count()
        await connection.execute("SET statement_timeout = 0")
    assert proxy.messages >= 3
    assert proxy.cuts == 0


@pytest.mark.parametrize(("forward", "notes"), [(False, 0), (True, 1)])
async def test_a_statement_is_lost_before_the_server_or_its_answer_after(
    urls: DatabaseUrls, *, forward: bool, notes: int
) -> None:
    """Cut before the message the server never hears of it; cut after it the server performs it for nobody."""
    await _table(urls.superuser)
    async with cut_proxy(urls.superuser) as proxy, _connected(proxy.url(urls.superuser)) as connection:
        proxy.arm(1, forward=forward)
        with pytest.raises((asyncpg.PostgresConnectionError, ConnectionError)):
            await connection.execute("INSERT INTO notes VALUES ('x')")
        await proxy.quiet()
        assert await _notes(urls.superuser) == notes
    assert proxy.cuts == 1


async def test_a_cut_hits_one_connection_and_new_ones_pass(urls: DatabaseUrls) -> None:
    """The proxy cuts once per arming."""
    async with cut_proxy(urls.superuser) as proxy:
        async with _connected(proxy.url(urls.superuser)) as connection:
            proxy.arm(1, forward=False)
            with pytest.raises((asyncpg.PostgresConnectionError, ConnectionError)):
                await connection.execute("SELECT 1")
        async with _connected(proxy.url(urls.superuser)) as connection:
            assert await connection.fetchval("SELECT 1") == 1
    assert proxy.cuts == 1


async def test_a_black_hole_answers_nothing(urls: DatabaseUrls) -> None:
    """The connection stays open and silent."""
    async with cut_proxy(urls.superuser) as proxy, _connected(proxy.url(urls.superuser)) as connection:
        proxy.blackhole = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await connection.execute("SELECT 1")


async def test_a_delay_holds_every_message_back(urls: DatabaseUrls) -> None:
    """Two messages of one round trip take at least two delays."""
    async with cut_proxy(urls.superuser) as proxy, _connected(proxy.url(urls.superuser)) as connection:
        proxy.delay = 0.05
        started = asyncio.get_running_loop().time()
        await connection.execute("SELECT 1")
        assert asyncio.get_running_loop().time() - started >= 0.1


async def test_a_server_that_is_gone_is_a_closed_connection() -> None:
    """Nobody listens upstream: the client sees its connection end."""
    async with cut_proxy("postgresql://nobody@/nowhere?host=/nonexistent") as proxy:
        assert isinstance(proxy, CutProxy)
        with pytest.raises((asyncpg.PostgresConnectionError, ConnectionError)):
            await asyncpg.connect(proxy.url("postgresql://nobody@/nowhere"), timeout=5)
