"""Telling whether an organization's key can learn of another organization, or touch it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, TypeAliasType, get_args, get_origin, get_type_hints
from uuid import uuid4

from httpx2 import Response

from domain.shared.ids import APIKeyId
from tests.support.http import HttpFace
from tests.support.rows import Rows
from tests.support.stack import Stack
from tests.support.use_cases import REGISTRY, absent_id, slots
from tests.support.world import World

ANSWERS_TO_NOTHING = {404}
"""What a single resource says to an id that is not there; a list says 200 and is empty."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Two organizations in one database, and a face to attack through.

    ``attacker`` and ``victim`` work on a core with all its walls; ``http`` and the
    ``core`` behind it may have fewer.
    """

    attacker: World
    victim: World
    http: HttpFace
    core: Stack
    rows: Rows


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything of an answer that the caller can tell apart, except what names the request itself."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    @classmethod
    def of(cls, response: Response) -> "Seen":
        """Take an answer without its request id."""
        headers = sorted((name, value) for name, value in response.headers.items() if name != "x-request-id")
        body = response.text.replace(response.headers["x-request-id"], "<request id>")
        return cls(response.status_code, tuple(headers), body)


@dataclass(frozen=True, slots=True)
class Probe:
    """The same command twice: naming something of the victim's, and naming something that never was."""

    place: str
    foreign: Mapping[str, object]
    absent: Mapping[str, object]
    is_id: bool


async def probes(ground: Ground, name: str) -> list[Probe]:
    """Return what a use-case lets its caller point at: ids anywhere in the command, and values to filter by."""
    found = []
    for slot in slots(REGISTRY[name].command):
        fields = await ground.attacker.fields(name)
        foreign, absent = ground.victim.ids[slot.id_type], absent_id(slot.id_type)
        found.append(Probe(str(slot), slot.put(fields, foreign), slot.put(fields, absent), is_id=True))
    if REGISTRY[name].read_only and not REGISTRY[name].public:
        common = values_of(ground.attacker).items()
        values = {field: value for field, value in values_of(ground.victim).items() if (field, value) not in common}
        for field in sorted(text_fields(REGISTRY[name].command) & values.keys()):
            fields, value = await ground.attacker.fields(name), values[field]
            found.append(
                Probe(field, {**fields, field: value}, {**fields, field: unlike(value)}, is_id=False)
            )  # fmt: skip
    return found


def text_fields(command: type) -> set[str]:
    """Return the names of a command's fields that take any text."""
    return {name for name, hint in get_type_hints(command, include_extras=True).items() if _is_text(hint)}


def _is_text(annotation: object) -> bool:
    if isinstance(annotation, TypeAliasType):
        return _is_text(annotation.__value__)
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[0] is str
    return any(_is_text(arg) for arg in get_args(annotation) if arg is not NoneType) or annotation is str


def values_of(world: World) -> dict[str, str]:
    """Return texts of an organization's resources by the names of their fields, and of filters that look into them."""
    found = {name: value for made in world.made.values() for name, value in made.items() if isinstance(value, str)}
    del found["id"]
    query = world.person.email.partition("@")[0]
    return {**found, "text": found["email"].partition("@")[0], "query": query, "actor": world.ids[APIKeyId]}


def unlike(value: str) -> str:
    """Return a text of the same form that nobody has."""
    size = min(8, len(value))
    return re.sub(f".{{{size}}}$", uuid4().hex[:size], value) if "@" not in value else f"x{uuid4().hex}@example.org"


async def leaks(ground: Ground, name: str) -> list[str]:
    """Attack one use-case in every place and say where the two answers differ, or the victim's data changed."""
    found = []
    victim, person = ground.victim.actor.organization_id, ground.victim.person.user_id
    before = await ground.rows.digest(victim, person)
    for probe in await probes(ground, name):
        where = f"{name} {probe.place}"
        foreign = Seen.of(await ground.http.send(name, probe.foreign, key=ground.attacker.key_for(name)))
        absent = Seen.of(await ground.http.send(name, probe.absent, key=ground.attacker.key_for(name)))
        if foreign != absent:
            found.append(f"{where}: {foreign} is not {absent}")
        elif not _is_nothing(absent, is_id=probe.is_id):
            found.append(f"{where}: {absent} does not say that nothing is there, so nothing was tested")
    after = await ground.rows.digest(victim, person)
    found += [f"{name}: {table} of the victim changed" for table in after if after[table] != before[table]]
    return found


def _is_nothing(seen: Seen, *, is_id: bool) -> bool:
    # What is asked for by its name is not found either.
    if seen.status in ANSWERS_TO_NOTHING and (is_id or seen.status == 404):
        return True
    return seen.status == 200 and json.loads(seen.body).get("data") == []
