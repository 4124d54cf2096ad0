"""A real ``stoa up`` in an empty data folder, to be watched, cut off and killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import httpx2

from infrastructure.persistence.embedded import EmbeddedPostgres
from tests.faults.processes import STARTS_WITHIN, ChildProcess, free_port


async def ready(server: ChildProcess, url: str) -> float:
    """Wait until a server that was started says so, and return the seconds since then."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        while perf_counter() - server.started_at < STARTS_WITHIN:
            try:
                if (await client.get(f"{url}/readyz", timeout=1)).is_success:
                    return perf_counter() - server.started_at
            except httpx2.TransportError:
                assert server.alive, server.errors
            await asyncio.sleep(0.05)
    raise TimeoutError(server.errors)


@dataclass
class Served:
    """A running server with its database, and how to come back to it."""

    server: ChildProcess
    folder: Path
    port: int
    settings: dict[str, object]
    database: str = ""

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def secret(self) -> str:
        """Return the key that its first start made."""
        return self.server.output.split()[-1]

    def command(self, name: str, *arguments: str) -> ChildProcess:
        """Return another of Stoa's commands on the same data folder; it does not run yet."""
        return ChildProcess(self.folder / name, "interfaces.cli.main", *arguments, **self.settings)

    async def serving(self) -> float:
        """Wait until it is ready, and return the seconds since it was started."""
        return await ready(self.server, self.url)


@asynccontextmanager
async def served(folder: Path, **settings: object) -> AsyncIterator[Served]:
    """Run it for the length of the block, without limits on how often one caller may ask."""
    port, cluster = free_port(), EmbeddedPostgres(folder / "data")
    unlimited = dict.fromkeys(("rate_limit_key", "rate_limit_organization", "rate_limit_address"), 0)
    given: dict[str, object] = {
        "data_dir": folder / "data", "port": port, "log_level": "warning", "pool_size": 8, **unlimited, **settings
    }  # fmt: skip
    server = ChildProcess(folder / "server", "interfaces.cli.main", "up", **given)
    try:
        server.start(anew=True)
        opened = Served(server, folder, port, given)
        await opened.serving()
        opened.database = cluster.url("stoa", "postgres")
        yield opened
    finally:
        server.kill()
        await asyncio.to_thread(cluster.stop)
