"""Tasks: claimed once, completed once, tried again, and waiting for each other."""

import asyncio
from typing import cast

import pytest

from domain.shared.errors import Conflict, NotFound
from domain.shared.ids import AgentId, TaskId
from domain.work.task_errors import AgentNotActive, AgentTimeoutError, DependencyCycle, TaskLeaseLost
from tests.support.races import race
from tests.support.rows import Rows
from tests.support.stack import Body
from tests.support.world import World
from tests.support.world_tasks import active_agent, claimed, end_lease

ERROR: Body = {"code": "broken", "message": "It broke."}


async def claim(world: World, agent: str, limit: int = 1) -> list[Body]:
    answer = await world.send("tasks.claim", {"agent_id": agent, "limit": limit})
    return cast("list[Body]", answer["data"])


def held(claim: Body) -> Body:
    return {"id": cast("Body", claim["task"])["id"], "token": claim["token"]}


async def runs_of(world: World, task: object) -> list[Body]:
    listed = await world.send("tasks.list_runs", {"task_id": task, "sort": "started_at"})
    return cast("list[Body]", listed["data"])


async def test_the_most_urgent_task_is_claimed_first(world: World) -> None:
    """By priority, then by age; what is not due yet or is somebody else's is left alone."""
    agent, other = await active_agent(world), await active_agent(world)
    low = await world.fresh(TaskId, agent_id=agent, priority=1)
    high = [await world.fresh(TaskId, agent_id=agent, priority=9) for _ in range(2)]
    await world.fresh(TaskId, agent_id=agent, priority=9, not_before="2100-01-01T00:00:00Z", due_at=None)
    await world.fresh(TaskId, agent_id=other, priority=9)
    waiting = await world.send("tasks.find_pending_for_agent", {"agent_id": agent})
    assert [each["id"] for each in cast("list[Body]", waiting["data"])] == [high[0]["id"], high[1]["id"], low["id"]]
    taken = [held(each)["id"] for each in await claim(world, agent, 2)] + [
        held(each)["id"] for each in await claim(world, agent, 2)
    ]
    assert taken == [high[0]["id"], high[1]["id"], low["id"]]
    assert await claim(world, agent) == []


async def test_a_capability_finds_any_agent_that_has_it(world: World) -> None:
    """A task that names a capability goes to an agent with it, and to no other."""
    able = await world.fresh(AgentId, capabilities=["count.beans"])
    await world.send("agents.activate", {"id": able["id"]})
    unable = await active_agent(world)
    task = await world.fresh(TaskId, agent_id=None, capability="Count.Beans")
    assert await claim(world, unable) == []
    assert [held(each)["id"] for each in await claim(world, str(able["id"]))] == [task["id"]]


async def test_an_agent_that_is_not_active_gets_nothing(world: World) -> None:
    """A draft has to be activated first."""
    draft = await world.fresh(AgentId)
    with pytest.raises(AgentNotActive):
        await claim(world, str(draft["id"]))


async def test_many_who_claim_at_once_never_share_a_task(world: World) -> None:
    """Twelve claims at once for thirty tasks: each task goes out once."""
    agent = await active_agent(world)
    made = {str((await world.fresh(TaskId, agent_id=agent))["id"]) for _ in range(30)}
    taken: list[str] = []
    while len(taken) < len(made):
        for batch in await asyncio.gather(*(claim(world, agent, 2) for _ in range(12))):
            taken += [str(held(each)["id"]) for each in batch]
    assert sorted(taken) == sorted(made)


async def test_only_the_token_of_the_open_run_says_anything(world: World, rows: Rows) -> None:
    """A made-up token and one from before the lease ended are refused, and change nothing."""
    first = await claimed(world)
    task, agent = held(first)["id"], cast("Body", first["task"])["agent_id"]
    await end_lease(world, str(task))
    second = (await claim(world, str(agent)))[0]
    assert held(second)["id"] == task
    before = await rows.digest(world.actor.organization_id)
    for stale in (held(first), {**held(second), "token": "made-up"}):
        for name, more in (
            ("heartbeat", {}), ("complete", {"output": {}}), ("fail", {"error": ERROR}), ("release", {}),
        ):  # fmt: skip
            with pytest.raises(TaskLeaseLost):
                await world.send(f"tasks.{name}", {**stale, **more})
    after = await rows.digest(world.actor.organization_id)
    assert {name for name in after if after[name] != before[name]} <= {"idempotency_records"}
    assert [run["outcome"] for run in await runs_of(world, task)] == ["timed_out", None]


async def test_completing_twice_with_one_token_is_one_completion(world: World, rows: Rows) -> None:
    """Ten at once, under keys of their own: all hear of the same completion, of which there is one event."""
    claim = await claimed(world)
    raced = await race(world.send("tasks.complete", {**held(claim), "output": {"n": n}}) for n in range(10))
    assert len(raced.won) == 10
    assert len({str(answer["output"]) for answer in raced.won}) == 1
    events = await rows.of("outbox", world.actor.organization_id)
    task = str(held(claim)["id"])
    assert sum(e["type"] == "task.completed" and task in str(e["payload"]) for e in events) == 1


