"""``make load``: what each route takes at a steady rate, beside a hand-written route on the same database."""

import argparse
import asyncio
import json
import os
import platform
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import msgspec
import structlog
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.cluster import Ground, cluster, prepare
from benchmarks.load.client import Plan, Report
from benchmarks.load.routes import ROUTES, LoadRoute, Shop, open_shop
from benchmarks.load.servers import raw_server, stoa_server
from benchmarks.measure import progress
from benchmarks.seed import ORDERS, ORGANIZATIONS, PRODUCTS
from infrastructure.persistence.embedded import EmbeddedPostgres

_ROOT = Path(__file__).resolve().parents[2]
# Of what Stoa can do; at more than that the queue, and not the route, is measured.
SHARE = 0.5
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said."""

    seconds: float
    rate: float | None
    connections: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One route: what either server can do, and how long requests take at the same steady rate."""

    route: str
    rate: float
    stoa_most: float
    raw_most: float
    stoa: Report
    raw: Report


async def _ask(plan: Plan) -> Report:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.load.client", cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate(msgspec.json.encode(plan))
    assert process.returncode == 0, "the clients failed"
    report = msgspec.json.decode(output, type=Report)
    assert report.answered, f"{plan.method} {plan.paths[0]}: nothing but refusals"
    return report


async def _measure(route: LoadRoute, shop: Shop, stoa_port: int, raw_port: int, options: Options) -> Measured:
    stoa = Plan(
        port=stoa_port, token=shop.secret, method=route.method, paths=route.paths(shop), body=route.body,
        seconds=options.seconds / ROUNDS / 2, connections=options.connections,
    )  # fmt: skip
    raw = replace(stoa, port=raw_port, paths=route.raw(shop), body=route.body if route.raw is route.paths else None)
    stoa_most, raw_most = [
        median(each.answered / each.seconds for each in reports) for reports in await _in_turns(stoa, raw)
    ]
    rate = options.rate or SHARE * min(stoa_most, raw_most)
    steady = [replace(plan, rate=rate, seconds=options.seconds / ROUNDS) for plan in (stoa, raw)]
    stoa_took, raw_took = [_middle(reports) for reports in await _in_turns(*steady)]
    progress(f"{route.name}: {stoa_most:,.0f} req/s, p99 {stoa_took.p99:.1f} ms at {rate:,.0f} req/s")
    return Measured(route.name, rate, stoa_most, raw_most, stoa_took, raw_took)


async def _in_turns(*plans: Plan) -> list[list[Report]]:
    """Carry the plans out in turns, so that whatever else the machine does meets all of them, after one to warm up."""
    rounds = [[await _ask(plan) for plan in plans] for _ in range(ROUNDS + 1)][1:]
    return [list(reports) for reports in zip(*rounds, strict=True)]


def _middle(reports: list[Report]) -> Report:
    """Return the medians over the rounds, and the sums of what is counted."""
    p50, p95, p99 = (median(getattr(each, name) for each in reports) for name in ("p50", "p95", "p99"))
    due, answered, refused, seconds = (
        sum(getattr(each, name) for each in reports) for name in ("due", "answered", "refused", "seconds")
    )
    return Report(due=due, answered=answered, refused=refused, seconds=seconds, p50=p50, p95=p95, p99=p99)


async def _run(server: EmbeddedPostgres, folder: Path, options: Options) -> tuple[list[Measured], Ground]:
    ground = await prepare(server, folder)
    shop = await open_shop(ground)
    async with AsyncExitStack() as stack:
        progress("starting the servers …")
        raw_port = await stack.enter_async_context(raw_server(ground))
        stoa_port = await stack.enter_async_context(stoa_server(ground))
        return [await _measure(route, shop, stoa_port, raw_port, options) for route in ROUTES], ground


def _show(measured: list[Measured], options: Options) -> None:
    rows = f"{ORDERS:,} orders and {PRODUCTS:,} products of {ORGANIZATIONS} organizations"
    table = Table(title=f"One worker, {options.connections} connections, {rows}; … / raw in brackets")
    for heading in ("route", "most req/s", "at req/s", "p50 ms", "p95 ms", "p99 ms", "refused"):
        table.add_column(heading, justify="left" if heading == "route" else "right", no_wrap=heading != "route")
    for each in measured:
        times = (_beside(getattr(each.stoa, name), getattr(each.raw, name), 1) for name in ("p50", "p95", "p99"))
        most = _beside(each.stoa_most, each.raw_most, 0)
        table.add_row(each.route, most, f"{each.rate:,.0f}", *times, str(each.stoa.refused))
    console = Console()
    Console(width=max(console.width, 120)).print(table)


def _beside(stoa: float, raw: float, digits: int) -> str:
    return f"{stoa:,.{digits}f} ({stoa / raw:.2f})" if raw else f"{stoa:,.{digits}f}"


def main() -> None:
    """Measure, and print a table on standard output; this is no test."""
    parser = argparse.ArgumentParser(prog="make load", description="Open-loop load on a real server, as ratios.")
    parser.add_argument("--seconds", type=float, default=4.0, help="of steady load for each route and server (4)")
    parser.add_argument("--rate", type=float, help="requests per second; otherwise half of what the slower can do")
    parser.add_argument("--connections", type=int, default=32, help="open at once (32)")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table", help="what to print")
    given = parser.parse_args()
    options = Options(given.seconds, given.rate, given.connections)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with TemporaryDirectory(prefix="stoa-load-") as folder, cluster() as server:
        measured, ground = uvloop.run(_run(server, Path(folder), options))
    load = round(os.getloadavg()[1], 1)
    if given.output == "json":
        machine = {"pinned": ground.pinned, "load": load, "python": platform.python_version()}
        print(json.dumps({"conditions": machine | asdict(options), "routes": [asdict(each) for each in measured]}))
    else:
        _show(measured, options)
    if load > 2:
        progress(f"load average {load}: others were busy here too, so trust the ratios more than the milliseconds")


if __name__ == "__main__":
    main()
