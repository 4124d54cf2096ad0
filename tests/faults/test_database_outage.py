"""The database is out of reach: a real server says so at once, leaves it alone, and comes back by itself."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from time import monotonic, perf_counter

import asyncpg
import httpx2
import pytest

from tests.faults.processes import STARTS_WITHIN, ChildProcess, crowd, free_port
from tests.faults.writers import at_work
from tests.support.cut_proxy import CutProxy, cut_proxy
from tests.support.databases import DatabaseUrls, TestDatabases

CLIENTS = 4
LASTS = 2.0
LASTS_AT_FULL_LENGTH = 30.0
"""Seconds of each kind of outage."""
FAILS_WITHIN = 0.05
NOTICED_WITHIN = 2.0
BACK_WITHIN = 5.0
_BREAKER = re.compile(r'^stoa_breaker_state\{breaker="database"\} (\S+)$', re.MULTILINE)


@dataclass
class Server:
    """``stoa up`` behind a proxy to its database, and clients who ask it all the time.

    Attributes:
        answers: when each request began, how long it took, and its status.
    """

    process: ChildProcess
    url: str
    proxy: CutProxy
    urls: DatabaseUrls
    answers: list[tuple[float, float, int]] = field(default_factory=list)
    stopping: bool = False

    def client(self) -> httpx2.AsyncClient:
        """Return an HTTP client with the key of the first organization."""
        headers = {"Authorization": f"Bearer {self.process.output.split()[-1]}"}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    async def ask(self) -> None:
        """Read what there is to sell, again and again."""
        async with self.client() as client:
            while not self.stopping:
                began = monotonic()
                status = (await client.get("/v1/products")).status_code
                self.answers.append((began, monotonic() - began, status))
                await asyncio.sleep(0.02)

    async def probe(self) -> None:
        """Ask for its health as a load balancer does."""
        async with self.client() as client:
            while not self.stopping:
                await client.get("/readyz")
                await asyncio.sleep(0.2)

    def stop(self) -> None:
        """Ask nothing more."""
        self.stopping = True

    async def until_ready(self, *, ready: bool, within: float) -> float:
        """Return the seconds until ``/readyz`` says so."""
        began = monotonic()
        async with self.client() as client:
            while monotonic() - began < within:
                if ((await client.get("/readyz")).status_code == 200) == ready:
                    return monotonic() - began
                await asyncio.sleep(0.05)
        raise TimeoutError(self.process.errors[-2000:])

    async def until_open(self) -> float:
        """Return the seconds until the server leaves its database alone, by its own metrics."""
        began = monotonic()
        async with self.client() as client:
            while monotonic() - began < 30:
                found = _BREAKER.search((await client.get("/metrics")).text)
                if found is not None and float(found[1]) == 2:
                    return monotonic() - began
                await asyncio.sleep(0.02)
        raise TimeoutError(self.process.errors[-2000:])

    def slowest(self, since: float) -> tuple[int, float]:
        """Return how many requests began since then, and what 99 of 100 did not take longer than."""
        took = sorted(took for began, took, _ in self.answers if began >= since)
        return len(took), took[int(len(took) * 0.99)]


@pytest.fixture
async def server(test_databases: TestDatabases, tmp_path: Path) -> AsyncIterator[Server]:
    """Run API and workers on a database that they know by way of a proxy."""
    urls, port = test_databases.postgres(), free_port()
    async with cut_proxy(urls.app) as proxy:
        settings = {
            "database_url": proxy.url(urls.app), "data_dir": tmp_path / "data", "port": port, "pool_size": 4,
            "log_level": "error",
        }  # fmt: skip
        process = ChildProcess(tmp_path / "server", "interfaces.cli.main", "up", **settings)
        try:
            process.start()
            await _started(process, port)
            yield Server(process, f"http://127.0.0.1:{port}", proxy, urls)
        finally:
            process.kill()


async def _started(process: ChildProcess, port: int) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        while perf_counter() - process.started_at < STARTS_WITHIN:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz", timeout=5)).is_success:
                    return
            except httpx2.TransportError:
                assert process.alive, process.errors
            await asyncio.sleep(0.05)
    raise TimeoutError(process.errors)


@asynccontextmanager
async def asked(server: Server) -> AsyncIterator[None]:
    """Have clients at work, and a load balancer."""
    async with at_work([*(server.ask() for _ in range(CLIENTS)), server.probe()], server.stop):
        async with asyncio.timeout(60):
            while len(server.answers) < 5 * CLIENTS:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0.05)
        yield


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
