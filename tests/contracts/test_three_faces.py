"""HTTP, command line and MCP are three ways to say one thing: same answers, same refusals, same traces."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping

import pytest

from application.kernel.actor import TENANT_SCOPES
from domain.shared.errors import InsufficientPermissions
from domain.shared.ids import OrganizationId
from tests.support.faces import Answer, Json, over_cli, over_http, over_mcp
from tests.support.http import HttpFace
from tests.support.rows import NUMBERS, Rows
from tests.support.use_cases import REGISTRY, ROUTED, SILENT, absent_id, slots
from tests.support.world import World

READ = [name for name in ROUTED if REGISTRY[name].read_only]
WRITTEN = [name for name in ROUTED if not REGISTRY[name].read_only]
FOUNDING = {"account.create_organization"}
OF_THE_MOMENT = {
    "token",
    *("version", "subject_version", "secret", "prefix", "last_four", "last_used_at", "number", "slug", "reference"),
    *("token", "wallet_address"),
}
"""Fields that differ from call to call; their presence is compared all the same."""
_GENERATED = (
    (re.compile(r"\b([a-z]+)_[0-9a-hjkmnp-tv-z]{26}\b"), r"\1_…"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z"), "…Z"),
    (re.compile(r"[- ][0-9a-fA-F]{8,12}\b"), "-…"),
    (re.compile(r"\b0x[0-9a-fA-F]{40}\b"), "0x…"),
    (re.compile(r"Nonce: [0-9a-z]+"), "Nonce: …"),
)
type Face = Callable[[str, Mapping[str, object]], Awaitable[Answer]]


def faces(http: HttpFace, world: World, used: str) -> dict[str, Face]:
    """Return the three faces with one secret, a key's or a session's."""

    async def cli(name: str, fields: Mapping[str, object]) -> Answer:
        run = await over_cli(world.stack, name, fields, used)
        assert (run.exit_code, run.err) == (0, "")
        return Answer(run.body)

    return {
        "http": lambda name, fields: over_http(http, name, fields, used),
        "mcp": lambda name, fields: over_mcp(world.stack, name, fields, used),
        "cli": cli,
    }


def lasting(value: object) -> object:
    """Return an answer without what differs from call to call."""
    if isinstance(value, dict):
        return {name: type(each).__name__ if name in OF_THE_MOMENT else lasting(each) for name, each in value.items()}
    if isinstance(value, list):
        return [lasting(each) for each in value]
    if isinstance(value, str):
        for pattern, written in _GENERATED:
            value = pattern.sub(written, value)
    return value


@pytest.mark.parametrize("name", READ)
async def test_reading_is_the_same_everywhere(name: str, http: HttpFace, world: World) -> None:
    """One question, three identical answers."""
    fields = await world.fields(name)
    answers = {face: await ask(name, fields) for face, ask in faces(http, world, world.key_for(name)).items()}
    assert not answers["http"].failed
    shown = {face: without_last_use(answer.body) for face, answer in answers.items()}
    assert shown["cli"] == shown["http"]
    assert shown["mcp"] == shown["http"]


def without_last_use(body: Json) -> Json:
    """Leave out when a key was last used, which these calls themselves change."""
    read: Json = json.loads(re.sub(r'"last_used_at": (null|"[^"]*")', '"last_used_at": "…"', json.dumps(body)))
    return read


@pytest.mark.parametrize("name", WRITTEN)
async def test_writing_is_the_same_everywhere(name: str, http: HttpFace, world: World, rows: Rows) -> None:
    """The same fields answer alike, and leave the same audit entries and events, whoever carried them."""
    left = {}
    for face, ask in faces(http, world, world.key_for(name)).items():
        fields = await world.fields(name)
        # What founds an organization leaves its traces where nothing was before.
        home = None if name in FOUNDING else world.home_of(name)
        last = {table: await rows.last(table) for table in NUMBERS}
        answer = await ask(name, fields)
        assert not answer.failed, answer.body
        added = await traces(rows, home, last)
        left[face] = (lasting(answer.body), lasting(sorted(added, key=str)))
    assert left["http"][1] or name in SILENT
    assert left["cli"] == left["http"]
    assert left["mcp"] == left["http"]


async def traces(rows: Rows, organization: OrganizationId | None, last: Mapping[str, int]) -> list[Json]:
    """Return what writes left of an organization, or of everybody, without when and under which request."""
    told = ("actor", "action", "operation", "subject_type", "subject_version")
    entries, events = [await rows.since(last[table], table, organization) for table in ("audit_entries", "outbox")]
    return [
        *(
            {**{name: row[name] for name in told}, "changes": sorted(json.loads(str(row["changes"])))}
            for row in entries
        ),
        *({"type": row["type"], "data": sorted(json.loads(str(row["payload"]))["data"])} for row in events),
    ]


def test_nothing_but_the_moment_is_left_out() -> None:
    """The comparison sees a changed word, a missing field and another kind of id."""
    answer = {"id": "prod_01m7xqdwdxecebcwzk30ktqpss", "version": 1, "name": "Blend"}
    assert lasting(answer) == lasting({**answer, "id": "prod_01m7xqdwdxecebcwzk30ktqpsx", "version": 2})
    for other in ({**answer, "name": "Blends"}, {"id": answer["id"], "version": 1}, {**answer, "id": "x"}):
        assert lasting(other) != lasting(answer)


async def wrong(world: World, name: str) -> list[dict[str, object]]:
    """Return fields of a use-case with one thing wrong each."""
    fields = await world.fields(name)
    found: list[dict[str, object]] = [{**fields, "surprise": "1"}]
    for slot in slots(REGISTRY[name].command):
        found += [slot.put(fields, absent_id(slot.id_type)), slot.put(fields, "nonsense")]
    return found


@pytest.mark.parametrize("name", ROUTED)
async def test_a_refusal_is_the_same_everywhere(name: str, http: HttpFace, world: World) -> None:
    """An unknown field, an absent id and a malformed id get one code and one text, whoever carries them."""
    for fields in await wrong(world, name):
        problem = await over_http(http, name, fields, world.key_for(name))
        if not problem.failed:
            assert problem.body["data"] == []  # A filter that nothing matches.
            continue
        await check_alike(problem.body, world, name, fields, world.key_for(name))


@pytest.mark.parametrize("name", [name for name in ROUTED if not REGISTRY[name].public])
async def test_a_missing_scope_is_the_same_everywhere(name: str, http: HttpFace, world: World) -> None:
    """A key with all scopes but the declared one hears the same from all three."""
    scopes = sorted(TENANT_SCOPES - {REGISTRY[name].scope})
    key = str((await world.run("api_keys.create", scopes=scopes))["secret"])
    fields = await world.fields(name)
    problem = await over_http(http, name, fields, key)
    assert (problem.body["status"], problem.body["code"]) == (403, InsufficientPermissions.code)
    await check_alike(problem.body, world, name, fields, key)


async def check_alike(problem: Json, world: World, name: str, fields: Mapping[str, object], key: str) -> None:
    """Check that MCP and the command line tell a failure as HTTP told it."""
    told = ("type", "title", "detail", "code", "errors")
    mcp = await over_mcp(world.stack, name, fields, key)
    assert mcp.failed
    assert {part: mcp.body[part] for part in told} == {part: problem[part] for part in told}
    run = await over_cli(world.stack, name, fields, key)
    assert run.says(problem), (problem, run)
