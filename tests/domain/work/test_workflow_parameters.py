"""Parameters of workflows and playbooks, and references to them."""

import pytest

from domain.shared.errors import StoaError
from domain.work.workflow_errors import InvalidParameter, ParameterMissing, ParameterUnknown
from domain.work.workflow_parameters import Parameter, ParameterType, accept, declare
from domain.work.workflow_references import InputUnresolved, resolve, steps_in

FIVE_EUROS = {"amount": 500, "currency": "EUR"}
GIFT = Parameter(name="gift", type=ParameterType.MONEY, required=False)
COUNT = Parameter(name="count", type=ParameterType.INTEGER)
NAME = Parameter(name="name", type=ParameterType.STRING)
FIRST = Parameter(name="first", type=ParameterType.BOOLEAN, required=False)


def test_what_is_given_goes_before_the_default() -> None:
    """Defaults fill what is missing, and what is not required may be missing."""
    declared = declare([GIFT, COUNT, NAME, FIRST], {"gift": FIVE_EUROS, "count": 3})
    assert accept(declared, {"name": "Ada"}) == {"gift": FIVE_EUROS, "count": 3, "name": "Ada"}
    assert accept(declared, {"name": "Ada", "count": 4, "first": False, "gift": None}) == {
        "gift": FIVE_EUROS, "count": 4, "name": "Ada", "first": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"count": 1}, ParameterMissing),
        ({"count": 1, "name": "Ada", "other": 1}, ParameterUnknown),
        ({"count": True, "name": "Ada"}, InvalidParameter),
        ({"count": 2**53 + 1, "name": "Ada"}, InvalidParameter),
        ({"count": "1", "name": "Ada"}, InvalidParameter),
        ({"count": 1, "name": 1}, InvalidParameter),
        ({"count": 1, "name": "x" * 10_001}, InvalidParameter),
        ({"count": 1, "name": "a\0"}, InvalidParameter),
        ({"count": 1, "name": "Ada", "first": 0}, InvalidParameter),
        ({"count": 1, "name": "Ada", "gift": 500}, InvalidParameter),
        ({"count": 1, "name": "Ada", "gift": {**FIVE_EUROS, "tip": 1}}, InvalidParameter),
        ({"count": 1, "name": "Ada", "gift": {"amount": 5, "currency": "EURO"}}, InvalidParameter),
    ],
)
def test_a_value_has_the_type_that_is_declared(given: dict[str, object], error: type[StoaError]) -> None:
    """Nothing is converted, and nothing unknown passes."""
    with pytest.raises(error):
        accept([GIFT, COUNT, NAME, FIRST], given)


@pytest.mark.parametrize(
    ("parameters", "defaults", "error"),
    [
        ([NAME, NAME], {}, InvalidParameter),
        ([Parameter(name="Name", type=ParameterType.STRING)], {}, InvalidParameter),
        ([NAME], {"name": 5}, InvalidParameter),
        ([NAME], {"other": "x"}, ParameterUnknown),
        ([Parameter(name=f"p{n}", type=ParameterType.STRING) for n in range(101)], {}, InvalidParameter),
    ],
)
def test_a_declaration_has_rules(
    parameters: list[Parameter], defaults: dict[str, object], error: type[StoaError]
) -> None:
    """Names are names, and defaults are of the type."""
    with pytest.raises(error):
        declare(parameters, defaults)


def test_references_are_replaced_wherever_they_stand() -> None:
    """In lists and objects, by member and by index; everything else stays as it is."""
    template = {
        "order": {"from": "params.order"},
        "first": [{"from": "fetch.output.items.0.id"}, "literal"],
        "whole": {"in": {"from": "fetch.output"}},
        "note": {"from": "params.order", "to": "here"},
    }
    outputs = {"fetch": {"items": [{"id": 7}]}}
    assert steps_in(template) == {"fetch"}
    assert resolve(template, {"order": "o1"}, outputs, strict=True) == {
        "order": "o1",
        "first": [7, "literal"],
        "whole": {"in": {"items": [{"id": 7}]}},
        "note": {"from": "params.order", "to": "here"},
    }


@pytest.mark.parametrize("path", ["fetch.output.items.1", "fetch.output.items.x", "fetch.output.n.m", "params.other"])
def test_a_reference_that_leads_nowhere_is_refused_or_null(path: str) -> None:
    """An input has to be complete; an output shows what there is."""
    outputs = {"fetch": {"items": [1], "n": 5}}
    with pytest.raises(InputUnresolved):
        resolve({"x": {"from": path}}, {}, outputs, strict=True)
    assert resolve({"x": {"from": path}}, {}, outputs, strict=False) == {"x": None}
