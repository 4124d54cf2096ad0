"""Workflows run from the first step to the last, one transaction for every step that ends."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain.shared.errors import StoaError
from domain.shared.ids import PaymentMethodId, PaymentOrderId
from tests.support.shop import Shop
from tests.support.stack import Body, Stack
from tests.support.use_cases import absent_id
from tests.support.workflows import Bench, bench


@pytest.fixture
async def desk(stack: Stack) -> AsyncIterator[Bench]:
    """Return an organization with one agent, in which workflows run; the clock is put right afterwards."""
    before = stack.clock.shift
    yield await bench(stack)
    stack.clock.shift = before


async def test_a_workflow_runs_from_its_first_step_to_its_last(desk: Bench) -> None:
    """A task, a person and the clock after each other, with data that flows through them."""
    execution = await desk.start(
        [
            desk.task("judge", input={"order": {"from": "params.order"}}),
            desk.approval("agree", "judge", input={"why": {"from": "judge.output.why"}}),
            {"key": "pause", "kind": "wait", "wait_seconds": 60, "depends_on": ["agree"]},
            desk.task("tell", "pause", input={"by": {"from": "agree.output.approved_by"}}),
        ],
        parameters=[{"name": "order", "type": "string"}],
        output={"why": {"from": "judge.output.why"}, "nothing": {"from": "tell.output.x"}},
        input={"order": "o-1"},
    )  # fmt: skip
    assert (execution["status"], execution["steps_running"]) == ("running", 1)
    assert await desk.work({"why": "late"}) == {"order": "o-1"}
    assert await desk.states() == {"judge": "completed", "agree": "waiting", "pause": "pending", "tell": "pending"}
    assert (await desk.execution())["status"] == "waiting"
    await desk.run("workflow_approvals.approve", step="agree", comment="yes")
    assert (await desk.step("agree"))["input"] == {"why": "late"}
    await desk.attend()
    assert (await desk.step("pause"))["status"] == "waiting"
    desk.stack.clock.shift += timedelta(seconds=61)
    await desk.attend()
    assert await desk.work({"done": True}) == {"by": desk.actor.id}
    ended = await desk.execution()
    assert (ended["status"], ended["output"]) == ("completed", {"why": "late", "nothing": None})
    assert ended["ended_at"] is not None
    assert await desk.work() is None


async def test_a_step_begins_when_the_last_of_those_before_it_is_done(desk: Bench) -> None:
    """A fan-out and a fan-in: the step behind waits for every one, and is begun once."""
    many = [f"part-{n}" for n in range(5)]
    await desk.start(
        [desk.task("split"), *(desk.task(key, "split") for key in many), desk.task("join", *many)], activate=True
    )
    await desk.work()
    for n in range(5):
        assert (await desk.step("join"))["open_dependencies"] == 5 - n
        assert (await desk.step("join"))["status"] == "pending"
        await desk.work()
    joined = await desk.step("join")
    assert (joined["status"], joined["attempts"], joined["open_dependencies"]) == ("running", 1, 0)


async def test_a_step_begins_no_earlier_than_what_it_waited_for_ended(desk: Bench) -> None:
    """Not even by the clock of somebody who looked at it before waiting for the turn."""
    await desk.start([desk.task("early"), desk.task("late"), desk.task("end", "early", "late")])
    early, late = await desk.claim(), await desk.claim()
    desk.stack.clock.shift += timedelta(seconds=30)
    await desk.complete(early, {})
    desk.stack.clock.shift -= timedelta(seconds=30)
    await desk.complete(late, {})
    ended = {str(each["ended_at"]) for each in await desk.steps() if each["status"] == "completed"}
    assert str((await desk.step("end"))["started_at"]) >= max(ended)


async def test_a_failed_step_is_retried_and_nothing_is_repeated(desk: Bench) -> None:
    """The other branch ends meanwhile; what waits for it begins with the retry, and the result is complete."""
    await desk.start(
        [desk.task("left"), desk.task("right"), desk.task("next", "left"), desk.task("end", "next", "right")]
    )
    await desk.fail(step="right")
    assert ((await desk.execution())["status"], (await desk.execution())["failed_step"]) == ("failed", "right")
    await desk.work()
    assert await desk.states() == {"left": "completed", "right": "failed", "next": "pending", "end": "pending"}
    retried = await desk.run("workflow_executions.retry")
    assert (retried["status"], retried["failed_step"], retried["steps_failed"]) == ("running", None, 0)
    assert await desk.states() == {"left": "completed", "right": "running", "next": "running", "end": "pending"}
    while await desk.work() is not None:
        pass
    assert (await desk.execution())["status"] == "completed"
    attempts = {str(each["key"]): each["attempts"] for each in await desk.steps()}
    assert attempts == {"left": 1, "right": 2, "next": 1, "end": 1}
    with pytest.raises(StoaError) as refused:
        await desk.run("workflow_executions.retry")
    assert refused.value.code == "transition_invalid"


async def test_cancelling_stops_within_one_step(desk: Bench) -> None:
    """Open tasks are taken away in the same transaction, also from whoever works on them, and nothing begins."""
    await desk.start([desk.task("one"), desk.task("two"), {"key": "ask", "kind": "approval"}, desk.task("end", "one")])
    claim = await desk.claim()
    cancelled = await desk.run("workflow_executions.cancel")
    assert cancelled["status"] == "cancelled"
    assert set((await desk.states()).values()) == {"cancelled"}
    with pytest.raises(StoaError):
        await desk.complete(claim, {})
    assert await desk.claim() is None
    assert (await desk.run("workflow_executions.cancel"))["version"] == cancelled["version"]
    with pytest.raises(StoaError) as refused:
        await desk.run("workflow_approvals.approve", step="ask")
    assert refused.value.code == "workflow_step_not_open"
    assert {each["status"] for each in await desk.tasks()} == {"cancelled"}


async def test_only_a_person_decides(desk: Bench) -> None:
    """An agent's key is refused even with the scope; a person's refusal fails the execution, and a retry asks again."""
    await desk.start([{"key": "ask", "kind": "approval"}])
    for use_case in ("workflow_approvals.approve", "workflow_approvals.refuse"):
        with pytest.raises(StoaError) as refused:
            await desk.run(use_case, desk.as_agent(), step="ask")
        assert refused.value.code == "scope_missing"
    await desk.run("workflow_approvals.refuse", step="ask", comment="no")
    assert (await desk.execution())["status"] == "failed"
    assert (await desk.step("ask"))["error"] == {
        "code": "approval_refused", "refused_by": desk.actor.id, "comment": "no",
    }  # fmt: skip
    await desk.run("workflow_executions.retry")
    assert (await desk.run("workflow_approvals.approve", step="ask"))["status"] == "completed"


async def test_what_is_outside_reports_through_the_workflow(desk: Bench) -> None:
    """The execution under way is meant; with none, or with two, nobody guesses."""
    steps: list[Body] = [
        {"key": "call", "kind": "tool_call"},
        {"key": "ask", "kind": "approval", "depends_on": ["call"]},
    ]
    await desk.start(steps)
    report = {"id": desk.workflow, "step": "call", "output": {"rate": 3}}
    await desk.stack.run("workflows.update_execution_state", desk.actor, **report)
    assert (await desk.step("call"))["output"] == {"rate": 3}
    with pytest.raises(StoaError) as refused:
        await desk.stack.run("workflows.update_execution_state", desk.actor, **{**report, "step": "ask"})
    assert refused.value.code == "workflow_step_not_external"
    await desk.again()
    with pytest.raises(StoaError) as refused:
        await desk.stack.run("workflows.update_execution_state", desk.actor, **report)
    assert refused.value.code == "workflow_execution_ambiguous"
    failed = await desk.run("workflow_executions.update_state", step="call", status="failed", error={"code": "gone"})
    assert (failed["status"], (await desk.step("call"))["error"]) == ("failed", {"code": "gone"})
    await desk.run("workflow_executions.cancel")
    await desk.stack.run("workflow_executions.cancel", desk.actor, id=desk.earlier[0])
    with pytest.raises(StoaError) as refused:
        await desk.stack.run("workflows.update_execution_state", desk.actor, **report)
    assert refused.value.code == "workflow_not_running"


async def test_data_that_does_not_fit_fails_the_step_that_asked_for_it(desk: Bench) -> None:
    """Whoever finished the step before is not to blame, and their work is kept."""
    await desk.start([desk.task("one"), desk.task("two", "one", input={"x": {"from": "one.output.missing"}})])
    await desk.work({"found": 1})
    assert (await desk.step("one"))["status"] == "completed"
    failed = await desk.step("two")
    assert failed["status"] == "failed"
    assert (failed["error"] or {})["code"] == "workflow_input_unresolved"  # type: ignore[index]  # reason: a document
    assert (await desk.execution())["status"] == "failed"


async def test_metrics_count_what_happened(desk: Bench) -> None:
    """By status, with durations of what was completed and the steps that fail most often."""
    await desk.start([desk.task("only")])
    await desk.fail(step="only")
    await desk.run("workflow_executions.retry")
    desk.stack.clock.shift += timedelta(seconds=2)
    await desk.work()
    await desk.again()
    await desk.run("workflow_executions.cancel")
    metrics = await desk.stack.run("workflows.get_metrics", desk.actor, id=desk.workflow)
    assert {name: metrics[name] for name in ("completed", "cancelled", "failed", "running")} == {
        "completed": 1, "cancelled": 1, "failed": 0, "running": 0,
    }  # fmt: skip
    assert metrics["failures"] == [{"step": "only", "failures": 1}]
    assert metrics["p50_ms"] == metrics["p95_ms"]
    assert isinstance(metrics["p50_ms"], int)
    assert metrics["p50_ms"] >= 2000


@pytest.mark.parametrize("status", ["draft", "archived"])
async def test_only_an_active_workflow_is_started(desk: Bench, status: str) -> None:
    """Executions under way go on; a workflow without a version cannot be active."""
    made = await desk.stack.run("workflows.create", desk.actor, name="Empty")
    with pytest.raises(StoaError) as refused:
        await desk.stack.run("workflows.activate", desk.actor, id=made["id"])
    assert refused.value.code == "workflow_unpublished"
    await desk.start([desk.task("only")])
    if status == "archived":
        await desk.stack.run("workflows.archive", desk.actor, id=desk.workflow)
    workflow = made["id"] if status == "draft" else desk.workflow
    with pytest.raises(StoaError) as refused:
        await desk.stack.run("workflow_executions.start", desk.actor, workflow_id=workflow)
    assert refused.value.code == "workflow_not_active"
    await desk.work()
    assert (await desk.execution())["status"] == "completed"


async def test_an_execution_keeps_the_version_it_began_with(desk: Bench) -> None:
    """A new version is for new executions; the old one can still be asked for by its number."""
    first = await desk.start([desk.task("old")])
    await desk.publish([desk.task("new"), desk.task("newer", "new")])
    second, third = await desk.again(), await desk.again(number=1)
    assert first["workflow_version_id"] == third["workflow_version_id"] != second["workflow_version_id"]
    assert [each["steps_total"] for each in (first, second, third)] == [1, 2, 1]
    versions = await desk.stack.run("workflows.list_versions", desk.actor, workflow_id=desk.workflow)
    assert [each["number"] for each in desk.data(versions)] == [2, 1]


@pytest.mark.parametrize(("token", "outcome"), [("success", "completed"), ("declined", "failed")])
async def test_a_payment_step_pays_an_order_once(stack: Stack, token: str, outcome: str) -> None:
    """However often the worker looks, there is one attempt; the step ends as the order does."""
    shop = await Shop.open(stack)
    desk = await bench(stack, shop.actor)
    order, method = await shop.order(), await shop.method(token)
    given = {"payment_order_id": {"from": "params.order"}, "payment_method_id": {"from": "params.method"}}
    await desk.start(
        [{"key": "pay", "kind": "payment", "input": given}],
        parameters=[{"name": name, "type": "string"} for name in ("order", "method")],
        input={"order": order["id"], "method": method},
    )
    before = stack.clock.shift
    try:
        for _ in range(3):
            await desk.attend()
            stack.clock.shift += timedelta(seconds=6)
        assert (await desk.step("pay"))["status"] == "waiting"
        await shop.charge(order)
        await desk.attend()
    finally:
        stack.clock.shift = before
    assert (await desk.step("pay"))["status"] == outcome
    assert (await desk.execution())["status"] == outcome
    assert len(desk.data({"data": (await shop.look(order))["attempts"]})) == 1


async def test_a_payment_that_cannot_be_begun_fails_its_step(desk: Bench) -> None:
    """An order that is not there is the step's failure, under the code of the payment's refusal."""
    nobody = {"payment_order_id": absent_id(PaymentOrderId), "payment_method_id": absent_id(PaymentMethodId)}
    await desk.start([{"key": "pay", "kind": "payment", "input": nobody}])
    await desk.attend()
    failed = await desk.step("pay")
    assert (failed["status"], failed["error"]) == ("failed", {"code": "not_found"})
