"""Agents are killed at random while a workflow runs: it comes to its end, and every step is done once."""

import asyncio
import random
from pathlib import Path

import asyncpg
import pytest

from tests.faults.processes import ChildProcess
from tests.support.databases import TestDatabases
from tests.support.stack import Body, open_stack
from tests.support.workflows import Bench, bench

AGENTS = 3
PATIENCE = 600.0
_ENDED = "SELECT status FROM workflow_executions WHERE status IN ('completed', 'failed')"
_STEPS = """
SELECT s.key, s.status, s.attempts, s.output, s.started_at, s.ended_at, s.depends_on, t.status AS task
FROM workflow_steps s JOIN tasks t ON t.organization_id = s.organization_id AND t.id = s.task_id
"""


def fans(desk: Bench, steps: int, fan: int) -> list[Body]:
    """Return steps that fan out and in again, over and over: one, then ``fan`` that wait for it, then one for all."""
    made = [desk.task("s0", max_attempts=100)]
    ends = ["s0"]
    while len(made) < steps:
        width = min(fan if len(ends) == 1 else 1, steps - len(made))
        fresh = [f"s{len(made) + n}" for n in range(width)]
        made += [desk.task(key, *ends, max_attempts=100) for key in fresh]
        ends = fresh
    return made


async def test_a_workflow_ends_though_its_agents_are_killed(
    test_databases: TestDatabases, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """No step is lost with the agent that had it, none is done twice, none too early; at full length 1,000 steps."""
    thorough = bool(pytestconfig.getoption("--faults"))
    steps, fan, kills = (1_000, 50, 40) if thorough else (60, 18, 5)
    urls = test_databases.postgres()
    async with open_stack(urls) as stack:
        desk = await bench(stack)
        await desk.start(fans(desk, steps, fan))
        about = (urls.app, str(desk.actor.organization_id), desk.agent)
        agents = [ChildProcess(tmp_path / f"agent-{n}", "tests.faults.workflow_process", *about) for n in range(AGENTS)]
        superuser = await asyncpg.connect(urls.superuser)
        try:
            for agent in agents:
                agent.start()
            async with asyncio.timeout(PATIENCE):
                killed = await _kill_until_it_ends(superuser, agents, kills)
            rows = await superuser.fetch(_STEPS)
            tasks = await superuser.fetchval("SELECT count(*) FROM tasks")
        finally:
            for agent in agents:
                agent.kill()
            await superuser.close()
        execution = await desk.execution()
    print(f"{steps} steps, {killed} kills")  # noqa: T201 - the figure of the run, seen with -rP
    assert execution["status"] == "completed"
    assert (len(rows), tasks, execution["steps_completed"]) == (steps, steps, steps)
    assert {(row["status"], row["attempts"], row["task"]) for row in rows} == {("completed", 1, "completed")}
    _assert_in_order(rows)


async def _kill_until_it_ends(
    superuser: "asyncpg.Connection[asyncpg.Record]", agents: list[ChildProcess], kills: int
) -> int:
    killed = 0
    while await superuser.fetchval(_ENDED) is None:
        await asyncio.sleep(random.uniform(0.2, 0.6))
        victim = random.choice(agents)
        if killed < kills and await superuser.fetchval("SELECT count(*) FROM task_runs") > 3 * killed:
            victim.kill()
            killed += 1
        for agent in agents:
            if not agent.alive:
                agent.start()
    return killed


def _assert_in_order(rows: "list[asyncpg.Record]") -> None:
    ended = {row["key"]: row["ended_at"] for row in rows}
    for row in rows:
        before = row["depends_on"].strip("[]").replace('"', "").replace(" ", "")
        for key in filter(None, before.split(",")):
            assert ended[key] <= row["started_at"], (key, row["key"])
