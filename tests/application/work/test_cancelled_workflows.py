"""Cancelling stops a workflow within one step: what its agents bring about is counted, not what it says."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import cast
from uuid import uuid4

import pytest

from domain.shared.errors import StoaError
from domain.shared.ids import WorkflowExecutionId, decode_id
from tests.support.stack import Body, Stack
from tests.support.workflows import Bench, bench
from tests.support.world_tasks import end_lease

AGENTS, WIDTH, LEVELS = 4, 6, 12


def levels(desk: Bench) -> list[Body]:
    """Return steps in levels, each step behind one of the level before, and more than anybody gets done in time."""
    first = [desk.task(f"s0-{n}") for n in range(WIDTH)]
    return first + [desk.task(f"s{m}-{n}", f"s{m - 1}-{n}") for m in range(1, LEVELS) for n in range(WIDTH)]


@dataclass(kw_only=True)
class Effects:
    """What agents bring about outside: one effect for every task that they begin."""

    desk: Bench
    chance: random.Random
    cancel_at: int
    begun: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    due: asyncio.Event = field(default_factory=asyncio.Event)
    is_cancelled: bool = False
    afterwards: list[str] = field(default_factory=list)

    async def work(self) -> None:
        """Be an agent until there is nothing to do any more."""
        while (claim := await self._claim()) is not None:
            key = str(cast("Body", claim["task"])["title"])
            self.begun.append(key)
            if len(self.begun) == self.cancel_at:
                self.due.set()
            await asyncio.sleep(self.chance.uniform(0, 0.01))
            try:
                await self.desk.complete(claim, {})
                self.accepted.append(key)
            except StoaError as error:
                assert error.code == "lease_lost"  # noqa: PT017 - every other one is a failure
                self.refused.append(key)

    async def _claim(self) -> Body | None:
        cancelled = self.is_cancelled
        claim = await self.desk.claim()
        if claim is not None and cancelled:
            self.afterwards.append(str(claim["run_id"]))
        return claim

    async def cancel(self) -> None:
        """Cancel as soon as it is due: when so many effects have been brought about."""
        await self.due.wait()
        await self.desk.run("workflow_executions.cancel")
        self.is_cancelled = True


@pytest.mark.parametrize("seed", range(6))
async def test_cancelling_lets_no_agent_begin_another_step(stack: Stack, seed: int) -> None:
    """Each agent ends at most the one step it has, and in vain; nothing is begun after the answer, then or later.

    While the request waits its turn, each agent ends one step and begins another, at most.
    """
    chance = random.Random(seed)
    desk = await bench(stack)
    await desk.start(levels(desk))
    effects = Effects(desk=desk, chance=chance, cancel_at=chance.randint(AGENTS, 20))
    agents = [asyncio.create_task(effects.work()) for _ in range(AGENTS)]
    await effects.cancel()
    await asyncio.gather(*agents)
    await desk.attend()
    await effects.work()

    steps, tasks = await desk.steps(), await desk.tasks()
    assert effects.afterwards == []
    assert len(effects.begun) == len(effects.accepted) + len(effects.refused)
    assert len(effects.refused) <= AGENTS
    print(f"begun after it was asked for: {len(effects.begun) - effects.cancel_at}")  # noqa: T201 - seen with -rP
    assert len(effects.begun) <= effects.cancel_at + 2 * AGENTS
    done = sorted(str(each["key"]) for each in steps if each["status"] == "completed")
    assert done == sorted(effects.accepted)
    assert {each["status"] for each in steps} == {"completed", "cancelled"}
    assert {each["status"] for each in tasks} == {"completed", "cancelled"}
    assert sum(each["status"] == "completed" for each in tasks) == len(done)
    assert (await desk.execution())["status"] == "cancelled"


async def test_the_sweeper_waits_for_no_execution(pg_stack: Stack) -> None:
    """It has tasks already when it asks for their executions; one that somebody has is left for the next round."""
    desk = await bench(pg_stack)
    await desk.start([desk.task("one")])
    claim = await desk.claim()
    assert claim is not None
    await end_lease(desk, str(cast("Body", claim["task"])["id"]))
    execution = WorkflowExecutionId(decode_id("wfx", desk.current))
    async with pg_stack.units(desk.actor, use_case="test", request_id=str(uuid4())) as uow:
        await uow.workflow_executions.get(execution, lock=True)
        await pg_stack.run("tasks.expire_leases", desk.actor)
        assert [each["status"] for each in await desk.tasks()] == ["claimed"]
    await pg_stack.run("tasks.expire_leases", desk.actor)
    assert [each["status"] for each in await desk.tasks()] == ["pending"]
