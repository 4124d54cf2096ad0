"""Keys, lists and cursors of one organization, beside another one in the same database."""

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from typing import cast, get_origin
from uuid import uuid4

import pytest

from application.kernel.actor import TENANT_SCOPES
from application.kernel.page import ListView, PageQuery
from domain.shared.ids import OrganizationId
from tests.contracts.detector import Seen
from tests.support.ground import UNIQUE
from tests.support.http import HttpFace
from tests.support.stack import Stack
from tests.support.use_cases import CREATORS, REGISTRY, ROUTED
from tests.support.world import World

LISTS = [name for name in ROUTED if get_origin(REGISTRY[name].result) is ListView]
PAGED = [name for name in LISTS if issubclass(REGISTRY[name].command, PageQuery)]
CLOSED = [name for name in ROUTED if not REGISTRY[name].public]
NAMING = sorted(name for name in CREATORS.values() if UNIQUE & REGISTRY[name].example.keys() - {"slug", "owner_email"})
NAMING = [name for name in NAMING if REGISTRY[name].internal is None and not REGISTRY[name].public]


@pytest.fixture(scope="module")
async def twins(world: World, neighbour: World) -> tuple[World, World]:
    """Return two organizations that have at least two of everything that is listed."""
    for each in (world, neighbour):
        await each.run("members.add", organization_id=each.ids[OrganizationId])
        for id_type, name in CREATORS.items():
            if REGISTRY[name].internal is None:
                await each.fresh(id_type)
        await each.run("users.link_identity")
        for _ in range(2):
            await each.fields("account.accept_invitation")  # which has somebody invite the person
            await an_order_of_every_worry(each)
    return world, neighbour


async def an_order_of_every_worry(world: World) -> None:
    """Two hours ago one order failed, and is due for a retry, and one was paid of which nothing was heard since."""
    world.stack.clock.shift -= timedelta(hours=2)
    await world.run("payment_orders.record_outcome", status="declined", decline_code="card_declined", fee=None)
    await world.run("payment_orders.pay")
    world.stack.clock.shift += timedelta(hours=2)


async def walked(http: HttpFace, world: World, name: str) -> tuple[list[str], int]:
    """Return the ids of a list, page by page, and the total that the first page named; whole lists count themselves."""
    fields, key = unfiltered(name, await world.fields(name)), world.key_for(name)
    if name not in PAGED:
        page = (await http.send(name, fields, key=key)).json()
        assert page["next_cursor"] is None
        return [identity(item) for item in page["data"]], len(page["data"])
    fields |= {"limit": 3, "include_total": True}
    found: list[str] = []
    total, cursor = None, None
    while total is None or cursor is not None:
        page = (await http.send(name, {**fields, **({"cursor": cursor} if cursor else {})}, key=key)).json()
        found += [identity(item) for item in page["data"]]
        total, cursor = page["total"], page["next_cursor"]
    return found, total


def identity(item: Mapping[str, object]) -> str:
    """Return the id of what a list shows, also where it is shown with something beside it."""
    shown = item if "id" in item else cast("Mapping[str, object]", item["order"])
    return str(shown["id"])


def unfiltered(name: str, fields: Mapping[str, object]) -> dict[str, object]:
    """Leave only what a list cannot do without."""
    return {field.name: fields[field.name] for field in dataclasses.fields(REGISTRY[name].command) if _required(field)}


