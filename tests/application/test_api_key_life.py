"""API keys in use: rotation, narrowing, last use, and what of them is found."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from application.kernel.actor import PERSONAL_SCOPES, TENANT_SCOPES, Actor
from domain.identity.api_key import APIKeyExpired, APIKeyRevoked, ExpiryExceedsMaker
from domain.identity.membership import Role
from domain.shared.errors import InsufficientPermissions, StoaError
from tests.support.http import HttpFace
from tests.support.people import member, owner_of
from tests.support.rows import Rows
from tests.support.stack import Body, Stack


async def issued(stack: Stack, organization: Actor, **fields: object) -> Body:
    """Return a fresh key that reads products, unless told otherwise."""
    return await stack.run("api_keys.create", organization, **{"name": "Shop", "scopes": ["products:read"], **fields})


def moment(value: object) -> str:
    """Return a time as it is given from outside."""
    assert isinstance(value, datetime)
    return value.isoformat()


async def listed(stack: Stack, organization: Actor, **fields: object) -> set[object]:
    """Return the ids of the keys that a list finds."""
    page = await stack.run("api_keys.list", organization, limit=100, **fields)
    return {each["id"] for each in page["data"]}  # type: ignore[attr-defined]  # reason: a list


async def test_both_secrets_work_until_the_overlap_ends_and_then_one(stack: Stack) -> None:
    """Nothing has to be changed at the same moment; the old key is refused by name when its time is over."""
    organization = await stack.organization()
    old = await issued(stack, organization)
    new = await stack.run("api_keys.rotate", organization, id=old["id"], overlap_minutes=60)
    for each in (old, new):
        assert (await stack.authenticate(str(each["secret"]))).scopes == {"products:read"}
    stack.clock.shift += timedelta(minutes=61)
    try:
        with pytest.raises(APIKeyExpired):
            await stack.authenticate(str(old["secret"]))
        assert (await stack.authenticate(str(new["secret"]))).id == new["id"]
    finally:
        stack.clock.shift -= timedelta(minutes=61)
    assert await listed(stack, organization, lineage_id=old["id"]) == {old["id"], new["id"]}
    await stack.authenticate.settle()


async def test_without_an_overlap_the_old_key_is_refused_on_the_next_request(stack: Stack, http: HttpFace) -> None:
    """For a secret that leaked, zero minutes: the answer is there and the old key is gone, ten times over."""
    organization = await stack.organization()
    key = await issued(stack, organization)
    for _ in range(10):
        assert (await http.send("products.list", {}, key=str(key["secret"]))).status_code == 200
        new = await stack.run("api_keys.rotate", organization, id=key["id"], overlap_minutes=0)
        refused = await http.send("products.list", {}, key=str(key["secret"]))
        assert (refused.status_code, refused.json()["code"]) == (401, APIKeyExpired.code)
        key = new
    await stack.authenticate.settle()


async def test_a_secret_is_shown_once(stack: Stack, http: HttpFace, rows: Rows) -> None:
    """Over HTTP with an idempotency key, the replay has null in its place, and no table has the secret."""
    organization = await stack.organization()
    maker = await issued(stack, organization, scopes=["api_keys:write", "products:read"])
    key = await issued(stack, organization)
    again = str(uuid4())
    first, second = [
        await http.send("api_keys.rotate", {"id": key["id"]}, key=str(maker["secret"]), idempotency_key=again)
        for _ in range(2)
    ]
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json() == {**first.json(), "secret": None}
    for table in ("api_keys", "audit_entries", "outbox", "idempotency_records"):
        assert first.json()["secret"] not in repr(await rows.of(table, organization.organization_id))
    await stack.authenticate.settle()


async def test_rotating_gives_nobody_a_scope_they_lack(stack: Stack) -> None:
    """A key that may manage keys cannot take over a stronger one by rotating it."""
    organization = await stack.organization()
    maker = await stack.authenticate(str((await issued(stack, organization, scopes=["api_keys:write"]))["secret"]))
    strong = await issued(stack, organization, scopes=["products:write"])
    with pytest.raises(InsufficientPermissions):
        await stack.run("api_keys.rotate", maker, id=strong["id"])
    await stack.authenticate.settle()


async def test_a_key_makes_no_key_that_outlives_it(stack: Stack) -> None:
    """Neither by making one nor by rotating one, itself among them; without an end the maker's is taken."""
    organization = await stack.organization()
    soon = datetime.now(UTC) + timedelta(minutes=1)
    later = (soon + timedelta(seconds=1)).isoformat()
    scopes = ["api_keys:write", "products:read"]
    made = await issued(stack, organization, scopes=scopes, expires_at=soon.isoformat())
    maker, lasting = await stack.authenticate(str(made["secret"])), await issued(stack, organization)
    with pytest.raises(ExpiryExceedsMaker):
        await issued(stack, maker, expires_at=later)
    assert (await issued(stack, maker))["expires_at"] == made["expires_at"]
    for id_ in (lasting["id"], made["id"]):
        with pytest.raises(ExpiryExceedsMaker):
            await stack.run("api_keys.rotate", maker, id=id_, expires_at=later)
        assert (await stack.run("api_keys.rotate", maker, id=id_))["expires_at"] == made["expires_at"]
    await stack.authenticate.settle()


