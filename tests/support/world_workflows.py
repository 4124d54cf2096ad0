"""What use-cases about workflows and playbooks need to be there before them."""

from datetime import timedelta

from domain.shared.ids import (
    PaymentMethodId,
    PaymentOrderId,
    PlaybookId,
    PlaybookRunId,
    WorkflowExecutionId,
    WorkflowId,
)
from tests.support.ground import Ground, Prepare
from tests.support.stack import Body

# Nobody in the world is able to do this, so that nobody's claims are answered with tasks of workflows.
CAPABILITY = "parcels"


async def add_specimens(world: Ground) -> None:
    """Publish the world's own workflow and playbook, and run them."""
    workflow, playbook = await world.id_of(WorkflowId), await world.id_of(PlaybookId)
    for _ in range(2):
        await world.run("workflows.publish_version", id=workflow, expected_version=None)
        await world.run("playbooks.publish", id=playbook, expected_version=None)
    await world.send("workflows.activate", {"id": workflow})
    for _ in range(2):
        started = await world.send("workflow_executions.start", {"workflow_id": workflow})
        world.ids[WorkflowExecutionId] = str(started["id"])
        world.ids[PlaybookRunId] = str((await world.run("playbooks.run", playbook_id=playbook))["id"])


async def running(world: Ground, *steps: Body) -> Body:
    """Run a workflow of its own with these steps."""
    workflow = (await world.fresh(WorkflowId))["id"]
    await world.send("workflows.publish_version", {"id": workflow, "steps": list(steps)})
    await world.send("workflows.activate", {"id": workflow})
    return await world.send("workflow_executions.start", {"workflow_id": workflow})


def _task(key: str, *depends_on: str, **fields: object) -> Body:
    about = {"key": key, "kind": "agent_task", "depends_on": list(depends_on), "capability": CAPABILITY}
    return {**about, **fields}


async def _published(world: Ground) -> dict[str, object]:
    workflow = (await world.fresh(WorkflowId))["id"]
    await world.send("workflows.publish_version", {"id": workflow, "steps": [_task("only")]})
    return {"id": workflow, "expected_version": (await world.send("workflows.get", {"id": workflow}))["version"]}


async def _calling(world: Ground) -> dict[str, object]:
    called: Body = {"x": {"from": "look-up.output.parcel"}}
    step: Body = {"key": "look-up", "kind": "tool_call"}
    execution = await running(world, step, _task("then", "look-up", input=called))
    return {"id": execution["id"]}


async def _calling_by_workflow(world: Ground) -> dict[str, object]:
    execution = await running(world, {"key": "look-up", "kind": "tool_call"}, _task("then", "look-up"))
    return {"id": execution["workflow_id"]}


async def _asking(world: Ground) -> dict[str, object]:
    execution = await running(world, {"key": "agree", "kind": "approval"}, _task("then", "agree"))
    return {"id": execution["id"]}


async def _failed(world: Ground) -> dict[str, object]:
    execution = await running(world, {"key": "agree", "kind": "approval"}, _task("beside"))
    refused = await world.send("workflow_approvals.refuse", {"id": execution["id"], "step": "agree"})
    return {"id": refused["id"], "expected_version": refused["version"]}


async def _open(world: Ground) -> dict[str, object]:
    execution = await running(world, _task("one"), {"key": "pause", "kind": "wait", "wait_seconds": 60})
    return {"id": execution["id"], "expected_version": execution["version"]}


async def _due(world: Ground) -> dict[str, object]:
    pause: Body = {"key": "pause", "kind": "wait", "wait_seconds": 1}
    # Begun a while ago, so that its time is over now.
    world.stack.clock.shift -= timedelta(seconds=10)
    execution = await running(world, pause, _task("then", "pause"), {**pause, "key": "longer", "wait_seconds": 900})
    world.stack.clock.shift += timedelta(seconds=10)
    return {"id": execution["id"]}


async def _paying(world: Ground) -> dict[str, object]:
    about: Body = {
        "payment_order_id": await world.id_of(PaymentOrderId), "payment_method_id": await world.id_of(PaymentMethodId),
    }  # fmt: skip
    execution = await running(world, {"key": "pay", "kind": "payment", "input": about})
    return {"id": execution["id"]}


PREPARATIONS: dict[str, Prepare] = {
    "workflow_approvals.approve": _asking,
    "workflow_executions.attend": _due,
    "workflow_executions.cancel": _open,
    "workflow_approvals.refuse": _asking,
    "workflow_executions.fail_payment": _paying,
    "workflow_executions.retry": _failed,
    "workflow_executions.update_state": _calling,
    "workflows.activate": _published,
    "workflows.update_execution_state": _calling_by_workflow,
}
