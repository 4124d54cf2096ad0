"""What use-cases about tasks need to be there before them."""

from datetime import UTC, datetime
from typing import cast

from sqlalchemy import Executable, bindparam, update

from domain.shared.ids import AgentId, TaskId, decode_id
from infrastructure.persistence.repositories.task_statements import RUNS
from infrastructure.persistence.tenancy import TENANT, wall
from infrastructure.persistence.types import Guid, UtcDateTime
from tests.support.ground import Ground, Prepare
from tests.support.stack import Body
from tests.support.workflows import Bench


async def active_agent(world: Ground) -> str:
    """Make an agent that may be given work."""
    agent = str((await world.fresh(AgentId))["id"])
    await world.send("agents.activate", {"id": agent})
    return agent


async def _agent_with_a_task(world: Ground, **given: object) -> dict[str, object]:
    agent = await active_agent(world)
    await world.fresh(TaskId, agent_id=agent, **given)
    return {"agent_id": agent}


async def claimed(world: Ground, **given: object) -> Body:
    """Make a task and an agent of its own that claims it; returns the claim."""
    for_agent = await _agent_with_a_task(world, **given)
    answer = await world.send("tasks.claim", for_agent)
    return cast("list[Body]", answer["data"])[0]


async def _claimed_task(world: Ground) -> dict[str, object]:
    claim = await claimed(world)
    return {"id": cast("Body", claim["task"])["id"], "token": claim["token"]}


async def _dead_task(world: Ground) -> dict[str, object]:
    claim = await claimed(world, max_attempts=1)
    held = {"id": cast("Body", claim["task"])["id"], "token": claim["token"]}
    failed = await world.send("tasks.fail", {**held, "error": {"code": "broken"}})
    return {"id": failed["id"], "expected_version": failed["version"]}


async def _new_tasks(_: Ground) -> dict[str, object]:
    return {"rows": [{"title": "Count the beans", "type": "count", "input": {"silo": 4}}]}


async def _two_tasks(world: Ground) -> dict[str, object]:
    return {"id": (await world.fresh(TaskId))["id"], "depends_on_id": (await world.fresh(TaskId))["id"]}


async def _dependent_task(world: Ground) -> dict[str, object]:
    first = await world.fresh(TaskId)
    return {"id": (await world.fresh(TaskId, depends_on=[first["id"]]))["id"], "depends_on_id": first["id"]}


async def _silent_agent(world: Ground) -> dict[str, object]:
    task = cast("Body", (await claimed(world))["task"])
    await end_lease(world, str(task["id"]))
    return {}


async def end_lease(world: Ground | Bench, task: str) -> None:
    """Let the lease of a claimed task be over, whatever the database's clock says."""
    database, owner = world.stack.database, world.actor.organization_id
    statement = database.prepare("tests-end-lease", _end_lease)
    params = {TENANT: owner, "this_task": decode_id("task", task), "long_ago": datetime(2020, 1, 1, tzinfo=UTC)}
    await database.rows(statement, params, organization_id=owner)


def _end_lease() -> Executable:
    this = (wall(RUNS), RUNS.c.task_id == bindparam("this_task", type_=Guid()), RUNS.c.ended_at.is_(None))
    return update(RUNS).where(*this).values(lease_until=bindparam("long_ago", type_=UtcDateTime()))


async def _task_claimed_twice(world: Ground) -> dict[str, object]:
    for_agent = await _agent_with_a_task(world)
    claim = cast("list[Body]", (await world.send("tasks.claim", for_agent))["data"])[0]
    task = cast("Body", claim["task"])
    await world.send("tasks.release", {"id": task["id"], "token": claim["token"]})
    await world.send("tasks.claim", for_agent)
    return {"task_id": task["id"], "agent_id": for_agent["agent_id"]}


PREPARATIONS: dict[str, Prepare] = {
    "tasks.add_dependency": _two_tasks,
    "tasks.claim": _agent_with_a_task,
    "tasks.complete": _claimed_task,
    "tasks.create_many": _new_tasks,
    "tasks.expire_leases": _silent_agent,
    "tasks.fail": _claimed_task,
    "tasks.list_runs": _task_claimed_twice,
    "tasks.heartbeat": _claimed_task,
    "tasks.release": _claimed_task,
    "tasks.remove_dependency": _dependent_task,
    "tasks.retry": _dead_task,
}
