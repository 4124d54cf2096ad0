"""Everybody who may call: credentials of each kind of caller, and requests that do nothing but ask to be let in."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from httpx2 import Response

from application.kernel.actor import AGENT_SCOPES, TENANT_SCOPES
from domain.identity.membership import Role
from domain.shared.ids import OrganizationId, encode_id
from tests.support.http import HttpFace
from tests.support.persons import join, signed_up
from tests.support.world import World

NO_FIELD = "not_a_field"
"""A field that no command has: whoever is let in hears of it, and nothing else happens."""
SOME_ID = "x"


@dataclass(frozen=True, slots=True)
class Caller:
    """What somebody sends to be recognised."""

    token: str | None
    headers: Mapping[str, str]


async def callers(world: World) -> dict[str, Caller]:
    """Return one caller of every column of ``docs/security-matrix.md``, and ``public`` without credentials."""
    within = {"stoa-organization": encode_id("org", OrganizationId(world.actor.organization_id))}
    found = {"public": Caller(None, {}), "person": Caller((await signed_up(world.stack)).token, {})}
    for role in Role:
        person = await signed_up(world.stack)
        await join(world.stack, person, world.actor, role)
        found[role.value] = Caller(person.token, within)
    agent = await world.run("agents.create_key", scopes=sorted(AGENT_SCOPES))
    everything = await world.run("api_keys.create", scopes=sorted(TENANT_SCOPES))
    found["agent"] = Caller(str(agent["secret"]), {})
    found["key"] = Caller(str(everything["secret"]), {})
    return found


async def knock(http: HttpFace, name: str, caller: Caller, fields: Mapping[str, object] | None = None) -> Response:
    """Call a use-case with fields that it does not have, so that being let in has no effect."""
    operation = http.operations[name]
    path = operation.path.format_map(dict.fromkeys(operation.path_fields, SOME_ID))
    sent = {"if-match": '"1"', "idempotency-key": str(uuid4()), **caller.headers}
    if caller.token is not None:
        sent["authorization"] = f"Bearer {caller.token}"
    given = {NO_FIELD: SOME_ID} if fields is None else fields
    body = given if operation.has_body else None
    query = None if operation.has_body else {key: str(value) for key, value in given.items()}
    return await http.client.request(operation.method, f"/v1{path}", headers=sent, json=body, params=query)
