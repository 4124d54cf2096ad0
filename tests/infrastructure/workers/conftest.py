"""One database as its superuser and its worker roles see it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from infrastructure.persistence.database import Database
from tests.support.databases import DatabaseUrls, TestDatabases


@dataclass(frozen=True, slots=True)
class Bench:
    """Pools on one database."""

    urls: DatabaseUrls
    root: Database
    relay: Database
    sealer: Database


async def open_bench(urls: DatabaseUrls) -> AsyncIterator[Bench]:
    bench = Bench(urls, Database(urls.superuser), Database(urls.relay), Database(urls.sealer))
    yield bench
    for database in (bench.root, bench.relay, bench.sealer):
        await database.dispose()


@pytest.fixture
async def bench(fresh_urls: DatabaseUrls) -> AsyncIterator[Bench]:
    """An empty database on each engine."""
    async for each in open_bench(fresh_urls):
        yield each


@pytest.fixture
async def pg_bench(test_databases: TestDatabases) -> AsyncIterator[Bench]:
    """An empty database on PostgreSQL."""
    async for each in open_bench(test_databases.postgres()):
        yield each


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something that must happen soon."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for is somebody else's state
            await asyncio.sleep(0.005)


async def ended(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
