"""What one process commits ends what another keeps, and a process that hears nothing keeps nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from application.kernel.query_cache import Touched
from infrastructure.cache.cache_news import CacheNews
from infrastructure.cache.query_cache import QueryCache
from infrastructure.persistence.database import Database
from tests.support.databases import DatabaseUrls, TestDatabases
from tests.support.shop import Shop
from tests.support.stack import Stack, open_stack

KINDS = frozenset({"payment_order", "refund", "price"})
STATISTICS = "payment_orders.get_statistics"
PERIOD = {"since": "2026-01-01T00:00:00Z", "until": "2036-01-01T00:00:00Z"}


@dataclass
class Process:
    """A core with a cache that never finds anything too old, so that only news can end what it keeps."""

    stack: Stack
    news: CacheNews
    counted: Counter[str]

    async def orders(self, shop: Shop) -> object:
        """Return how many orders this process says there are."""
        return (await self.stack.run(STATISTICS, shop.actor, **PERIOD))["orders"]


@asynccontextmanager
async def process(urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    """Open one, wired as the container does it, and wait until its cache is in use."""
    async with open_stack(urls, pool_size=3) as stack:
        monkeypatch.setattr(stack.cache, "_now", lambda: 0.0)
        counted: Counter[str] = Counter()
        news = CacheNews(stack.database, stack.cache, KINDS, counted=lambda origin: counted.update([origin]))
        monkeypatch.setattr(stack.units, "_changes", news)
        running = asyncio.ensure_future(news.run())
        await until(lambda: stack.cache._is_open)
        try:
            yield Process(stack, news, counted)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def change(news: CacheNews, touched: Touched) -> None:
    """Commit something."""
    news.begin(touched)
    news.end(touched)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that takes milliseconds on an idle machine."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


@pytest.fixture
async def two(
    test_databases: TestDatabases, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Process, Process, Shop]]:
    """Two processes on one database, and a shop."""
    urls = test_databases.postgres()
    async with process(urls, monkeypatch) as here, process(urls, monkeypatch) as there:
        yield here, there, await Shop.open(here.stack)


async def test_another_processs_commit_ends_what_is_kept(two: tuple[Process, Process, Shop]) -> None:
    """It is seen here at once, and there once it was told, though nothing there is ever too old."""
    here, there, shop = two
    assert await there.orders(shop) == 0
    for n in range(1, 6):
        heard = there.counted["elsewhere"]
        await shop.order()
        assert await here.orders(shop) == n
        await until(lambda heard=heard: there.counted["elsewhere"] > heard)  # type: ignore[misc]  # reason: a default binds the loop variable
        assert await there.orders(shop) == n
    assert here.counted["here"] >= 5
    assert here.counted["elsewhere"] == 0, "one's own news is no news"


async def test_a_change_while_the_news_is_sent_is_told_as_well(
    two: tuple[Process, Process, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two equal changes may be the one that a reader elsewhere has to see."""
    here, there, shop = two
    told = there.counted["elsewhere"]
    payloads, pair = here.news._payloads, (shop.organization_id, "payment_order")

    def meanwhile(pairs: object) -> object:
        monkeypatch.setattr(here.news, "_payloads", payloads)
        change(here.news, {pair})
        return payloads(pairs)  # type: ignore[arg-type]  # reason: handed through

    await until(lambda: not here.news._pending)
    monkeypatch.setattr(here.news, "_payloads", meanwhile)
    change(here.news, {pair})
    await until(lambda: there.counted["elsewhere"] >= told + 2)


async def test_who_is_cut_off_keeps_nothing_until_it_hears_again(two: tuple[Process, Process, Shop]) -> None:
    """News that was missed meanwhile does no harm: what was kept is forgotten."""
    here, there, shop = two
    assert await there.orders(shop) == 0
    forgotten = there.stack.cache._floor
    await cut_listeners(here.stack.urls.superuser)
    await shop.order()
    await until(lambda: there.stack.cache._floor > forgotten)
    assert await there.orders(shop) == 1
    await until(lambda: there.stack.cache._is_open)
    assert await there.orders(shop) == 1


async def cut_listeners(superuser: str) -> None:
    """Terminate every connection that is waiting for news."""
    database = Database(superuser, pool_size=1)
    cut = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE '%pg_notify%' AND pid <> pg_backend_pid()"
    )
    async with database.engine.connect() as connection:
        assert (await connection.execute(cut)).scalar_one() == 2
    await database.dispose()


async def test_a_process_that_ends_tells_what_it_did(two: tuple[Process, Process, Shop]) -> None:
    """A command that runs no background task says it on its way out."""
    here, there, shop = two
    assert await there.orders(shop) == 0
    command = CacheNews(here.stack.database, QueryCache(), KINDS)
    change(command, {(shop.organization_id, "payment_order"), (shop.organization_id, "customer")})
    await command.settle()
    await until(lambda: there.counted["elsewhere"] > 0)


async def test_a_pooler_that_swallows_news_leaves_the_cache_off(
    test_databases: TestDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listening is believed only once its own news came back."""
    monkeypatch.setattr("infrastructure.cache.cache_news._ECHO_SECONDS", 0.05)
    async with open_stack(test_databases.postgres()) as stack:
        news = CacheNews(stack.database, stack.cache, KINDS)
        monkeypatch.setattr(news, "_hear", lambda _: None)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await news.run()
        assert not stack.cache._is_open
