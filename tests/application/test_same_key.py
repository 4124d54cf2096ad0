"""Idempotency keys: same key, same command, same answer, one effect."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from application.identity.recovery import request_recovery
from application.kernel.actor import TENANT_SCOPES
from application.kernel.dispatcher import Call, Outcome
from application.kernel.idempotency import IdempotencyKeyMissing, IdempotencyKeyReused
from application.kernel.use_case import DeclarationError, use_case
from tests.support.http import HttpFace
from tests.support.rows import Rows
from tests.support.stack import Stack
from tests.support.use_cases import REGISTRY, ROUTED, WRITES, as_kept
from tests.support.world import World

KEYED = [name for name in WRITES if name in ROUTED and not REGISTRY[name].keyless]
NAMED = [name for name in KEYED if not REGISTRY[name].public]
TWINS = 20
LIMITED = {"account.change_password": 4, "account.verify_email": 4}
"""How many twins there may be where every attempt is counted, also those that will be replays."""


@pytest.mark.parametrize("name", KEYED)
async def test_twins_at_once_have_one_effect_and_one_answer(name: str, world: World, rows: Rows) -> None:
    """Twenty simultaneous identical commands under one key add what one alone adds, and answer alike."""
    alone, one = await grown(world, rows, name, 1)
    count = LIMITED.get(name, TWINS)
    twins, all_twins = await grown(world, rows, name, count)

    assert one == all_twins
    assert len(alone) == 1
    assert sum(twin.replayed for twin in twins) == count - 1
    first = next(shown(twin) for twin in twins if not twin.replayed)
    assert all(shown(twin) == as_kept(name, first) for twin in twins if twin.replayed)


OTHERS = ("customers.create", "products.create", "account.update", "account.set_primary_wallet")
"""Two commands of each kind of caller, whose keys are its own."""


async def grown(world: World, rows: Rows, name: str, times: int) -> tuple[list[Outcome], dict[str, int]]:
    """Run one command under one key so many times at once; return the outcomes and how many rows were added."""
    organization, fields, key = world.actor.organization_id, await world.fields(name), str(uuid4())
    before = await rows.counts(organization)
    outcomes = await asyncio.gather(*(world.outcome(name, fields, key=key) for _ in range(times)))
    after = await rows.counts(organization)
    return outcomes, {table: after[table] - before[table] for table in after}


def shown(outcome: Outcome) -> dict[str, object]:
    """Return an answer as JSON shows it."""
    body: dict[str, object] = json.loads(msgspec.json.encode(outcome.body))
    return body


@pytest.mark.parametrize("name", NAMED)
async def test_a_key_belongs_to_one_command(name: str, world: World) -> None:
    """The key of one command is refused for any other command, and for the same one with other fields."""
    key, fields = str(uuid4()), await world.fields(name)
    await world.send(name, fields, key=key)
    other = next(each for each in OTHERS if each != name and world.actor_for(each) == world.actor_for(name))
    for reused, given in ((other, await world.fields(other)), (name, await world.fields(name))):
        if (reused, given) != (name, fields):
            with pytest.raises(Exception) as refused:  # noqa: PT011 - its code is checked
                await world.send(reused, given, key=key)
            assert getattr(refused.value, "code", refused.value) == "idempotency_key_reused"


@pytest.mark.parametrize("name", [name for name in KEYED if REGISTRY[name].public])
async def test_strangers_do_not_share_keys(name: str, stack: Stack, world: World) -> None:
    """Who calls without credentials under a key of somebody else's is neither refused nor given their answer."""
    neighbour, key = await World.create(stack), str(uuid4())
    for each in (world, neighbour):
        fields = await each.fields(name)
        answers = [await each.outcome(name, fields, key=key) for _ in range(2)]
        assert [answer.replayed for answer in answers] == [False, True]
    other = next(each for each in KEYED if REGISTRY[each].public and each != name)
    assert (await world.outcome(other, await world.fields(other), key=key)).replayed is False


@pytest.mark.parametrize("flags", [{}, {"keyed_by": ("colour",)}, {"keyed_by": ("email",), "keyless": True}])
def test_a_strangers_command_says_what_its_keys_belong_to(flags: dict[str, Any]) -> None:
    """To some of its fields, or to nothing because none is kept; a declaration that says neither is no use-case."""
    with pytest.raises(DeclarationError):
        use_case("account.forget_keys", scope=None, public=True, example={}, **flags)(request_recovery)


async def test_a_strangers_key_is_still_one_command(world: World) -> None:
    """The same checkout with another buyer is another request under the same key."""
    key, fields = str(uuid4()), await world.fields("checkouts.submit")
    await world.send("checkouts.submit", fields, key=key)
    with pytest.raises(IdempotencyKeyReused):
        await world.outcome("checkouts.submit", {**fields, "name": "Somebody Else"}, key=key)