async def test_a_key_prolongs_no_other_key_and_a_person_may(stack: Stack) -> None:
    """Of a maker without an end the successor ends with its predecessor; whoever is signed in gives it more time."""
    organization = await stack.organization()
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    maker = await stack.authenticate(
        str((await issued(stack, organization, scopes=["api_keys:write", "products:read"]))["secret"])
    )
    ending = await issued(stack, organization, expires_at=soon)
    successor = await stack.run("api_keys.rotate", maker, id=ending["id"])
    assert successor["expires_at"] == ending["expires_at"]
    person, _ = await owner_of(stack, organization)
    assert (await stack.run("api_keys.rotate", person, id=successor["id"]))["expires_at"] is None
    await stack.authenticate.settle()


async def test_a_narrowed_key_is_narrower_on_the_next_request(stack: Stack, http: HttpFace) -> None:
    """What was taken away is refused at once, what is left still works."""
    organization = await stack.organization()
    key = await issued(stack, organization, scopes=["products:read", "customers:read"])
    secret = str(key["secret"])
    assert (await http.send("customers.list", {}, key=secret)).status_code == 200
    await stack.run("api_keys.update", organization, id=key["id"], expected_version=1, scopes=["products:read"])
    assert (await http.send("customers.list", {}, key=secret)).status_code == 403
    assert (await http.send("products.list", {}, key=secret)).status_code == 200
    await stack.authenticate.settle()


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
async def test_a_persons_key_holds_what_they_hold_and_nothing_personal(role: Role, stack: Stack) -> None:
    """Every scope of the organization that the person has, and none of those about their own account."""
    organization = await stack.organization()
    maker, _ = await member(stack, organization, role)
    within = sorted(maker.scopes & TENANT_SCOPES)
    assert (await issued(stack, maker, scopes=within))["scopes"] == within
    for beyond in (TENANT_SCOPES - maker.scopes) | PERSONAL_SCOPES | {"platform:operate"}:
        with pytest.raises(StoaError) as refused:
            await issued(stack, maker, scopes=[beyond])
        assert refused.value.code in {"scope_missing", "validation_error", "invalid_command"}


async def test_last_use_is_noted_at_most_once_a_minute_and_apart_from_requests(stack: Stack, rows: Rows) -> None:
    """Of fifty requests one note remains, which is no new version; after a minute there is another."""
    organization = await stack.organization()
    key = await issued(stack, organization)

    async def used() -> tuple[object, object]:
        for _ in range(50):
            await stack.authenticate(str(key["secret"]))
        await stack.authenticate.settle()
        [row] = await rows.of("api_keys", organization.organization_id)
        return row["version"], row["last_used_at"]

    version, first = await used()
    assert (version, await used()) == (1, (1, first))
    stack.clock.shift += timedelta(seconds=61)
    try:
        assert (await used())[1] != first
    finally:
        stack.clock.shift -= timedelta(seconds=61)


async def test_keys_are_found_by_what_an_operator_asks(stack: Stack) -> None:
    """Which still open something, which end soon, and which nobody uses."""
    organization = await stack.organization()
    soon = datetime.now(UTC) + timedelta(hours=1)
    lasting, ending = await issued(stack, organization), await issued(stack, organization, expires_at=soon.isoformat())
    revoked = await issued(stack, organization)
    await stack.run("api_keys.revoke", organization, id=revoked["id"])
    await stack.authenticate(str(lasting["secret"]))
    await stack.authenticate.settle()
    assert await listed(stack, organization, active=True) == {lasting["id"], ending["id"]}
    assert await listed(stack, organization, active=False) == {revoked["id"]}
    later = (soon + timedelta(hours=1)).isoformat()
    assert await listed(stack, organization, expires_before=later) == {ending["id"]}
    assert await listed(stack, organization, expires_before=datetime.now(UTC).isoformat()) == set()
    unused = await listed(stack, organization, unused_since=later)
    assert unused == {lasting["id"], ending["id"], revoked["id"]}
    just_used = await listed(stack, organization, unused_since=moment(lasting["created_at"]))
    assert just_used == set()


async def test_revoking_an_old_key_leaves_its_successor(stack: Stack) -> None:
    """The end of the overlap can be brought forward, and nothing else ends."""
    organization = await stack.organization()
    maker, _ = await owner_of(stack, organization)
    old = await issued(stack, maker)
    new = await stack.run("api_keys.rotate", maker, id=old["id"])
    await stack.run("api_keys.revoke", maker, id=old["id"])
    with pytest.raises(APIKeyRevoked):
        await stack.authenticate(str(old["secret"]))
    assert (await stack.authenticate(str(new["secret"]))).id == new["id"]
    shown = await stack.run("api_keys.get", maker, id=old["id"])
    assert (shown["replaced_by_id"], shown["created_by"]) == (new["id"], maker.id)
    await stack.authenticate.settle()
