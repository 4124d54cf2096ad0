"""A command dataclass is a strict validator."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.kernel.patch import UNSET
from domain.shared.ids import encode_id
from domain.shared.money import Money
from interfaces.schema.command import CommandSchema
from interfaces.schema.problems import InvalidCommand
from tests.interfaces.toy import THING, Address, CreateThing, Kind, ListThings, UpdateThing

CREATE = CommandSchema(CreateThing, "things.create")
UPDATE = CommandSchema(UpdateThing, "things.update")
LIST = CommandSchema(ListThings, "things.list")
LINK = "plink_01m7xqdwdxecebcwzk30ktqpss"
CUSTOMER = "cus_01m7xqdwdxecebcwzk30ktqpss"


def refused(schema: CommandSchema, data: Any) -> set[tuple[str, str]]:
    """Validate, and return path and code of every error."""
    with pytest.raises(InvalidCommand) as caught:
        schema.validate(data)
    return {(error.path, error.code) for error in caught.value.errors}


def test_everything_given_arrives_in_its_own_type() -> None:
    """JSON values become ids, money, moments, members of enums and nested records."""
    command = CREATE.validate(
        {
            **THING,
            "quantity": 3,
            "gift": True,
            "kind": "recurring",
            "note": "a\nb",
            "customer_id": CUSTOMER,
            "starts_at": "2030-01-01T01:30:00+02:00",
            "tags": ["a", "b"],
            "metadata": {"a": 1, "b": True, "c": "x"},
            "address": {"city": "Zürich"},
        }
    )
    assert isinstance(command, CreateThing)
    assert command.price == Money(1250, "EUR")
    assert command.kind is Kind.RECURRING
    assert command.starts_at == datetime(2029, 12, 31, 23, 30, tzinfo=UTC)
    assert command.customer_id is not None
    assert encode_id("cus", command.customer_id) == CUSTOMER
    assert command.address == Address(city="Zürich", zip=None)
    assert replace(command, quantity=4).metadata == {"a": 1, "b": True, "c": "x"}


def test_defaults_fill_what_is_absent() -> None:
    """Absent is the default, and for partial updates it is not null."""
    created = CREATE.validate(THING)
    assert isinstance(created, CreateThing)
    assert (created.quantity, created.kind, created.note) == (1, Kind.ONE_OFF, None)
    updated = UPDATE.validate({"id": LINK, "expected_version": 1, "note": None})
    assert isinstance(updated, UpdateThing)
    assert updated.name is UNSET
    assert updated.note is None


def test_all_problems_are_reported_at_once() -> None:
    """One round trip shows everything, each at its own path."""
    data = {
        "name": "<b>",
        "price": {"amount": 2**63, "currency": "eur", "decimals": 2},
        "gift": "true",
        "kind": "free",
        "customer_id": LINK,
        "tags": ["ok", ""],
        "metadata": {"cvv": "123"},
        "address": {},
        "<script>": 1,
    }
    assert refused(CREATE, data) == {
        ("name", "text_invalid"),
        ("price.amount", "amount_invalid"),
        ("price.currency", "currency_invalid"),
        ("price.decimals", "unknown_field"),
        ("gift", "type_invalid"),
        ("kind", "choice_invalid"),
        ("customer_id", "id_invalid"),
        ("tags.1", "text_invalid"),
        ("metadata", "metadata_invalid"),
        ("address.city", "required"),
        ("?", "unknown_field"),
    }


@pytest.mark.parametrize("value", [2**63, True, "1", 1.0, 1e3, "1_000", None, [1], 10**40, -(2**63) - 1])
def test_only_integers_are_integers(value: object) -> None:
    """Nothing is turned into an amount or a quantity that was not one."""
    data = {"name": "x", "price": {"amount": value, "currency": "EUR"}, "quantity": value}
    assert {path for path, _ in refused(CREATE, data)} == {"price.amount", "quantity"}


@pytest.mark.parametrize("value", [0, -1, 1001, 10**9])
def test_bounds_hold(value: int) -> None:
    """Bounds are those of the annotation."""
    assert refused(CREATE, {**THING, "quantity": value}) == {("quantity", "out_of_range")}


@pytest.mark.parametrize("currency", ["XXX", "eur", "EURO", "", "€", "\ud800", 978, None])
def test_currencies_are_exact(currency: object) -> None:
    """Upper-case ISO 4217 codes and nothing else."""
    errors = refused(CREATE, {"name": "x", "price": {"amount": 1, "currency": currency}})
    assert {path for path, _ in errors} == {"price.currency"}


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b",
        "x" * 201,
        "e" + "\u0301" * 10_000,
        "a\u202eb",
        "\u200b",
        "",
        "  ",
        "<script>",
        "javascript:x",
        "\ud800",
    ],
)
def test_deceptive_names_are_refused(text: str) -> None:
    """Rules of text apply wherever text comes in."""
    assert refused(CREATE, {**THING, "name": text}) == {("name", "text_invalid")}


@pytest.mark.parametrize("text", ["' OR 1=1--", "$1", "%00", "\\", "O'Brien", "select; drop"])
def test_names_that_look_like_code_are_names(text: str) -> None:
    """Text that only a broken program could execute passes unchanged."""
    command = CREATE.validate({**THING, "name": text})
    assert isinstance(command, CreateThing)
    assert command.name == text


def test_plain_strings_are_bounded_too() -> None:
    """A string without a rule has at most 10,000 characters and no controls."""
    assert refused(LIST, {"name": "x" * 10_001}) == {("name", "text_invalid")}
    assert refused(LIST, {"name": "a\x07"}) == {("name", "text_invalid")}


@pytest.mark.parametrize("field", ["organization_id", "id", "version", "status", "created_by", "is_deleted"])
def test_fields_of_the_system_cannot_be_given(field: str) -> None:
    """What a command does not have cannot be smuggled in."""
    assert refused(CREATE, {**THING, field: "x"}) == {(field, "unknown_field")}


@pytest.mark.parametrize(
    "text",
    [
        "2030-01-01", "2030-01-01T00:00:00", "2030-01-01T00:00:60Z", "2030-02-30T00:00:00Z",
        "0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00Z", "2030-01-01T24:00:01Z", "2030-01-01T00:00:00.1234567Z",
        "2030-01-01T00:00:00+0100", "２０３０-01-01T00:00:00Z", 1893456000, "1893456000", "",
    ],
)  # fmt: skip
def test_moments_are_exact(text: object) -> None:
    """Naive, impossible and out-of-range moments are refused rather than guessed."""
    assert {path for path, _ in refused(CREATE, {**THING, "starts_at": text})} == {"starts_at"}


@given(st.datetimes(timezones=st.timezones()))
def test_every_moment_with_an_offset_round_trips(moment: datetime) -> None:
    """A moment in any offset of whole minutes means the same in UTC."""
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        return
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        return
    command = CREATE.validate({**THING, "starts_at": moment.isoformat()})
    assert isinstance(command, CreateThing)
    assert command.starts_at == expected


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


@given(JSON)
def test_any_other_json_is_refused_without_an_echo(value: object) -> None:
    """No value breaks the validator in any field; and none of the fields accepts what all of them were given."""
    fields = [field.name for field in CREATE.record.fields]
    for data in (dict.fromkeys(fields, value), {**THING, "secret-looking value": value}, value):
        assert "secret-looking" not in str(refused(CREATE, data))


def test_text_is_read_by_the_type_of_its_field() -> None:
    """Queries and flags reach the same validator as JSON."""
    data = LIST.from_text(
        {"limit": "5", "gift": "false", "kinds": "one_off", "price.amount": "-7", "price.currency": "EUR"}
    )
    command = LIST.validate(data)
    assert isinstance(command, ListThings)
    assert command == ListThings(limit=5, gift=False, kinds=[Kind.ONE_OFF], price=Money(-7, "EUR"))
    assert CREATE.from_text({"metadata.a.b": "x"}) == {"metadata": {"a.b": "x"}}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1000000000"}, "limit"),
        ({"limit": "1_0"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"limit": ["1", "2"]}, "limit"),
        ({"gift": "True"}, "gift"),
        ({"sort": "id;drop"}, "sort"),
        ({"price": "1", "price.amount": "1"}, "price"),
        ({"price.x.y": "1"}, "price.currency"),
        ({"stranger": "1"}, "stranger"),
    ],
)
def test_bad_text_is_refused(query: dict[str, str | list[str]], path: str) -> None:
    """Text that does not read as its field's type is an error, not a default."""
    assert path in {found for found, _ in refused(LIST, LIST.from_text(query))}


def test_a_type_without_a_schema_stops_the_start() -> None:
    """The message names the use-case and the field."""

    @dataclass(frozen=True)
    class Odd:
        ratio: float

    with pytest.raises(TypeError, match=r"things\.odd: Odd\.ratio: no schema"):
        CommandSchema(Odd, "things.odd")


def test_ids_of_another_kind_are_told_apart() -> None:
    """An id is refused by its prefix before anybody looks for it."""
    assert refused(UPDATE, {"id": CUSTOMER, "expected_version": 1}) == {("id", "id_invalid")}
