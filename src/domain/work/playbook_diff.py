"""What is different between two versions of a playbook."""

import attrs
from attrs import frozen

from domain.work.playbook import PlaybookVersion
from domain.work.workflow_definition import StepDefinition
from domain.work.workflow_parameters import Parameter


@frozen(kw_only=True)
class Changed:
    """A step or a parameter that both versions have, and which of its fields differ."""

    name: str
    fields: list[str]


@frozen(kw_only=True)
class Differences:
    """By name: what only the later version has, what only the earlier one has, and what differs in both."""

    added: list[str]
    removed: list[str]
    changed: list[Changed]


@frozen(kw_only=True)
class PlaybookDiff:
    """Everything that tells two versions apart."""

    earlier: int
    later: int
    steps: Differences
    parameters: Differences
    output_changed: bool


def diff(earlier: PlaybookVersion, later: PlaybookVersion) -> PlaybookDiff:
    """Compare two versions of one playbook."""
    return PlaybookDiff(
        earlier=earlier.number,
        later=later.number,
        steps=_compare({step.key: step for step in earlier.steps}, {step.key: step for step in later.steps}),
        parameters=_compare(
            {each.name: each for each in earlier.parameters}, {each.name: each for each in later.parameters}
        ),
        output_changed=earlier.output != later.output,
    )


def _compare[P: StepDefinition | Parameter](earlier: dict[str, P], later: dict[str, P]) -> Differences:
    both = sorted(earlier.keys() & later.keys())
    changed = [Changed(name=name, fields=_differing(earlier[name], later[name])) for name in both]
    return Differences(
        added=sorted(later.keys() - earlier.keys()),
        removed=sorted(earlier.keys() - later.keys()),
        changed=[each for each in changed if each.fields],
    )


def _differing(one: StepDefinition | Parameter, other: StepDefinition | Parameter) -> list[str]:
    names = [each.name for each in attrs.fields(type(one))]
    return [name for name in names if getattr(one, name) != getattr(other, name)]