def _required(field: dataclasses.Field[object]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


@pytest.mark.parametrize("name", LISTS)
async def test_lists_and_counts_hold_own_rows_only(name: str, http: HttpFace, twins: tuple[World, World]) -> None:
    """Two organizations' lists share nothing, and each total is the number of rows that can be walked."""
    (mine, my_total), (theirs, their_total) = [await walked(http, world, name) for world in twins]
    assert mine
    assert theirs
    assert set(mine).isdisjoint(theirs)
    assert (my_total, their_total) == (len(set(mine)), len(set(theirs))) == (len(mine), len(theirs))


@pytest.mark.parametrize("name", PAGED)
async def test_a_cursor_of_another_organization_is_no_cursor(
    name: str, http: HttpFace, twins: tuple[World, World]
) -> None:
    """B's cursor in A's hands is refused in the same words as an invented one, though A's own works."""
    mine, _ = twins
    fields: dict[str, object] = {**unfiltered(name, await mine.fields(name)), "limit": 1}
    cursors = []
    for world in twins:
        first = {**unfiltered(name, await world.fields(name)), "limit": 1}
        page = await http.send(name, first, key=world.key_for(name))
        cursors.append(page.json()["next_cursor"])
    key = mine.key_for(name)
    own = await http.send(name, {**fields, "cursor": cursors[0]}, key=key)
    foreign = await http.send(name, {**fields, "cursor": cursors[1]}, key=key)
    invented = await http.send(name, {**fields, "cursor": f"{cursors[0][:-4]}AAAA"}, key=key)
    assert own.status_code == 200
    assert (foreign.status_code, foreign.json()["code"]) == (400, "cursor_invalid")
    assert Seen.of(foreign) == Seen.of(invented)


@pytest.mark.parametrize("name", NAMING)
async def test_what_another_organization_calls_its_own_is_free(
    name: str, http: HttpFace, twins: tuple[World, World]
) -> None:
    """What is unique within an organization can be taken in another one too; only public slugs are shared."""
    mine, theirs = twins
    taken = next(made for id_type, made in theirs.made.items() if CREATORS[id_type] == name)
    values = {field: taken[field] for field in UNIQUE & REGISTRY[name].example.keys() - {"slug"}}
    response = await http.send(name, {**await mine.fields(name), **values}, key=mine.key)
    assert response.status_code == 201
    again = await http.send(name, {**await mine.fields(name), **values}, key=mine.key)
    assert again.status_code == 409


@pytest.mark.parametrize("name", CLOSED)
async def test_without_good_credentials_nothing_is_open(name: str, http: HttpFace, world: World) -> None:
    """No key, a made-up key, a key with a typing error and another scheme are 401, whatever else was sent."""
    fields = await world.fields(name)
    mistyped = world.key[:-1] + ("0" if world.key[-1] != "0" else "1")
    for header in ({}, {"authorization": "Bearer stoa_sk_x"}, {"authorization": f"Bearer {mistyped}"}):
        response = await http.send(name, fields, key=None, headers=header)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
    basic = await http.send(name, fields, key=None, headers={"authorization": f"Basic {world.key}"})
    assert basic.status_code == 401


async def test_a_revoked_key_is_refused_on_the_next_request(http: HttpFace, world: World, stack: Stack) -> None:
    """Fifty keys work until they are revoked, and not once after."""
    for _ in range(50):
        issued = await world.run("api_keys.create", scopes=sorted(TENANT_SCOPES))
        key = str(issued["secret"])
        assert (await http.send("organizations.get", {}, key=key)).status_code == 200
        revoked = await http.send("api_keys.revoke", {"id": issued["id"]}, key=key)
        assert revoked.status_code == 200
        assert (await http.send("organizations.get", {}, key=key)).status_code == 401
    await stack.authenticate.settle()


async def test_a_member_of_two_organizations_sees_one_with_each_key(http: HttpFace, twins: tuple[World, World]) -> None:
    """A person in both organizations is one member in each; a key shows its own organization's membership only."""
    email = f"both-{uuid4().hex}@harbour.example"
    members = [await each.run("members.add", organization_id=each.ids[OrganizationId], email=email) for each in twins]
    assert members[0]["user_id"] == members[1]["user_id"]
    for world, own, other in zip(twins, members, reversed(members), strict=True):
        assert (await http.send("members.get", {"id": own["id"]}, key=world.key)).status_code == 200
        assert (await http.send("members.get", {"id": other["id"]}, key=world.key)).status_code == 404
        listed, _ = await walked(http, world, "members.list")
        assert own["id"] in listed
        assert other["id"] not in listed
