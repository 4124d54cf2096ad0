"""Requests per second of one worker, and how long each took."""

import asyncio
import json
import os
import random
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from application.identity.api_keys import CreateAPIKey
from application.kernel.actor import TENANT_SCOPES
from benchmarks.arena import Arena
from benchmarks.measure import progress
from benchmarks.report import Figure, Row, at_least
from domain.shared.ids import encode_id

CONTESTANTS = ("raw", "raw without key", "peer", "Stoa")
_SECONDS = 1.2
_ROUNDS = 10
_PATHS = 200
_ROOT = Path(__file__).parent.parent


@dataclass
class _Server:
    """A running contestant: its port, and what was measured of it in each round."""

    port: int
    process: asyncio.subprocess.Process
    rate: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process so far, or 0 where nobody tells."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def http_load(arena: Arena) -> list[Row]:
    """Measure everybody in turns."""
    secret = await _api_key(arena)
    paths = [f"/v1/products/{encode_id('prod', id_)}" for id_ in arena.ground.seeded.products[:_PATHS]]
    async with AsyncExitStack() as stack:
        servers = {name: await stack.enter_async_context(_running(name, arena)) for name in CONTESTANTS}
        progress("HTTP get …")
        order = list(CONTESTANTS)
        rounds = arena.scale.rounds(_ROUNDS)
        for turn in range(rounds + 1):
            random.shuffle(order)
            for name in order:
                await _load(servers[name], secret, paths, warm=turn > 0)
    for name, server in servers.items():
        rate, p50, p99 = (statistics.median(values) for values in (server.rate, server.p50, server.p99))
        progress(f"HTTP get: {name} {rate:,.0f} req/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    return _rows(servers)


def _rows(servers: dict[str, _Server]) -> list[Row]:
    stoa, raw, peer = servers["Stoa"], servers["raw"], servers["peer"]
    return [
        Row(
            "HTTP get, req/s of one worker (CPU: the server's per request)",
            Figure(_median(stoa.rate, raw.rate), _median(stoa.cpu, raw.cpu), at_least(0.75)),
            Figure(_median(stoa.rate, peer.rate), _median(peer.cpu, stoa.cpu), at_least(3)),
            {name: round(1e6 / statistics.median(server.rate), 1) for name, server in servers.items()},
        ),
        Row(
            "… vs a raw route that asks nobody for a key",
            Figure(_median(stoa.rate, servers["raw without key"].rate)),
        ),
        Row(
            "HTTP get, p99 latency (raw / Stoa, peer / Stoa)",
            Figure(_median(raw.p99, stoa.p99)),
            Figure(_median(peer.p99, stoa.p99)),
        ),
    ]


def _median(these: list[float], those: list[float]) -> float:
    return statistics.median(a / b if b else 1.0 for a, b in zip(these, those, strict=True))


async def _api_key(arena: Arena) -> str:
    command = CreateAPIKey(name="Benchmark", scopes=sorted(TENANT_SCOPES), expires_at=None)
    outcome = await arena.stoa.dispatch("api_keys.create", command, arena.stoa.call)
    assert isinstance(outcome.body, dict)
    return str(outcome.body["secret"])


@asynccontextmanager
async def _running(name: str, arena: Arena) -> AsyncIterator[_Server]:
    arguments = ("benchmarks.http_server", name, arena.ground.app, str(arena.ground.seeded.organization_id))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, cwd=_ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield _Server(int(await process.stdout.readline()), process)
    finally:
        process.terminate()
        await process.wait()


async def _load(server: _Server, secret: str, paths: list[str], *, warm: bool) -> None:
    before = server.cpu_seconds()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.load_generator", str(server.port), secret, str(_SECONDS), *paths,
        cwd=_ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, "the load generator failed"
    measured = json.loads(output)
    if warm:
        server.rate.append(measured["requests"] / measured["seconds"])
        server.cpu.append((server.cpu_seconds() - before) / measured["requests"])
        server.p50.append(measured["p50"])
        server.p99.append(measured["p99"])
