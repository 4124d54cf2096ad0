"""Playbooks: drafts, versions that never change, and what they are run with."""

import pytest

from domain.shared.errors import StoaError
from tests.support.stack import Body, Stack
from tests.support.workflows import Bench, bench

FIVE_EUROS: Body = {"amount": 500, "currency": "EUR"}


@pytest.fixture
async def desk(stack: Stack) -> Bench:
    """Return an organization with one agent."""
    return await bench(stack)


def template(desk: Bench, *more: Body) -> Body:
    """Return a draft with one step that takes both parameters, and more."""
    given = {"who": {"from": "params.customer"}, "gift": {"from": "params.gift"}}
    return {
        "steps": [desk.task("greet", input=given), *more],
        "parameters": [{"name": "customer", "type": "string"}, {"name": "gift", "type": "money", "required": False}],
        "defaults": {"gift": FIVE_EUROS},
        "output": {"said": {"from": "greet.output.said"}},
    }


async def test_a_playbook_is_run_with_checked_parameters(desk: Bench) -> None:
    """The run becomes an execution like any other, and the log says which version was run with what."""
    made = await desk.stack.run("playbooks.create", desk.actor, name="Welcome", **template(desk))
    about = {"playbook_id": made["id"]}
    with pytest.raises(StoaError) as refused:
        await desk.stack.run("playbooks.run", desk.actor, **about, parameters={"customer": "Ada"})
    assert refused.value.code == "playbook_unpublished"
    await desk.stack.run("playbooks.publish", desk.actor, id=made["id"], notes="first")
    for parameters, code in (
        ({}, "parameter_missing"),
        ({"customer": 1}, "parameter_invalid"),
        ({"customer": "Ada", "other": 1}, "parameter_unknown"),
    ):
        with pytest.raises(StoaError) as refused:
            await desk.stack.run("playbooks.run", desk.actor, **about, parameters=parameters)
        assert refused.value.code == code
    run = await desk.stack.run("playbooks.run", desk.actor, **about, parameters={"customer": "Ada"})
    assert (run["number"], run["parameters"]) == (1, {"customer": "Ada", "gift": FIVE_EUROS})
    desk.current = str(run["execution_id"])
    assert await desk.work({"said": "hello"}) == {"who": "Ada", "gift": FIVE_EUROS}
    execution = await desk.execution()
    assert (execution["status"], execution["output"]) == ("completed", {"said": "hello"})
    assert execution["playbook_version_id"] == run["playbook_version_id"]
    log = await desk.stack.run("playbook_runs.list", desk.actor, **about)
    assert [each["id"] for each in desk.data(log)] == [run["id"]]


async def test_versions_stay_as_they_were_and_can_be_compared(desk: Bench) -> None:
    """A revised draft is the next version; the difference is told by step and parameter, field by field."""
    made = await desk.stack.run(
        "playbooks.create", desk.actor, name="Welcome", **template(desk, {"key": "ask", "kind": "approval"})
    )
    await desk.stack.run("playbooks.publish", desk.actor, id=made["id"])
    changed = template(desk, {"key": "pause", "kind": "wait", "wait_seconds": 5, "depends_on": ["greet"]})
    changed["parameters"] = [{"name": "customer", "type": "string", "required": False}]
    changed["defaults"] = {}
    changed["steps"][0] |= {"input": {}, "max_attempts": 5}  # type: ignore[index]  # reason: a list of steps
    draft = await desk.stack.run("playbooks.revise", desk.actor, id=made["id"], **changed)
    assert (draft["latest_version"], draft["status"]) == (1, "published")
    await desk.stack.run("playbooks.publish", desk.actor, id=made["id"])
    first = await desk.stack.run("playbooks.get_version", desk.actor, playbook_id=made["id"], number=1)
    assert [step["key"] for step in desk.data({"data": first["steps"]})] == ["greet", "ask"]
    found = await desk.stack.run("playbooks.diff", desk.actor, playbook_id=made["id"], earlier=1, later=2)
    assert found == {
        "earlier": 1,
        "later": 2,
        "steps": {
            "added": ["pause"],
            "removed": ["ask"],
            "changed": [{"name": "greet", "fields": ["input", "max_attempts"]}],
        },
        "parameters": {
            "added": [],
            "removed": ["gift"],
            "changed": [{"name": "customer", "fields": ["required"]}],
        },
        "output_changed": False,
    }
    listed = await desk.stack.run("playbooks.list_versions", desk.actor, playbook_id=made["id"])
    assert [(each["number"], each["steps_count"]) for each in desk.data(listed)] == [(2, 2), (1, 2)]
    old = await desk.stack.run(
        "playbooks.run", desk.actor, playbook_id=made["id"], number=1, parameters={"customer": "A"}
    )
    assert old["number"] == 1
    with pytest.raises(StoaError) as refused:
        await desk.stack.run("playbooks.get_version", desk.actor, playbook_id=made["id"], number=3)
    assert refused.value.code == "playbook_version_not_found"


async def test_an_archived_playbook_neither_runs_nor_changes(desk: Bench) -> None:
    """What it was run as goes on."""
    made = await desk.stack.run("playbooks.create", desk.actor, name="Welcome", **template(desk))
    await desk.stack.run("playbooks.publish", desk.actor, id=made["id"])
    run = await desk.stack.run("playbooks.run", desk.actor, playbook_id=made["id"], parameters={"customer": "Ada"})
    await desk.stack.run("playbooks.archive", desk.actor, id=made["id"])
    calls: list[tuple[str, Body]] = [
        ("playbooks.run", {"playbook_id": made["id"], "parameters": {"customer": "Ada"}}),
        ("playbooks.publish", {"id": made["id"]}),
        ("playbooks.revise", {"id": made["id"], **template(desk)}),
    ]
    for name, fields in calls:
        with pytest.raises(StoaError) as refused:
            await desk.stack.run(name, desk.actor, **fields)
        assert refused.value.code == "playbook_archived"
    desk.current = str(run["execution_id"])
    await desk.work()
    assert (await desk.execution())["status"] == "completed"


async def test_a_draft_is_checked_like_a_workflow(desk: Bench) -> None:
    """A template that could not run is refused when it is written, and so is an agent that is not there."""
    with pytest.raises(StoaError) as refused:
        await desk.stack.run(
            "playbooks.create", desk.actor, name="Circle", steps=[desk.task("a", "b"), desk.task("b", "a")]
        )
    assert refused.value.code == "workflow_cycle"
    other = await bench(desk.stack)
    with pytest.raises(StoaError) as refused:
        await desk.stack.run("playbooks.create", desk.actor, name="Theirs", steps=[other.task("a")])
    assert refused.value.code == "not_found"
