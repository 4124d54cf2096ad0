"""The database is out of reach: a real server says so at once, leaves it alone, and comes back by itself."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from time import monotonic

import asyncpg
import pytest

from tests.faults.database_server import Server, asked, serving
from tests.faults.processes import crowd
from tests.support.databases import TestDatabases

LASTS = 2.0
LASTS_AT_FULL_LENGTH = 30.0
"""Seconds of each kind of outage."""
FAILS_WITHIN = 0.05
NOTICED_WITHIN = 2.0
BACK_WITHIN = 5.0


@pytest.fixture
async def server(test_databases: TestDatabases, tmp_path: Path) -> AsyncIterator[Server]:
    """Run a server on a database of the test's own."""
    async with serving(test_databases.postgres(), tmp_path) as running:
        yield running


async def test_an_outage_is_told_at_once_and_ends_by_itself(server: Server, pytestconfig: pytest.Config) -> None:
    """Silent first and then refusing: noticed in two seconds, tried at most twice a second, over within five."""
    lasts = LASTS_AT_FULL_LENGTH if pytestconfig.getoption("--faults") else LASTS
    async with asked(server):
        assert {status for *_, status in server.answers} == {200}
        server.proxy.blackhole = True
        noticed = await server.until_ready(ready=False, within=20)
        opened = noticed + await server.until_open()
        # What was under way when it opened has to end first, and a driver that gives a statement up asks for its end.
        await asyncio.sleep(0.5)
        since, tries = monotonic(), [(monotonic(), server.proxy.accepted)]
        for outage in ("blackhole", "refuse"):
            server.proxy.refuse = outage == "refuse"
            await asyncio.sleep(lasts)
            tries.append((monotonic(), server.proxy.accepted))
        told, slowest = server.slowest(since)
        assert {status for began, _, status in server.answers if began >= since} == {503}
        server.proxy.refuse = server.proxy.blackhole = False
        healed = monotonic()
        back = await server.until_ready(ready=True, within=60)
        first = await _first_success(server, healed)
    rates = [(after - before) / (end - begin) for (begin, before), (end, after) in pairwise(tries)]
    print(  # noqa: T201 - the figures of the run, seen with -rP
        f"two outages of {lasts:.0f} s: /readyz 503 after {noticed:.2f} s, left alone after {opened:.2f} s; then "
        f"{told} requests refused, p99 {slowest * 1000:.1f} ms; {max(rates):.2f} connections tried a second; ready "
        f"{back:.2f} s after the end, first success after {first:.2f} s"
    )
    assert server.process.alive, server.process.errors
    assert noticed <= NOTICED_WITHIN * crowd()
    assert slowest <= FAILS_WITHIN * crowd()
    # One more or less falls into a window that is seconds long.
    assert max(rates) <= 2 + 1 / lasts
    assert max(back, first) <= BACK_WITHIN * crowd()
    await _workers_are_back(server)


async def _first_success(server: Server, since: float) -> float:
    """Return the seconds from then until a client was served again."""
    async with asyncio.timeout(60):
        served: list[tuple[float, float, int]] = []
        while not served:
            await asyncio.sleep(0.01)
            served = [answer for answer in server.answers if answer[0] >= since and answer[2] == 200]
    return min(began + took - since for began, took, _ in served)


async def _workers_are_back(server: Server) -> None:
    """See an event of now published and its audit entry sealed."""
    async with server.client() as client:
        made = await client.post("/v1/products", json={"name": "Beans", "sku": None, "description": ""})
    assert made.status_code == 201
    connection = await asyncpg.connect(server.urls.superuser)
    left = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM audit_entries WHERE hash IS NULL)"
    try:
        async with asyncio.timeout(30):
            while await connection.fetchval(left):  # noqa: ASYNC110 - the database has no bell
                await asyncio.sleep(0.1)
    finally:
        await connection.close()
