"""Nothing of one organization can be seen, guessed or touched with another organization's key.

Two walls stand alone: the clause of the repositories and the row policies of PostgreSQL. Every attack is made with
both, and with each of them taken away; with both taken away the attacks must succeed, or they would prove nothing.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import ColumnElement, Table, true

from application.identity import own_invitations
from application.kernel.dispatcher import Call
from application.kernel.unit_of_work import IUnitOfWork
from domain.identity.invitation import Invitation
from domain.identity.user import User
from domain.shared.errors import NotFound
from domain.shared.ids import InvitationId
from infrastructure.persistence import tenancy
from tests.contracts.detector import Ground, leaks
from tests.support.databases import TestDatabases
from tests.support.http import http_face
from tests.support.rows import PERSONAL_TABLES, TENANT_TABLES, open_rows
from tests.support.stack import open_stack
from tests.support.use_cases import ABOVE_TENANTS, EVERY, REGISTRY, ROUTED, absent_id, slots
from tests.support.world import World

STANDING = ("postgres: both", "postgres: filters only", "postgres: policies only", "sqlite: filters only")
FALLEN = ("postgres: none", "sqlite: none")
POINTING = [name for name in ROUTED if slots(REGISTRY[name].command)]
INSIDE = [name for name in EVERY if REGISTRY[name].internal and slots(REGISTRY[name].command)]
INSIDE = [name for name in INSIDE if name not in ABOVE_TENANTS]


@pytest.fixture(scope="module", params=STANDING)
def walls(request: pytest.FixtureRequest) -> str:
    """Say which walls stand."""
    return str(request.param)


@pytest.fixture(scope="module")
async def ground(walls: str, test_databases: TestDatabases) -> AsyncIterator[Ground]:
    """Build two organizations, then take away the policies if they are to be away."""
    urls = test_databases.make("postgres" if walls.startswith("postgres") else "sqlite")
    async with AsyncExitStack() as opened:
        stack = await opened.enter_async_context(open_stack(urls))
        attacker, victim = await World.create(stack), await World.create(stack)
        if urls.is_postgres and "policies" not in walls and "both" not in walls:
            await without_policies(urls.superuser)
        # A core of its own, so that none of its statements was compiled behind a wall that is to be away.
        attacked = await opened.enter_async_context(open_stack(urls))
        http = await opened.enter_async_context(http_face(attacked))
        rows = await opened.enter_async_context(open_rows(urls))
        yield Ground(attacker, victim, http, attacked, rows)


@pytest.fixture(autouse=True)
def _filters(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the repositories' clause away if it is to be away, for this test only."""
    walls = request.getfixturevalue("walls") if "walls" in request.fixturenames else ""
    if walls.endswith(("policies only", "none")):
        monkeypatch.setattr(tenancy, "wall", no_wall)


def no_wall(_: Table) -> ColumnElement[bool]:
    """Stand where a wall stood."""
    return true()


async def without_policies(superuser: str) -> None:
    """Switch row security off on every table."""
    connection = await asyncpg.connect(superuser)
    try:
        for table in (*TENANT_TABLES, *PERSONAL_TABLES, "users"):
            await connection.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    finally:
        await connection.close()


@pytest.mark.parametrize("name", ROUTED)
async def test_what_is_foreign_looks_exactly_like_what_is_absent(name: str, ground: Ground) -> None:
    """In every place of every use-case B's value and one that never was are answered alike, and B stays as it is."""
    assert await leaks(ground, name) == []


@pytest.mark.parametrize("name", INSIDE)
async def test_what_only_the_inside_runs_stays_inside_an_organization(name: str, ground: Ground) -> None:
    """Use-cases without a route refuse B's ids in A's organization as ids that never were, through the core itself."""
    before = await ground.rows.digest(ground.victim.actor.organization_id)
    for slot in slots(REGISTRY[name].command):
        fields = await ground.attacker.fields(name)
        said = []
        for value in (ground.victim.ids[slot.id_type], absent_id(slot.id_type)):
            call = Call(actor=ground.attacker.actor, request_id=str(uuid4()))
            with pytest.raises(NotFound) as refused:
                await ground.core.dispatcher(name, ground.core.command(name, **slot.put(fields, value)), call)
            said.append((refused.type, refused.value.message, refused.value.details))
        assert said[0] == said[1]
    assert await ground.rows.digest(ground.victim.actor.organization_id) == before


@pytest.mark.faults
async def test_thousands_of_attacks_find_nothing(ground: Ground) -> None:
    """At least 5,000 requests over all walls: no answer differs, nothing changes."""
    sent = 0
    while sent * len(STANDING) < 5_000:
        for name in POINTING:
            assert await leaks(ground, name) == []
            sent += 2 * len(slots(REGISTRY[name].command))


def test_every_place_for_an_id_is_attacked() -> None:
    """The generated attacks are many, and cover each use-case that takes an id."""
    assert len(POINTING) >= 25
    assert sum(len(slots(REGISTRY[name].command)) for name in POINTING) >= 30


@pytest.mark.parametrize("walls", FALLEN, indirect=True, scope="module")
async def test_the_attacks_succeed_when_no_wall_stands(ground: Ground) -> None:
    """With both walls away the detector reports a leak for every use-case that takes the id of what it answers."""
    # What ends a thing comes last: nothing can be learned of what an attack before it has deleted.
    gentle_first = sorted(POINTING, key=lambda name: (not REGISTRY[name].read_only, _ends(ground, name)))
    caught = [name for name in gentle_first if await leaks(ground, name)]
    own_subject = [name for name in POINTING if any(slot.path == ("id",) for slot in slots(REGISTRY[name].command))]
    assert set(own_subject) - BY_ADDRESS - BY_PAIR <= set(caught)


def _ends(ground: Ground, name: str) -> bool:
    return ground.http.operations[name].method == "DELETE" or name.endswith((".delete", ".purge"))


BY_PAIR = frozenset({"tasks.remove_dependency", "wallets.verify_ownership"})
"""They find what they change by two things at once: with one of them foreign there is nothing behind any wall."""


@pytest.mark.parametrize("walls", [*STANDING, *FALLEN], indirect=True, scope="module")
@pytest.mark.parametrize("name", sorted(BY_PAIR))
async def test_both_halves_of_what_is_foreign_change_nothing(name: str, walls: str, ground: Ground) -> None:
    """Whoever knows both of B's is told that there is nothing, and B stays as it is; without walls not."""
    own = ground.victim
    given = await own.fields(name)
    home = own.actor.organization_id
    before = await ground.rows.digest(home)
    response = await ground.http.send(name, given, key=ground.attacker.key)
    unharmed = await ground.rows.digest(home) == before
    assert (response.status_code == 404 and unharmed) is (walls in STANDING)


BY_ADDRESS = frozenset({"account.accept_invitation", "account.decline_invitation"})
"""They look into every organization on purpose, for the owner of an address: that is their wall, and no other."""


@pytest.mark.parametrize("walls", FALLEN, indirect=True, scope="module")
@pytest.mark.parametrize("name", sorted(BY_ADDRESS))
async def test_an_invitation_is_walled_by_its_address(
    name: str, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no other wall stands nothing leaks; with the address not looked at, the detector reports it."""
    assert await leaks(ground, name) == []

    async def to_anybody(_: User, id_: InvitationId, uow: IUnitOfWork) -> Invitation:
        await uow.enter_by("invitation", str(id_))
        return await uow.invitations.get(id_, lock=True)

    monkeypatch.setattr(own_invitations, "_addressed_to", to_anybody)
    assert await leaks(ground, name)
