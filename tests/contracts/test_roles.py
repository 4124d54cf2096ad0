"""What each role may do: every use-case against every role, through real sessions."""

from itertools import pairwise

import pytest

from application.identity.roles import scopes_of
from application.kernel.actor import PERSONAL_SCOPES, TENANT_SCOPES, Actor, Scope
from domain.identity.membership import Role
from domain.shared.errors import InsufficientPermissions, StoaError
from domain.shared.ids import OrganizationId
from tests.support.persons import join, signed_up
from tests.support.use_cases import EVERY, REGISTRY
from tests.support.world import World

CLOSED = [name for name in EVERY if not REGISTRY[name].public]
OF_OWNERS = {"organizations.update"}
"""What an admin may not do in an organization."""


@pytest.fixture(scope="module")
async def members(world: World) -> dict[Role, Actor]:
    """Return one signed-in member of each role, acting in the world's organization."""
    return {role: await join(world.stack, await signed_up(world.stack), world.actor, role) for role in Role}


@pytest.mark.parametrize("name", CLOSED)
async def test_a_role_opens_a_use_case_exactly_when_it_has_its_scope(
    name: str, world: World, members: dict[Role, Actor]
) -> None:
    """Who has the scope gets past it, whatever comes then; everybody else hears which scope is missing."""
    scope = REGISTRY[name].scope
    assert scope is not None
    fields = await world.fields(name)
    for role, actor in members.items():
        try:
            await world.send(name, fields, actor, dry_run=True)
            missing = None
        except InsufficientPermissions as refused:
            missing = refused.details.get("scope")
        except StoaError:
            missing = None
        allowed = scope in scopes_of(role) | PERSONAL_SCOPES
        assert missing == (None if allowed else scope.value), role


def test_a_session_has_its_roles_scopes_and_those_of_its_person(members: dict[Role, Actor]) -> None:
    """Nothing more, and never the platform's."""
    assert {role: actor.scopes for role, actor in members.items()} == {
        role: scopes_of(role) | PERSONAL_SCOPES for role in Role
    }


def test_each_role_has_all_of_the_next_one() -> None:
    """From owner to viewer there is less and less; a viewer only reads, an owner has everything a tenant has."""
    for more, less in pairwise(Role):
        assert scopes_of(more) > scopes_of(less)
    assert scopes_of(Role.OWNER) == TENANT_SCOPES
    assert all(scope.value.endswith(":read") for scope in scopes_of(Role.VIEWER))
    assert all(Scope.PLATFORM_OPERATE not in scopes_of(role) for role in Role)


def test_only_owners_change_the_organization_itself() -> None:
    """Of all that an owner may do in an organization, an admin may do all but this."""
    of_owners = scopes_of(Role.OWNER) - scopes_of(Role.ADMIN)
    assert {name for name in EVERY if REGISTRY[name].scope in of_owners} == OF_OWNERS


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_who_is_let_in_is_decided_by_owners_and_admins(role: Role) -> None:
    """Members and viewers neither invite, nor make keys, nor give roles."""
    inside = {"members", "invitations", "api_keys"}
    writing = {name for name in CLOSED if REGISTRY[name].resource in inside and not REGISTRY[name].read_only}
    assert writing
    assert not any(REGISTRY[name].scope in scopes_of(role) for name in writing)


async def test_a_session_in_another_organization_has_no_role_there(world: World, neighbour: World) -> None:
    """A member of one organization who names another one finds no organization."""
    person = await signed_up(world.stack)
    await join(world.stack, person, world.actor)
    with pytest.raises(StoaError) as refused:
        await world.stack.authenticate(person.token, OrganizationId(neighbour.actor.organization_id))
    assert refused.value.code == "organization_not_found"
