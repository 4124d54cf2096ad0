"""A real server behind a proxy to its database, and clients who ask it all the time."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, perf_counter

import httpx2

from tests.faults.processes import STARTS_WITHIN, ChildProcess, free_port
from tests.faults.writers import at_work
from tests.support.cut_proxy import CutProxy, cut_proxy
from tests.support.databases import DatabaseUrls

CLIENTS = 4
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


@asynccontextmanager
async def asked(server: Server) -> AsyncIterator[None]:
    """Have clients at work, and a load balancer."""
    async with at_work([*(server.ask() for _ in range(CLIENTS)), server.probe()], server.stop):
        async with asyncio.timeout(60):
            while len(server.answers) < 5 * CLIENTS:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0.05)
        yield


@asynccontextmanager
async def serving(urls: DatabaseUrls, folder: Path, *, pool_size: int = 4) -> AsyncIterator[Server]:
    """Run API and workers on a database that they know by way of a proxy."""
    port = free_port()
    async with cut_proxy(urls.app) as proxy:
        settings = {
            "database_url": proxy.url(urls.app), "data_dir": folder / "data", "port": port, "pool_size": pool_size,
            "log_level": "error",
        }  # fmt: skip
        process = ChildProcess(folder / "server", "interfaces.cli.main", "up", **settings)
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
