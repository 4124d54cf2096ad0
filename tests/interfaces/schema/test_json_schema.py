"""The JSON Schema says what the validator does."""

from typing import Any

import jsonschema  # type: ignore[import-untyped]  # reason: it ships no types
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from application.kernel.page import ListView
from interfaces.schema.command import CommandSchema, result_schema
from interfaces.schema.problems import InvalidCommand
from tests.interfaces.toy import THING, CreateThing, ListThings, ThingView, UpdateThing

CREATE = CommandSchema(CreateThing)
WRITTEN: Any = CREATE.json_schema()
VALIDATOR = jsonschema.Draft202012Validator(WRITTEN)


@pytest.mark.parametrize("command", [CreateThing, UpdateThing, ListThings])
def test_schemas_are_valid_and_closed(command: type) -> None:
    """Every schema is one, and forbids unknown fields."""
    schema: Any = CommandSchema(command).json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False


def test_definitions_have_stable_names() -> None:
    """Names of types are public: nested input is told apart from what comes out."""
    assert set(WRITTEN["$defs"]) == {"AddressInput", "CustomerId", "Kind", "Metadata", "Money"}
    assert WRITTEN["required"] == ["name", "price"]
    assert WRITTEN["properties"]["quantity"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1}
    assert WRITTEN["properties"]["kind"] == {"$ref": "#/$defs/Kind", "default": "one_off"}


def test_a_list_is_named_after_its_items() -> None:
    """The total is there only when it was asked for."""
    schema: Any = result_schema(ListView[ThingView])
    assert schema["$ref"] == "#/$defs/ThingViewList"
    assert schema["$defs"]["ThingViewList"]["required"] == ["data", "next_cursor"]
    assert schema["$defs"]["ThingView"]["properties"]["created_at"] == {"type": "string", "format": "date-time"}


ASCII = st.characters(codec="ascii")
VALUES: dict[str, st.SearchStrategy[object]] = {
    "name": st.text(ASCII, max_size=250).map(str.strip),
    "price": st.just(THING["price"]) | st.none(),
    "quantity": st.integers(-5, 1005) | st.booleans() | st.text(max_size=2),
    "note": st.text(ASCII, max_size=2100) | st.none(),
    "tags": st.lists(st.text(ASCII, max_size=25).map(str.strip), max_size=5),
    "gift": st.booleans() | st.integers(0, 1),
}


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_what_the_schema_refuses_is_refused(data: dict[str, object]) -> None:
    """The validator may know more rules than the schema, and never fewer."""
    assume(not VALIDATOR.is_valid(data))
    with pytest.raises(InvalidCommand):
        CREATE.validate(data)
