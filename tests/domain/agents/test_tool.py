"""Rules of tools, of what they are called with, and of their calls."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from domain.agents.agent import Agent, AgentType
from domain.agents.parameters import MAX_SCHEMAS, InvalidParameters, check_parameters
from domain.agents.performance_record import InvalidMeasurement, PerformanceRecord
from domain.agents.tool import NegativeCost, Tool, ToolAvailability, ToolUnavailable
from domain.agents.tool_grant import ToolGrant, ToolNotGranted
from domain.agents.tool_usage import InvalidUsage, ToolOutcome, ToolUsage
from domain.shared.errors import InvalidTransition
from domain.shared.ids import AgentId, OrganizationId, PerformanceRecordId, ToolGrantId, ToolId, ToolUsageId
from domain.shared.money import Money

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HERE = OrganizationId(uuid4())


def tool(**given: object) -> Tool:
    wanted = {"name": "Web search", "category": "Research", "cost": Money.of(2, "EUR"), **given}
    return Tool.create(id=ToolId(uuid4()), organization_id=HERE, now=NOW, **wanted)  # type: ignore[arg-type]  # reason: what a test gives


def agent() -> Agent:
    return Agent.create(id=AgentId(uuid4()), organization_id=HERE, name="A", type=AgentType.WORKER, now=NOW)


def call(of: Tool, **given: object) -> ToolUsage:
    wanted = {"granted": True, "outcome": ToolOutcome.OK, "duration_ms": 12, **given}
    return ToolUsage.record_call(of, id=ToolUsageId(uuid4()), agent_id=AgentId(uuid4()), now=NOW, **wanted)  # type: ignore[arg-type]  # reason: as above


def test_a_new_tool_is_available_and_nobody_has_looked_yet() -> None:
    """Its category is kept as it is searched for."""
    made = tool()
    assert (made.availability, made.last_checked_at, made.category) == (ToolAvailability.AVAILABLE, None, "research")


def test_every_look_at_a_tool_is_noted() -> None:
    """Also one that finds what was known: the moment is news."""
    made = tool()
    for _ in range(2):
        made.set_availability(ToolAvailability.DEGRADED, "Slow.", NOW)
    assert (made.availability, made.last_checked_at, made.health_note) == (ToolAvailability.DEGRADED, NOW, "Slow.")
    assert len(made.pull_events()) == 3


def test_a_degraded_tool_is_called_and_an_unavailable_one_is_not() -> None:
    """Whoever calls it may find it worth waiting for."""
    made = tool()
    made.set_availability(ToolAvailability.DEGRADED, None, NOW)
    assert call(made).outcome is ToolOutcome.OK
    made.set_availability(ToolAvailability.UNAVAILABLE, None, NOW)
    with pytest.raises(ToolUnavailable):
        call(made)


def test_a_retired_tool_is_neither_changed_nor_granted_nor_called() -> None:
    """Retiring it twice changes nothing."""
    made = tool()
    made.retire(NOW)
    made.retire(NOW)
    with pytest.raises(InvalidTransition):
        made.set_availability(ToolAvailability.AVAILABLE, None, NOW)
    with pytest.raises(ToolUnavailable):
        ToolGrant.give(made, agent(), id=ToolGrantId(uuid4()), now=NOW)
    with pytest.raises(ToolUnavailable):
        call(made)
    assert len(made.pull_events()) == 2


def test_nothing_is_granted_to_a_retired_agent() -> None:
    """It uses nothing any more."""
    gone = agent()
    gone.retire(NOW)
    with pytest.raises(InvalidTransition):
        ToolGrant.give(tool(), gone, id=ToolGrantId(uuid4()), now=NOW)


def test_a_call_costs_what_the_tool_costs_unless_it_says_otherwise() -> None:
    """Nothing is a cost, too."""
    assert call(tool()).cost == Money.of(2, "EUR")
    assert call(tool(), cost=Money.zero("EUR")).cost == Money.zero("EUR")
    assert call(tool(cost=None)).cost is None


def test_nothing_costs_less_than_nothing() -> None:
    """Neither a tool nor a call."""
    with pytest.raises(NegativeCost):
        tool(cost=Money.of(-1, "EUR"))
    with pytest.raises(NegativeCost):
        call(tool(), cost=Money.of(-1, "EUR"))


def test_a_tool_that_is_not_granted_is_not_used() -> None:
    """Whatever the call came to."""
    with pytest.raises(ToolNotGranted):
        call(tool(), granted=False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_ms": -1},
        {"duration_ms": 8 * 24 * 3600 * 1000},
        {"error_code": "timeout"},
        {"outcome": ToolOutcome.ERROR, "error_code": "two words"},
        {"outcome": ToolOutcome.ERROR, "error_code": "x" * 65},
    ],
)
def test_what_is_told_of_a_call_goes_together(wrong: dict[str, object]) -> None:
    """Durations are possible, and only failures have error codes."""
    with pytest.raises(InvalidUsage):
        call(tool(), **wrong)


def test_a_measurement_is_exact_in_every_reader_of_json() -> None:
    """Whole numbers up to 2**53."""
    with pytest.raises(InvalidMeasurement):
        PerformanceRecord.measure(
            agent(), id=PerformanceRecordId(uuid4()), metric="m", value=2**53 + 1, unit="ms", now=NOW
        )


def test_parameters_are_json_schema_and_refer_to_themselves_only() -> None:
    """References, also from one definition to itself, stay within the document."""
    tree = {"type": "object", "properties": {"left": {"$ref": "#/$defs/tree"}, "right": {"$ref": "#"}}}
    schema = {
        "type": "object", "required": ["query"], "additionalProperties": False, "x-vendor": [1],
        "properties": {"query": {"type": ["string", "null"], "pattern": "a"}, "n": {"anyOf": [{"minimum": 1}, True]}},
        "$defs": {"tree": tree},
    }  # fmt: skip
    assert check_parameters(schema) == schema
    assert check_parameters({}) == {"type": "object"}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "string"}, "root_type"),
        ({"properties": {"a": {"$ref": "https://example.org/schema.json"}}}, "reference_remote"),
        ({"properties": {"a": {"$ref": "other.json#/$defs/a"}}}, "reference_remote"),
        ({"properties": {"a": {"$ref": "#/$defs/nowhere"}}}, "reference_unknown"),
        ({"properties": {"a": {"$ref": "#/properties/a"}}}, "reference_unknown"),
        ({"$id": "https://example.org/"}, "keyword_unknown"),
        ({"$dynamicRef": "#a"}, "keyword_unknown"),
        ({"propertys": {}}, "keyword_unknown"),
        ({"properties": []}, "keyword_value"),
        ({"properties": {"a": {"type": "text"}}}, "keyword_value"),
        ({"properties": {"a": {"type": []}}}, "keyword_value"),
        ({"properties": {"a": {"maxLength": -1}}}, "keyword_value"),
        ({"properties": {"a": {"minimum": "1"}}}, "keyword_value"),
        ({"properties": {"a": {"enum": []}}}, "keyword_value"),
        ({"required": ["a", "a"]}, "keyword_value"),
        ({"required": "a"}, "keyword_value"),
        ({"anyOf": []}, "keyword_value"),
        ({"properties": {"a": "string"}}, "schema_expected"),
        ({"properties": {f"p{n}": {} for n in range(MAX_SCHEMAS)}}, "too_large"),
    ],
)
def test_what_is_no_schema_of_an_object_is_refused_by_reason(schema: dict[str, object], reason: str) -> None:
    """A reason names the rule and never repeats the document."""
    with pytest.raises(InvalidParameters) as refused:
        check_parameters(schema)
    assert refused.value.details["reason"] == reason
