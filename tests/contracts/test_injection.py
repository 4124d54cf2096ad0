"""Two hundred hostile texts in every place that takes a text: refused or kept as they are, and nothing else happens."""

import time
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import cycle

import pytest

from tests.support.http import HttpFace
from tests.support.payloads import PAYLOADS
from tests.support.rows import Rows
from tests.support.stack import Stack
from tests.support.use_cases import REGISTRY, ROUTED
from tests.support.world import World

SLOW = 4.0
"""Seconds that only a database put to sleep would need; it is told to sleep for five."""
STEERING = ("sort", "cursor", "include", "expand", "q", "text", "name", "type", "status")
_turns = cycle(PAYLOADS)


@pytest.fixture(scope="module")
def stack(pg_stack: Stack) -> Stack:
    """One database is enough: what is attacked is in front of it."""
    return pg_stack


def places(given: Mapping[str, object], operation_fields: set[str]) -> Iterator[str]:
    """Return the fields that take a text: those that have one, and those that steer a list."""
    for name in operation_fields:
        value = given.get(name)
        if isinstance(value, str) or (value is None and name in STEERING):
            yield name


def test_there_are_two_hundred() -> None:
    """All different."""
    assert len(set(PAYLOADS)) >= 200


@pytest.mark.parametrize("name", ROUTED)
async def test_a_hostile_text_is_refused_or_kept(
    name: str, http: HttpFace, world: World, pytestconfig: pytest.Config
) -> None:
    """In each field of each operation, filters, orders and cursors too: an answer that is described, and soon."""
    given, key = await world.fields(name), world.key_for(name)
    operation = http.operations[name]
    fields = {field.name for field in operation.schema.record.fields} - {"current_password", "new_password", "password"}
    full = bool(pytestconfig.getoption("--faults"))
    for field in sorted(places(given, fields)):
        for payload in PAYLOADS if full else (next(_turns),):
            path = field in operation.path_fields
            text = "".join(each for each in payload if each.isascii() and each.isalnum()) + "'--" if path else payload
            begun = time.perf_counter()
            answer = await http.send(name, {**given, field: text}, key=key)
            assert answer.status_code < 500, (field, payload, answer.text)
            assert time.perf_counter() - begun < SLOW, (field, payload)


async def test_what_is_kept_is_what_was_sent(http: HttpFace, world: World, rows: Rows) -> None:
    """Every payload as a description and in metadata: read back letter by letter, or refused; no table is gone."""
    kept = 0
    for payload in PAYLOADS:
        sent = {**await world.fields("products.create"), "description": payload, "metadata": {"note": payload}}
        answer = await http.send("products.create", sent, key=world.key)
        if answer.status_code == 201:
            read = (await http.send("products.get", {"id": answer.json()["id"]}, key=world.key)).json()
            as_sent = unicodedata.normalize("NFC", payload).strip()
            assert (read["description"].strip(), read["metadata"]["note"].strip()) == (as_sent, as_sent)
            kept += 1
        else:
            assert answer.status_code == 422
    assert kept > len(PAYLOADS) // 2
    assert await rows.of("products", world.actor.organization_id)


@pytest.mark.parametrize("name", [name for name in ROUTED if "sort" in {*REGISTRY[name].command.__annotations__}])
async def test_an_order_that_is_not_on_the_list_is_refused(name: str, http: HttpFace, world: World) -> None:
    """Columns are named by the code only."""
    given = await world.fields(name)
    for wanted in ("id;drop", "organization_id", "hash", "(select 1)", "created_at--"):
        answer = await http.send(name, {**given, "sort": wanted}, key=world.key_for(name))
        assert answer.status_code == 422
        assert wanted not in answer.text