async def test_organizations_do_not_share_keys(stack: Stack, world: World, rows: Rows) -> None:
    """The same key with the same command in another organization is another request."""
    neighbour, key = await World.create(stack), str(uuid4())
    fields = await world.fields("customers.create")
    answers = [await each.outcome("customers.create", fields, key=key) for each in (world, neighbour)]
    assert [answer.replayed for answer in answers] == [False, False]
    assert answers[0].body != answers[1].body


async def test_a_replay_over_http_says_so_and_quotes_do_not_matter(world: World, http: HttpFace) -> None:
    """`"k"` and `k` are one key; the second answer is the first one's, marked as replayed."""
    fields, key = await world.fields("products.create"), str(uuid4())
    first = await http.send("products.create", fields, key=world.key, idempotency_key=key)
    second = await http.send("products.create", fields, key=world.key, idempotency_key=f'"{key}"')
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert [first.headers[name] for name in ("etag", "location")] == [
        second.headers[name] for name in ("etag", "location")
    ]


@pytest.mark.parametrize("key", ["x" * 256, "", '""', "a\tb", "\xe9"])
async def test_a_key_outside_the_rules_is_malformed(key: str, world: World, http: HttpFace) -> None:
    """256 characters, none, controls and other alphabets are 400 before anything happens."""
    fields = await world.fields("products.create")
    response = await http.send("products.create", fields, key=world.key, idempotency_key=key)
    assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_malformed")


async def test_a_revoked_key_gets_no_replay(world: World, http: HttpFace) -> None:
    """Who may call is asked before the stored answer is given."""
    issued = await world.run("api_keys.create", scopes=sorted(TENANT_SCOPES))
    secret, key = str(issued["secret"]), str(uuid4())
    fields = await world.fields("products.create")
    assert (await http.send("products.create", fields, key=secret, idempotency_key=key)).status_code == 201
    await world.run("api_keys.revoke", id=issued["id"], expected_version=None)
    response = await http.send("products.create", fields, key=secret, idempotency_key=key)
    assert response.status_code == 401


async def test_the_twin_of_a_new_api_key_has_no_secret(world: World, http: HttpFace, rows: Rows) -> None:
    """The secret is in the first answer only; the replay has null in its place, and no table has it."""
    fields, key = await world.fields("api_keys.create"), str(uuid4())
    first = (await http.send("api_keys.create", fields, key=world.key, idempotency_key=key)).json()
    second = (await http.send("api_keys.create", fields, key=world.key, idempotency_key=key)).json()
    assert first["secret"]
    assert second == {**first, "secret": None}
    everything = repr([await rows.query(f"SELECT * FROM {table}") for table in ("idempotency_records", "api_keys")])
    assert first["secret"] not in everything


@pytest.mark.parametrize("name", [name for name in KEYED if REGISTRY[name].money])
async def test_money_does_not_move_without_a_key(name: str, stack: Stack, world: World, http: HttpFace) -> None:
    """HTTP says so before it reads the body, and the core itself refuses whichever face forgot to ask."""
    fields, operation = await world.fields(name), http.operations[name]
    path = f"/v1{operation.path.format_map(fields)}"
    headers = {"authorization": f"Bearer {world.key}"}
    response = await http.client.request(operation.method, path, json={"surprise": 1}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_missing")
    with pytest.raises(IdempotencyKeyMissing):
        await stack.dispatcher(name, stack.command(name, **fields), Call(actor=world.actor, request_id=str(uuid4())))


async def test_a_failure_leaves_its_key_free(world: World, rows: Rows) -> None:
    """Only what was committed is kept: the same key works once the cause is gone, and the failure left nothing."""
    fields, key = await world.fields("products.create"), str(uuid4())
    taken = await world.run("products.create")
    before = await rows.digest(world.actor.organization_id)
    with pytest.raises(Exception) as refused:  # noqa: PT011 - its code is checked
        await world.send("products.create", {**fields, "sku": taken["sku"]}, key=key)
    assert getattr(refused.value, "code", refused.value) == "sku_taken"
    assert await rows.digest(world.actor.organization_id) == before
    assert (await world.outcome("products.create", fields, key=key)).replayed is False


@pytest.mark.parametrize("name", WRITES)
async def test_a_dry_run_leaves_nothing(name: str, world: World, rows: Rows) -> None:
    """A dry run answers like the real thing, and every table is as it was."""
    fields = await world.fields(name)
    before = await rows.digest(world.actor.organization_id), await rows.query("SELECT count(*) AS n FROM outbox")
    dry = await world.send(name, fields, dry_run=True)
    after = await rows.digest(world.actor.organization_id), await rows.query("SELECT count(*) AS n FROM outbox")
    assert before == after
    real = await world.send(name, fields)
    assert dry.keys() == real.keys()
