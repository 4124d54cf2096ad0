"""The two servers, each in a process of its own on one database: ``stoa serve`` as it is, and the limit."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.cluster import Ground
from benchmarks.load.raw_server import POOL
from benchmarks.stoa import PEPPER

_ROOT = Path(__file__).resolve().parents[2]
_STARTS_WITHIN = 60.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def _process(*arguments: str, **settings: object) -> AsyncIterator[asyncio.subprocess.Process]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("STOA_", "PG"))}
    given = {f"STOA_{name.upper()}": str(value) for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, cwd=_ROOT, env={**inherited, **given}, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def raw_server(ground: Ground) -> AsyncIterator[int]:
    """Run the limit, and return its port."""
    organization = str(ground.seeded.organization_id)
    async with _process("benchmarks.load.raw_server", ground.app, organization) as process:
        assert process.stdout is not None
        yield int(await process.stdout.readline())


@asynccontextmanager
async def stoa_server(ground: Ground) -> AsyncIterator[int]:
    """Run ``stoa serve`` and return its port; workers would only take turns with it on its core."""
    port = _free_port()
    settings = {
        "database_url": ground.app, "relay_database_url": ground.relay, "sealer_database_url": ground.sealer,
        "key_pepper": PEPPER.decode(), "audit_seal_key": "a seal key for benchmarks only", "data_dir": ground.folder,
        "port": port, "pool_size": POOL, "log_level": "warning", "rate_limit_key": 0, "rate_limit_organization": 0,
        "rate_limit_address": 0,
    }  # fmt: skip
    async with _process("interfaces.cli.main", "serve", **settings) as process:
        async with asyncio.timeout(_STARTS_WITHIN):
            while not await _listens(port):
                assert process.returncode is None, "stoa serve did not start"
                await asyncio.sleep(0.1)
        yield port


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
