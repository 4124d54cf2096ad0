"""``python -m benchmarks``: every figure the design promised, measured side by side in one run."""

import argparse
import logging
import os
import platform
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
import uvloop

from benchmarks.answers import answers
from benchmarks.arena import Arena, open_arena
from benchmarks.bulk import bulks
from benchmarks.cluster import cluster, prepare
from benchmarks.http_load import http_load
from benchmarks.measure import Scale, progress
from benchmarks.outbox import outbox
from benchmarks.report import Row, save, show
from benchmarks.round_trips import round_trips
from benchmarks.scale import scale
from benchmarks.tasks import tasks
from benchmarks.units import units
from infrastructure.persistence.embedded import EmbeddedPostgres

type Chapter = Callable[[Arena], Awaitable[list[Row]]]
_CHAPTERS: dict[str, Chapter] = {
    "units": units,
    "bulk": bulks,
    "answers": answers,
    "http": http_load,
    "round-trips": round_trips,
    "outbox": outbox,
    "scale": scale,
    "tasks": tasks,
}


def main() -> None:
    """Measure, print the table, and end with 0 whatever was measured: this is no test."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Stoa's benchmarks, as ratios.")
    parser.add_argument("--quick", action="store_true", help="a minute instead of several, with less certainty")
    parser.add_argument("--only", action="append", choices=list(_CHAPTERS), help="a chapter; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file as well")
    arguments = parser.parse_args()
    started = time.monotonic()
    # The workers' own news would only interrupt ours.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    scale = Scale(quick=arguments.quick)
    with TemporaryDirectory(prefix="stoa-bench-files-") as folder, cluster() as server:
        rows, pinned = uvloop.run(_measure(server, Path(folder), scale, arguments.only or list(_CHAPTERS)))
    seconds = round(time.monotonic() - started)
    show(rows)
    if (load := _load()) > 2:
        progress(f"load average {load}: others were busy here too, so trust the CPU ratios more than the elapsed ones")
    if arguments.json:
        conditions = {
            "quick": scale.quick, "pinned": pinned, "seconds": seconds, "load": _load(),
            "python": platform.python_version(), "machine": platform.machine(),
        }  # fmt: skip
        save(rows, arguments.json, conditions)
    progress(f"{seconds} seconds")


def _load() -> float:
    """Return the load of the machine over the last five minutes; one process per core is ours and the server's."""
    return round(os.getloadavg()[1], 1)


async def _measure(server: EmbeddedPostgres, folder: Path, scale: Scale, chapters: list[str]) -> tuple[list[Row], bool]:
    ground = await prepare(server, folder)
    rows: list[Row] = []
    async with open_arena(ground, scale) as arena:
        for chapter in chapters:
            rows += await _CHAPTERS[chapter](arena)
    return rows, ground.pinned


if __name__ == "__main__":
    main()
