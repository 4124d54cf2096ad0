"""What a workflow's definition may say."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.errors import StoaError
from domain.shared.ids import AgentId, uuid7
from domain.work import workflow_errors as errors
from domain.work.workflow_definition import MAX_STEPS, StepDefinition, StepKind, check_definition, dependents_of
from domain.work.workflow_parameters import Parameter, ParameterType
from tests.domain.work.workflow_graphs import graphs, step

REGION = Parameter(name="region", type=ParameterType.STRING)


@given(graphs(most=30))
def test_any_graph_without_a_cycle_is_fine(steps: list[StepDefinition]) -> None:
    """Steps may come in any order, and whoever waits is known to what it waits for."""
    check_definition(steps, [], {})
    waiting = dependents_of(steps)
    for position, each in enumerate(steps):
        assert {key for key, positions in waiting.items() if position in positions} == set(each.depends_on)


@given(graphs(most=30), st.data())
def test_any_way_back_is_a_cycle(steps: list[StepDefinition], data: st.DataObject) -> None:
    """Whoever waits for one of those that wait for them is found out, however long the way is."""
    by_key = {each.key: each for each in steps}
    end = data.draw(st.sampled_from(sorted(by_key)))
    before, todo = {end}, [end]
    while todo:
        for key in by_key[todo.pop()].depends_on:
            if key not in before:
                before.add(key)
                todo.append(key)
    first = by_key[data.draw(st.sampled_from(sorted(before)))]
    changed = evolve(first, depends_on=tuple({*first.depends_on, end}))
    with pytest.raises(errors.WorkflowCycle):
        check_definition([changed if each is first else each for each in steps], [], {})


@given(graphs(most=15), st.data())
def test_outputs_are_taken_only_from_what_is_done_before(steps: list[StepDefinition], data: st.DataObject) -> None:
    """A reference is fine exactly when the step that it names is done before, directly or through others."""
    by_key = {each.key: each for each in steps}
    at, named = data.draw(st.sampled_from(sorted(by_key))), data.draw(st.sampled_from(sorted(by_key)))
    before, todo = set[str](), [at]
    while todo:
        fresh = set(by_key[todo.pop()].depends_on) - before
        before |= fresh
        todo += fresh
    changed = [evolve(e, input={"of": {"from": f"{named}.output.n"}}) if e.key == at else e for e in steps]
    if named in before:
        check_definition(changed, [], {})
    else:
        with pytest.raises(errors.ReferenceNotUpstream):
            check_definition(changed, [], {})


def test_two_thousand_steps_in_a_row_are_fine_and_one_more_is_not() -> None:
    """The bound is the one that is promised, and checking takes no long."""
    row = [step("s0"), *(step(f"s{n}", f"s{n - 1}") for n in range(1, MAX_STEPS))]
    check_definition(row, [], {})
    with pytest.raises(errors.WorkflowTooLarge):
        check_definition([*row, step("more")], [], {})
    with pytest.raises(errors.WorkflowTooLarge):
        check_definition([], [], {})


PAID = {"payment_order_id": "ord_x", "payment_method_id": "pm_x"}
AGENT = AgentId(uuid7(1, 1))


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ([step("a"), step("a")], errors.WorkflowStepDuplicate),
        ([step("a", "b")], errors.DependencyUnknown),
        ([step("a"), step("b", "a", "a")], errors.DependencyDuplicate),
        ([step("a", "a")], errors.WorkflowCycle),
        ([step("A")], errors.InvalidStep),
        ([step("params")], errors.InvalidStep),
        ([step("a", kind=StepKind.WAIT)], errors.InvalidStep),
        ([step("a", wait_seconds=5)], errors.InvalidStep),
        ([step("a", kind=StepKind.APPROVAL, agent_id=AGENT)], errors.InvalidStep),
        ([step("a", kind=StepKind.APPROVAL, capability="sums")], errors.InvalidStep),
        ([step("a", tool_id=AGENT)], errors.InvalidStep),
        ([step("a", kind=StepKind.PAYMENT)], errors.InvalidStep),
        ([step("a", input={"x": {"from": "b.output"}})], errors.InvalidStepReference),
        ([step("a"), step("b", "a", input={"x": {"from": "a.input"}})], errors.InvalidStepReference),
        ([step("a", input={"x": [{"y": {"from": "params.country"}}]})], errors.InvalidStepReference),
        ([step("a", input={"x": {"from": "params"}})], errors.InvalidStepReference),
        ([step("a", input={"x": [{"from": "params.region"}] * 51})], errors.InvalidStepReference),
        ([step("a"), step("b", input={"x": {"from": "a.output"}})], errors.ReferenceNotUpstream),
    ],
)
def test_what_could_not_run_is_refused(steps: list[StepDefinition], error: type[StoaError]) -> None:
    """Each mistake has a name of its own."""
    with pytest.raises(error) as caught:
        check_definition(steps, [REGION], {})
    assert type(caught.value) is error


def test_every_kind_of_step_has_a_form_that_is_fine() -> None:
    """The refusals above are about what they say."""
    steps = [
        step("ask", agent_id=AGENT, input={"x": [{"from": "params.region"}], "from": "here", "y": {"from": 3}}),
        step("call", "ask", kind=StepKind.TOOL_CALL, tool_id=AGENT, input={"x": {"from": "ask.output.items.0"}}),
        step("wait", "call", kind=StepKind.WAIT, wait_seconds=1),
        step("agree", "wait", kind=StepKind.APPROVAL, input={"x": {"from": "ask.output"}}),
        step("pay", "agree", kind=StepKind.PAYMENT, input=PAID),
    ]
    check_definition(steps, [REGION], {"all": {"from": "pay.output"}})
    with pytest.raises(errors.InvalidStepReference):
        check_definition(steps, [REGION], {"all": {"from": "gone.output"}})
