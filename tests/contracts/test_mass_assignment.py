"""Nobody sets what is not theirs to set: every field that a command does not have is refused, in every operation."""

from dataclasses import fields, is_dataclass
from typing import get_type_hints

import pytest

from application.kernel.actor import PERSONAL_SCOPES
from interfaces.http.operation import Operation
from tests.support.callers import Caller, knock
from tests.support.http import HttpFace
from tests.support.rows import Rows
from tests.support.stack import Stack
from tests.support.use_cases import REGISTRY, ROUTED
from tests.support.world import World

ALWAYS = {
    *("id", "organization_id", "version", "status", "created_at", "created_by", "updated_at", "updated_by"),
    *("deleted_at", "is_deleted", "role", "scopes", "hash", "secret", "user_id", "agent_id", "is_admin", "owner"),
    *("actor", "__class__", "balance", "refunded", "captured", "uses", "seq"),
}
"""What attackers try first, whatever a view shows."""


@pytest.fixture(scope="module")
def stack(pg_stack: Stack) -> Stack:
    """One database is enough: what is attacked is in front of it."""
    return pg_stack


def not_to_be_set(operation: Operation) -> set[str]:
    """Return all that an operation shows, or anybody would try, and that is not to be given in body or query."""
    result = operation.use_case.result
    shown = {field.name for field in fields(result)} if is_dataclass(result) else set()
    for hint in get_type_hints(result).values() if isinstance(result, type) else ():
        item = next(iter(getattr(hint, "__args__", ())), None)
        shown |= {field.name for field in fields(item)} if item is not None and is_dataclass(item) else set()
    return (shown | ALWAYS | operation.reserved) - {field.name for field in operation.fields}


async def test_every_field_that_is_not_of_the_command_is_refused_by_name(
    http: HttpFace, everybody: dict[str, Caller], world: World, rows: Rows
) -> None:
    """What views show, what paths name and what attackers try is unknown in body and query; nothing changes."""
    before, differing = await rows.digest(world.actor.organization_id), {}
    for name in ROUTED:
        operation = http.operations[name]
        extra = not_to_be_set(operation)
        answer = await knock(http, name, everybody["owner"], dict.fromkeys(extra, "1"))
        unknown = {each["path"] for each in answer.json()["errors"] if each["code"] == "unknown_field"}
        # A name that is no identifier is never repeated.
        if answer.status_code != 422 or extra - unknown - {"__class__"}:
            differing[name] = (answer.status_code, extra - unknown)
    assert differing == {}
    assert await rows.digest(world.actor.organization_id) == before


@pytest.mark.parametrize("name", [name for name in ROUTED if not REGISTRY[name].read_only])
async def test_beside_valid_fields_one_that_is_not_to_be_set_stops_the_write(
    name: str, http: HttpFace, world: World, rows: Rows
) -> None:
    """A request that would succeed does nothing at all with an organization, a state or an id of its own choice."""
    given = await world.fields(name)
    home = world.home_of(name)
    before = await rows.digest(home)
    extra = sorted(not_to_be_set(http.operations[name]) & {"organization_id", "status", "id", "created_at", "role"})
    for field in [each for each in extra if each not in given]:
        key = world.person.token if REGISTRY[name].scope in PERSONAL_SCOPES else world.key
        answer = await http.send(name, {**given, field: "active"}, key=key)
        assert answer.status_code == 422, answer.text
    assert await rows.digest(home) == before
