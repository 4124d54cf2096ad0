"""What is published is what the published schemas say, now and for those who read them earlier."""

import copy
import json
from collections.abc import AsyncIterator
from typing import cast

import pytest
from jsonschema import (  # type: ignore[import-untyped]  # reason: it has no types of its own
    Draft202012Validator,
    FormatChecker,
    ValidationError,
)

from application.events.catalogue import envelope_schema, event_types
from scripts.event_schemas import FILE, incompatible, present
from tests.support.databases import TestDatabases
from tests.support.http import HttpFace
from tests.support.rows import Rows, open_rows
from tests.support.stack import Stack, open_stack
from tests.support.use_cases import REGISTRY, WRITES
from tests.support.world import World

NAMED = {
    *("user.created", "user.verified", "user.wallet_linked", "organization.created"),
    *("payment_order.created", "payment_order.processing", "payment_order.completed", "payment_order.failed"),
    *("customer.created", "customer.kyc_updated", "product.created", "product.price_updated"),
    *("membership.added", "membership.removed", "agent.created", "agent_performance.recorded"),
}
"""Sixteen of the eighteen events that were asked for by name; the other two belong to wallets."""


@pytest.fixture(scope="module")
async def own_stack(engine: str, test_databases: TestDatabases) -> AsyncIterator[Stack]:
    """Return a core on a database of this module's own, where every event is one of these tests."""
    async with open_stack(test_databases.make(engine)) as opened:
        yield opened


@pytest.fixture(scope="module")
async def own_world(own_stack: Stack) -> World:
    """Return an organization with one of everything."""
    return await World.create(own_stack)


@pytest.fixture(scope="module")
async def everything(own_stack: Stack) -> AsyncIterator[Rows]:
    """Return a reader of what was published and what waits for it."""
    async with open_rows(own_stack.urls) as opened:
        yield opened


async def emitted(everything: Rows) -> list[str]:
    """Return the complete text of every event there is."""
    found = await everything.query("SELECT payload FROM outbox UNION ALL SELECT payload FROM events")
    return [str(row["payload"]) for row in found]


def check(payload: str) -> None:
    """Refuse an event that its schema does not describe."""
    event = json.loads(payload)
    type_ = event_types().get(event["type"])
    assert type_ is not None, f"{event['type']} is published and has no schema"
    schema = copy.deepcopy(type_.schema())
    # Consumers must bear new fields; we publish none that we do not describe.
    cast("dict[str, dict[str, object]]", schema["properties"])["data"]["additionalProperties"] = False
    schema["additionalProperties"] = False
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(event)


async def test_building_a_world_publishes_what_the_schemas_say(own_world: World, everything: Rows) -> None:
    """Every event of an organization with one of everything is described, field for field."""
    assert own_world.ids
    found = await emitted(everything)
    for payload in found:
        check(payload)
    assert len({json.loads(payload)["type"] for payload in found}) > 20


@pytest.mark.parametrize("name", WRITES)
async def test_what_a_use_case_publishes_is_described(name: str, own_world: World, everything: Rows) -> None:
    """Whatever it publishes beside its answer; a few only ask a worker to do something."""
    given = await own_world.fields(name)
    before = set(await emitted(everything))
    await own_world.send(name, given)
    for payload in set(await emitted(everything)) - before:
        check(payload)


def test_the_check_has_teeth() -> None:
    """A field too many, one too few, another type of value or an unknown type are all found."""
    event: dict[str, object] = {
        "event_id": "evt_01m7xqdwdxecebcwzk30ktqpss", "type": "payment_link.redeemed", "schema_version": 1,
        "occurred_at": "2030-01-01T00:00:00Z", "organization_id": "org_01m7xqdwdxecebcwzk30ktqpss", "actor": "operator",
        "aggregate": {"type": "payment_link", "id": "plink_01m7xqdwdxecebcwzk30ktqpss", "version": 2},
        "correlation_id": "x", "causation_id": None, "data": {"uses": 1},
    }  # fmt: skip
    check(json.dumps(event))
    wrong: list[dict[str, object]] = [
        {"data": {"uses": "1"}}, {"data": {}}, {"data": {"uses": 1, "more": 1}}, {"schema_version": 2},
        {"event_id": "x"}, {"causation_id": "x"}, {"surprise": 1},
    ]  # fmt: skip
    for change in wrong:
        with pytest.raises(ValidationError):
            check(json.dumps({**event, **change}))
    with pytest.raises(AssertionError):
        check(json.dumps({**event, "type": "payment_link.eaten"}))


def test_the_events_that_were_asked_for_by_name_exist() -> None:
    """Their classes keep their words, their types are ours."""
    assert event_types().keys() >= NAMED


@pytest.mark.parametrize("name", sorted(event_types()))
def test_every_schema_is_one_and_says_what_the_event_means(name: str) -> None:
    """Valid JSON Schema, with a text, for types that fit the outbox's column."""
    type_ = event_types()[name]
    Draft202012Validator.check_schema(type_.schema())
    assert type_.description
    assert len(name) <= 80


def test_no_consumer_is_broken() -> None:
    """Since docs/event-schemas.json was written, data has gained fields at most, or has another version."""
    assert incompatible(json.loads(FILE.read_text("utf-8")), present()) == []


def test_the_file_is_complete() -> None:
    """What is new is in it: ``python -m scripts.event_schemas`` writes it."""
    assert json.loads(FILE.read_text("utf-8")) == json.loads(json.dumps(present()))


@pytest.mark.parametrize(
    ("break_it", "expected"),
    [
        (lambda data: data["properties"].pop("uses"), "payment_link.redeemed.uses is gone"),
        (lambda data: data["required"].remove("uses"), "payment_link.redeemed.uses may be absent"),
        (lambda data: data["properties"]["uses"].update(type="string"), "payment_link.redeemed.uses.type"),
    ],
)
def test_a_break_without_another_version_is_found(break_it: object, expected: str) -> None:
    """The same change under a new version is allowed; a field more always is."""
    old, new = copy.deepcopy(present()), copy.deepcopy(present())
    event = cast("dict[str, dict[str, dict[str, dict[str, object]]]]", new["events"])["payment_link.redeemed"]
    break_it(event["data"])  # type: ignore[operator]  # reason: a function of the table above
    assert any(found.startswith(expected) for found in incompatible(old, new))
    event["schema_version"] = 2  # type: ignore[assignment]  # reason: a number beside objects
    assert incompatible(old, new) == []
    grown = copy.deepcopy(old)
    grown_event = cast("dict[str, dict[str, dict[str, dict[str, object]]]]", grown["events"])["payment_link.redeemed"]
    grown_event["data"]["properties"]["more"] = {"type": "string"}
    assert incompatible(old, grown) == []


async def test_the_schemas_are_public(http: HttpFace) -> None:
    """Anybody may read them, all together or one by one; an unknown type is not found."""
    listed = await http.client.get("/v1/events/schemas")
    assert listed.status_code == 200
    assert listed.json()["envelope"] == envelope_schema()
    assert {each["type"] for each in listed.json()["data"]} == set(event_types())
    one = await http.client.get("/v1/events/schemas/payment_order.created")
    assert one.json()["schema"]["properties"]["type"] == {"const": "payment_order.created"}
    assert (await http.client.get("/v1/events/schemas/payment_order.eaten")).status_code == 404
    assert "events.get_schema" in REGISTRY
