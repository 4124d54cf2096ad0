"""Any graph of steps in any order, with failures and retries: each step once, and never before its dependencies."""

import asyncio
import random
from typing import cast

import pytest

from tests.support.stack import Body, Stack
from tests.support.workflows import Bench, bench

GRAPHS, MOST_STEPS = 12, 14


def a_graph(chance: random.Random) -> list[tuple[str, list[str]]]:
    """Return keys, and what each waits for, in an order of no meaning."""
    count = chance.randint(2, MOST_STEPS)
    graph = []
    for n in range(count):
        before = chance.sample(range(n), chance.randint(0, min(n, 3)))
        graph.append((f"s{n}", [f"s{m}" for m in before]))
    chance.shuffle(graph)
    return graph


class Run:
    """An execution that an agent works on, doing well or badly as chance will have it."""

    def __init__(self, desk: Bench, graph: list[tuple[str, list[str]]], chance: random.Random) -> None:
        self.desk, self.chance = desk, chance
        self.before = dict(graph)
        self.done: list[str] = []

    async def one(self) -> bool:
        """Take a task and end it somehow; False when there is none."""
        claims = Bench.data(
            await self.desk.stack.run("tasks.claim", self.desk.actor, agent_id=self.desk.agent, limit=3)
        )
        await asyncio.gather(*(self._end(claim) for claim in claims))
        return bool(claims)

    async def _end(self, claim: Body) -> None:
        task = cast("Body", claim["task"])
        key, about = str(task["title"]), {"id": task["id"], "token": claim["token"]}
        assert set(self.before[key]) <= set(self.done), f"{key} before {self.before[key]}"
        match self.chance.random():
            case lot if lot < 0.6:
                await self.desk.stack.run("tasks.complete", self.desk.actor, **about, output={"key": key})
                self.done.append(key)
            case lot if lot < 0.8:
                await self.desk.stack.run("tasks.fail", self.desk.actor, **about, error={"code": "x"}, retry=False)
            case _:
                await self.desk.stack.run("tasks.release", self.desk.actor, **about)


@pytest.mark.parametrize("seed", range(GRAPHS))
async def test_every_step_is_done_once_and_never_too_early(stack: Stack, seed: int) -> None:
    """Three tasks end at once, well, badly or not at all; whatever failed is retried until all is done."""
    chance = random.Random(seed)
    desk, graph = await bench(stack), a_graph(chance)
    await desk.start(
        [
            desk.task(key, *before, input={"from_all": [{"from": f"{each}.output.key"} for each in before]})
            for key, before in graph
        ]
    )
    run = Run(desk, graph, chance)
    while (status := (await desk.execution())["status"]) != "completed":
        if not await run.one():
            assert status == "failed", "nothing to do, and nothing failed"
            await desk.run("workflow_executions.retry")
    assert sorted(run.done) == sorted(run.before)
    for step in await desk.steps():
        assert (step["status"], step["open_dependencies"]) == ("completed", 0)
        assert step["input"] == {"from_all": run.before[str(step["key"])]}
    assert await desk.claim() is None
    statuses = [each["status"] for each in await desk.tasks()]
    assert statuses.count("completed") == len(graph)
