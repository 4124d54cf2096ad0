"""A workflow's definition: steps, what they wait for, and what they take from each other.

Checked once, when it is published; afterwards nothing about it can be wrong any more but the data that flows through.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from attrs import frozen

from domain.shared.ids import AgentId, ToolId
from domain.work.workflow_errors import (
    DependencyDuplicate,
    DependencyUnknown,
    InvalidStep,
    InvalidStepReference,
    ReferenceNotUpstream,
    WorkflowCycle,
    WorkflowStepDuplicate,
    WorkflowTooLarge,
)
from domain.work.workflow_parameters import Parameter
from domain.work.workflow_references import MAX_REFERENCES, PARAMS, references, source_of

MAX_STEPS = 2_000
MAX_DEPENDENCIES = 20_000
_KEY = re.compile("[a-z][a-z0-9_-]{0,59}")


class StepKind(StrEnum):
    """Who does a step: an agent, a tool outside of Stoa, the clock, a person, or Stoa's own payments."""

    AGENT_TASK = "agent_task"
    TOOL_CALL = "tool_call"
    WAIT = "wait"
    APPROVAL = "approval"
    PAYMENT = "payment"


@frozen(kw_only=True)
class StepDefinition:
    """One step of a definition.

    Attributes:
        key: its name within the workflow; ``params`` is taken by the parameters.
        depends_on: keys of the steps that have to be completed before it begins.
        input: a template with references, see ``workflow_references``.
        agent_id: who does an ``agent_task``; without one, any agent, or any with the ``capability``.
        tool_id: which tool a ``tool_call`` is of.
        wait_seconds: how long a ``wait`` lasts.
        max_attempts: how often an agent may try before the step fails.
    """

    key: str
    kind: StepKind
    name: str = ""
    depends_on: tuple[str, ...] = ()
    input: dict[str, object]
    agent_id: AgentId | None = None
    capability: str | None = None
    tool_id: ToolId | None = None
    wait_seconds: int | None = None
    max_attempts: int = 1


def check_definition(
    steps: Sequence[StepDefinition], parameters: Sequence[Parameter], output: Mapping[str, object]
) -> None:
    """Refuse a definition that could not run to its end.

    Raises:
        WorkflowTooLarge: no steps, more than 2,000, or more than 20,000 dependencies.
        WorkflowStepDuplicate: two steps of one key.
        InvalidStep: a step does not say what its kind needs, or says what only another kind has.
        DependencyUnknown, DependencyDuplicate: a step waits for none of the others, or twice for one.
        WorkflowCycle: steps wait for each other.
        InvalidStepReference: a reference that cannot be read, or to a step or parameter that there is not.
        ReferenceNotUpstream: a reference to the output of a step that need not be done before.
    """
    if not 1 <= len(steps) <= MAX_STEPS or sum(len(step.depends_on) for step in steps) > MAX_DEPENDENCIES:
        raise WorkflowTooLarge
    keys = {step.key for step in steps}
    if len(keys) < len(steps):
        raise WorkflowStepDuplicate
    for step in steps:
        _check_step(step)
        if not keys.issuperset(step.depends_on):
            raise DependencyUnknown(step=step.key)
        if len(set(step.depends_on)) < len(step.depends_on):
            raise DependencyDuplicate(step=step.key)
    upstream = _upstream(steps)
    names = {parameter.name for parameter in parameters}
    for step in steps:
        _check_references(step.input, names, keys, before=upstream[step.key], at=step.key)
    _check_references(output, names, keys, before=keys, at=None)


def dependents_of(steps: Sequence[StepDefinition]) -> dict[str, list[int]]:
    """Return for each key the positions of the steps that wait for it."""
    waiting: dict[str, list[int]] = {step.key: [] for step in steps}
    for position, step in enumerate(steps):
        for key in step.depends_on:
            waiting[key].append(position)
    return waiting


def _check_step(step: StepDefinition) -> None:
    if _KEY.fullmatch(step.key) is None or step.key == PARAMS:
        raise InvalidStep(reason="key")
    if (step.wait_seconds is not None) != (step.kind is StepKind.WAIT):
        raise InvalidStep(reason="wait_seconds", step=step.key)
    if step.tool_id is not None and step.kind is not StepKind.TOOL_CALL:
        raise InvalidStep(reason="tool_id", step=step.key)
    of_agents = step.agent_id is not None or step.capability is not None
    if of_agents and step.kind is not StepKind.AGENT_TASK:
        raise InvalidStep(reason="agent_id", step=step.key)
    missing = {"payment_order_id", "payment_method_id"} - step.input.keys()
    if step.kind is StepKind.PAYMENT and missing:
        raise InvalidStep(reason=min(missing), step=step.key)


def _upstream(steps: Sequence[StepDefinition]) -> dict[str, set[str]]:
    """Return for each key everything that is done before it; every step comes after what it depends on."""
    by_key = {step.key: step for step in steps}
    waiting = dependents_of(steps)
    open_count = {step.key: len(step.depends_on) for step in steps}
    ready = [key for key, count in open_count.items() if count == 0]
    # Sets of positions as bits of one integer: two thousand steps in a row would be two million members otherwise.
    place = {step.key: 1 << n for n, step in enumerate(steps)}
    bits: dict[str, int] = {}
    for key in ready:
        bits[key] = 0
        for dependency in by_key[key].depends_on:
            bits[key] |= bits[dependency] | place[dependency]
        for position in waiting[key]:
            after = steps[position].key
            open_count[after] -= 1
            if open_count[after] == 0:
                ready.append(after)
    if len(ready) < len(steps):
        raise WorkflowCycle(step=min(key for key, count in open_count.items() if count > 0))
    referring = {step.key: {reference.split(".")[0] for reference in references(step.input)} for step in steps}
    return {key: {named for named in names if bits[key] & place.get(named, 0)} for key, names in referring.items()}


def _check_references(
    template: Mapping[str, object], names: set[str], keys: set[str], *, before: set[str], at: str | None
) -> None:
    found = list(references(template))
    if len(found) > MAX_REFERENCES:
        raise InvalidStepReference(step=at, reason="too_many")
    for reference in found:
        source = source_of(reference)
        if source == PARAMS and reference.split(".")[1] in names:
            continue
        if source not in keys:
            raise InvalidStepReference(step=at)
        if source not in before:
            raise ReferenceNotUpstream(step=at)
