"""Agents that stall, agents that are killed and a database that is restarted: each task is completed exactly once."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import cast

import asyncpg
import pytest

from application.kernel.actor import Actor
from infrastructure.persistence import migrations
from infrastructure.persistence.embedded import EmbeddedPostgres
from infrastructure.workers.lease_sweeper import LeaseSweeper
from tests.faults.processes import crowd
from tests.support.databases import ROOT, DatabaseUrls
from tests.support.stack import Body, Stack, open_stack

LEASE, BACK_WITHIN = 1, 1.0
_ROLES = ("stoa_app", "stoa_relay", "stoa_sealer", "postgres")
_LEFT = "SELECT count(*) FROM tasks WHERE status <> 'completed'"
_COMPLETED = "SELECT aggregate_id, count(*) AS times FROM outbox WHERE type = 'task.completed' GROUP BY aggregate_id"
# From the end of a lease, by the clock of the database, to the moment in which somebody could claim the task again.
_BACK = "SELECT max(extract(epoch FROM ended_at - lease_until))::float8 FROM task_runs WHERE outcome = 'timed_out'"
_RUNS = "SELECT count(*) FROM task_runs WHERE outcome = 'completed'"
_BY = """
SELECT r.token, t.output->>'by' AS by FROM tasks t JOIN task_runs r ON r.task_id = t.id AND r.outcome = 'completed'
"""


@dataclass(frozen=True)
class Size:
    """How much of everything; 5 % are stalled and 5 % killed."""

    workers: int
    tasks: int
    restart: bool

    @property
    def kills(self) -> int:
        return self.tasks // 20


class Crew:
    """The agent's processes, and what they said."""

    def __init__(self, folder: Path, arguments: list[str]) -> None:
        folder.mkdir()
        self._folder, self._alive, self.started = folder, dict[int, Path](), 0
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.task_process", *arguments], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    def hire(self) -> None:
        """Start one more."""
        self.started += 1
        file = self._folder / str(self.started)
        assert self._nursery.stdin
        assert self._nursery.stdout
        self._nursery.stdin.write(f"{file}\n")
        self._nursery.stdin.flush()
        self._alive[int(self._nursery.stdout.readline())] = file

    def kill_one(self) -> bool:
        """Kill one that has claimed something, and start another in its place."""
        working = [pid for pid, file in self._alive.items() if file.exists() and "claimed" in file.read_text()]
        if not working:
            return False
        self._kill(random.choice(working))
        self.hire()
        return True

    def _kill(self, pid: int) -> None:
        del self._alive[pid]
        os.kill(pid, signal.SIGKILL)

    def dismiss(self) -> None:
        """Kill all of them, and nobody else."""
        for pid in list(self._alive):
            self._kill(pid)
        self._nursery.kill()
        self._nursery.communicate(timeout=10)

    def said(self) -> list[Body]:
        """Return every line that was finished before its process was killed."""
        lines = [line for each in self._folder.iterdir() for line in each.read_text().splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


@pytest.fixture
async def urls(tmp_path: Path) -> AsyncIterator[tuple[EmbeddedPostgres, DatabaseUrls]]:
    """Start a cluster of the test's own."""
    made = EmbeddedPostgres(tmp_path / "data")
    try:
        await asyncio.to_thread(made.start)
        await asyncio.to_thread(made.ensure_database, "stoa")
        await migrations.upgrade(made.url("stoa", "postgres"))
        yield made, DatabaseUrls(*(made.url("stoa", role) for role in _ROLES))
    finally:
        await asyncio.to_thread(made.stop)


async def filled(stack: Stack, tasks: int) -> tuple[Actor, str]:
    """Make an organization with an active agent and so many tasks for it."""
    actor = await stack.organization()
    agent = str((await stack.run("agents.create", actor, name="Counter", type="worker"))["id"])
    await stack.run("agents.activate", actor, id=agent)
    for n in range(tasks):
        await stack.run("tasks.create", actor, title=f"Task {n}", agent_id=agent, max_attempts=100)
    return actor, agent


async def worked_off(crew: Crew, cluster: EmbeddedPostgres, database: str, size: Size) -> float:
    """Kill and restart until everything is completed; returns how long the database was away."""
    kills, away, connection = size.kills, 0.0, await asyncpg.connect(database)
    half = size.tasks // 2
    try:
        async with asyncio.timeout(120 * crowd()):
            while left := cast("int", await connection.fetchval(_LEFT)):
                if size.restart and not away and left < half:
                    await connection.close()
                    away = -perf_counter()
                    await asyncio.to_thread(cluster.stop)
                    await asyncio.to_thread(cluster.start)
                    away += perf_counter()
                    connection = await asyncpg.connect(database)
                # Spread over the work: the more is left to kill, the more often.
                if kills and kills >= size.kills * left / size.tasks * 0.9 and crew.kill_one():
                    kills -= 1
                await asyncio.sleep(0.02)
    finally:
        await connection.close()
    return away


async def test_each_task_is_completed_exactly_once(
    urls: tuple[EmbeddedPostgres, DatabaseUrls], tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """None is stranded, a stale completion is refused by its token, and a silent agent's task is back in time."""
    at_length = pytestconfig.getoption("--faults")
    size = Size(12, 3_000, restart=True) if at_length else Size(4, 100, restart=False)
    cluster, found = urls
    async with AsyncExitStack() as cleanup:
        stack = await cleanup.enter_async_context(open_stack(found))
        actor, agent = await filled(stack, size.tasks)
        sweeping = asyncio.create_task(LeaseSweeper(stack.relay_database, stack.dispatcher).run())
        cleanup.callback(sweeping.cancel)
        # Of few tasks more are stalled, so that there is always one.
        stall = "0.05" if at_length else "0.1"
        crew = Crew(tmp_path / "crew", [found.app, str(actor.organization_id), agent, str(LEASE), stall])
        cleanup.callback(crew.dismiss)
        started = perf_counter()
        for _ in range(size.workers):
            crew.hire()
        away = await worked_off(crew, cluster, found.superuser, size)
        seconds = perf_counter() - started
        # Those who stalled come back to tasks that others completed meanwhile.
        await asyncio.sleep(LEASE + 2)
        await judged(found.superuser, crew, size, away, seconds)


async def judged(database: str, crew: Crew, size: Size, away: float, seconds: float) -> None:
    """Count the effects in the tables, and compare them with what the processes were told."""
    connection = await asyncpg.connect(database)
    try:
        completed = {row["aggregate_id"]: row["times"] for row in await connection.fetch(_COMPLETED)}
        runs, back = await connection.fetchval(_RUNS), await connection.fetchval(_BACK) or 0.0
        tokens = await connection.fetch(_BY)
        left = await connection.fetchval(_LEFT)
    finally:
        await connection.close()
    said = Counter(str(line["what"]) for line in crew.said())
    twice = Counter(line["task"] for line in crew.said() if line["what"] == "completed")
    print(  # noqa: T201 - the figures of the run, seen with -rP
        f"{size.tasks} tasks, {size.workers} workers, {crew.started - size.workers} killed, "
        f"{said['refused']} stale completions refused, back at most {back:.2f} s after the lease, database away "
        f"{away:.1f} s, {seconds:.1f} s in all"
    )
    assert left == 0
    assert len(completed) == runs == size.tasks
    assert set(completed.values()) == {1}
    assert max(twice.values()) == 1
    assert all(row["token"] == row["by"] for row in tokens)
    assert said["refused"] > 0
    assert back <= (BACK_WITHIN + away) * crowd()