async def test_a_failed_attempt_is_repeated_until_the_task_is_dead_and_retried(world: World) -> None:
    """Two attempts, the second after a pause; then nobody gets the task before it is retried."""
    first = await claimed(world, max_attempts=2)
    agent = str(cast("Body", first["task"])["agent_id"])
    failed = await world.send("tasks.fail", {**held(first), "error": ERROR})
    assert (failed["status"], failed["attempt"]) == ("pending", 1)
    assert await claim(world, agent) == []
    world.stack.clock.shift = type(world.stack.clock.shift)(seconds=10)
    second = (await claim(world, agent))[0]
    world.stack.clock.shift = type(world.stack.clock.shift)()
    dead = await world.send("tasks.fail", {**held(second), "error": ERROR})
    assert (dead["status"], dead["error"]) == ("dead", ERROR)
    await world.send("tasks.retry", {"id": dead["id"]})
    third = (await claim(world, agent))[0]
    done = await world.send("tasks.complete", {**held(third), "output": {"beans": 3}})
    assert (done["status"], done["output"], done["error"]) == ("completed", {"beans": 3}, None)
    outcomes = [run["outcome"] for run in await runs_of(world, done["id"])]
    assert sorted(map(str, outcomes)) == ["completed", "failed", "failed"]


async def test_what_must_not_be_repeated_fails_at_once(world: World) -> None:
    """Without a retry the first failure is the last."""
    claim = await claimed(world)
    failed = await world.send("tasks.fail", {**held(claim), "error": ERROR, "retry": False})
    assert failed["status"] == "failed"


async def test_a_released_task_has_lost_no_attempt(world: World) -> None:
    """It can be claimed at once."""
    first = await claimed(world, max_attempts=1)
    released = await world.send("tasks.release", held(first))
    assert (released["status"], released["attempt"]) == ("pending", 0)
    assert len(await claim(world, str(released["agent_id"]))) == 1


async def test_a_silent_agent_loses_the_task_with_a_timeout(world: World) -> None:
    """The sweep ends the run with the error of a timeout; after the last attempt the task is dead."""
    claim = await claimed(world, max_attempts=1)
    await end_lease(world, str(held(claim)["id"]))
    await world.send("tasks.expire_leases", {})
    task = await world.send("tasks.get", {"id": held(claim)["id"]})
    assert (task["status"], cast("Body", task["error"])["code"]) == ("dead", AgentTimeoutError.code)
    (run,) = await runs_of(world, task["id"])
    assert (run["outcome"], cast("Body", run["error"])["code"]) == ("timed_out", AgentTimeoutError.code)


async def test_heartbeats_do_not_prolong_an_attempt_beyond_its_time(world: World) -> None:
    """The lease never goes on after the time that the task allows for an attempt."""
    claim = await claimed(world, timeout_seconds=1)
    assert claim["lease_until"] == claim["times_out_at"]
    await asyncio.sleep(1.05)
    with pytest.raises(AgentTimeoutError):
        await world.send("tasks.heartbeat", held(claim))


async def test_a_cancelled_task_is_taken_from_its_agent(world: World) -> None:
    """The next heartbeat says so."""
    claim = await claimed(world)
    assert (await world.send("tasks.cancel", {"id": held(claim)["id"]}))["status"] == "cancelled"
    with pytest.raises(TaskLeaseLost):
        await world.send("tasks.heartbeat", held(claim))


async def test_a_task_waits_for_all_it_depends_on(world: World) -> None:
    """Completed in whatever order, at the same time: with the last one it can be claimed."""
    agent = await active_agent(world)
    awaited = [await world.fresh(TaskId, agent_id=agent) for _ in range(4)]
    last = await world.fresh(TaskId, agent_id=agent, depends_on=[each["id"] for each in awaited], priority=9)
    assert (last["status"], last["open_dependencies"]) == ("blocked", 4)
    claims = await claim(world, agent, 10)
    assert len(claims) == 4
    await asyncio.gather(*(world.send("tasks.complete", {**held(each), "output": {}}) for each in claims))
    assert [held(each)["id"] for each in await claim(world, agent, 10)] == [last["id"]]


async def test_two_edges_at_once_never_close_a_cycle(world: World) -> None:
    """Of two tasks that are to wait for each other at the same moment, one may; so with three in a ring."""
    for length in (2, 3):
        ring = [str((await world.fresh(TaskId))["id"]) for _ in range(length)]
        edges = [{"id": ring[n], "depends_on_id": ring[(n + 1) % length]} for n in range(length)]
        raced = await race(world.send("tasks.add_dependency", edge) for edge in edges)
        assert (len(raced.won), raced.lost) == (length - 1, {DependencyCycle.code: 1})


async def test_a_task_does_not_wait_for_itself(world: World) -> None:
    """Nor for the same one twice, nor for one that is not there."""
    task, other = await world.fresh(TaskId), await world.fresh(TaskId)
    with pytest.raises(DependencyCycle):
        await world.send("tasks.add_dependency", {"id": task["id"], "depends_on_id": task["id"]})
    await world.send("tasks.add_dependency", {"id": task["id"], "depends_on_id": other["id"]})
    with pytest.raises(Conflict, match="already"):
        await world.send("tasks.add_dependency", {"id": task["id"], "depends_on_id": other["id"]})
    await world.send("tasks.remove_dependency", {"id": task["id"], "depends_on_id": other["id"]})
    assert (await world.send("tasks.get", {"id": task["id"]}))["status"] == "pending"
    with pytest.raises(NotFound):
        await world.send("tasks.remove_dependency", {"id": task["id"], "depends_on_id": other["id"]})


async def test_tasks_are_found_by_words_and_by_when_they_are_due(world: World) -> None:
    """In title or description, and before a moment."""
    made = await world.fresh(TaskId, title="Inspect the conveyor", due_at="2031-05-01T00:00:00Z")
    found = await world.send("tasks.search", {"term": "CONVEYOR", "due_before": "2031-06-01T00:00:00Z"})
    assert [each["id"] for each in cast("list[Body]", found["data"])] == [made["id"]]
    none = await world.send("tasks.search", {"term": "conveyor", "due_before": "2031-04-01T00:00:00Z"})
    assert none["data"] == []
