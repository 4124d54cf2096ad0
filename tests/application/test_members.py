"""Members and their roles: who may change whom."""

import pytest

from application.identity.roles import scopes_of
from application.kernel.actor import TENANT_SCOPES, Actor, Scope
from domain.identity.membership import LastOwner, Role, RoleAboveOwn
from domain.shared.errors import EntityNotFoundError, StaleVersion
from tests.support.people import member, owner_of
from tests.support.stack import Body, Stack


async def key_with(stack: Stack, organization: Actor, scopes: frozenset[Scope]) -> Actor:
    """Return the caller behind a fresh key."""
    issued = await stack.run("api_keys.create", organization, name="Key", scopes=sorted(scopes))
    actor = await stack.authenticate(str(issued["secret"]))
    await stack.authenticate.settle()
    return actor


async def changed(stack: Stack, actor: Actor, subject: Body, role: Role) -> Body:
    """Give a member another role."""
    present = await stack.run("members.get", actor, id=subject["id"])
    return await stack.run(
        "members.update_role", actor, id=subject["id"], role=role, expected_version=present["version"]
    )


async def test_an_admin_manages_everybody_but_owners(stack: Stack) -> None:
    """Members and viewers and other admins; an owner is neither changed, nor removed, nor made by an admin."""
    organization = await stack.organization()
    _, owner = await owner_of(stack, organization)
    admin, _ = await member(stack, organization, Role.ADMIN)
    _, viewer = await member(stack, organization, Role.VIEWER)
    assert (await changed(stack, admin, viewer, Role.ADMIN))["role"] == "admin"
    with pytest.raises(RoleAboveOwn):
        await changed(stack, admin, viewer, Role.OWNER)
    with pytest.raises(RoleAboveOwn):
        await changed(stack, admin, owner, Role.VIEWER)
    with pytest.raises(RoleAboveOwn):
        await stack.run("members.remove", admin, id=owner["id"])
    assert (await stack.run("members.remove", admin, id=viewer["id"]))["id"] == viewer["id"]


async def test_an_owner_makes_owners_and_only_the_last_one_stays(stack: Stack) -> None:
    """With two of them either may go; the one that is left may not."""
    organization = await stack.organization()
    owner, first = await owner_of(stack, organization)
    _, second = await member(stack, organization, Role.MEMBER)
    await changed(stack, owner, second, Role.OWNER)
    await changed(stack, owner, first, Role.ADMIN)
    with pytest.raises(LastOwner):
        await changed(stack, organization, second, Role.ADMIN)
    with pytest.raises(LastOwner):
        await stack.run("members.remove", organization, id=second["id"])


async def test_a_demoted_admin_decides_nothing_any_more(stack: Stack) -> None:
    """The role counts as it is in the moment of the change, whatever the caller was authenticated with."""
    organization = await stack.organization()
    owner, _ = await owner_of(stack, organization)
    admin, of_admin = await member(stack, organization, Role.ADMIN)
    _, viewer = await member(stack, organization, Role.VIEWER)
    await changed(stack, owner, of_admin, Role.MEMBER)
    with pytest.raises(RoleAboveOwn):
        await changed(stack, admin, viewer, Role.ADMIN)
    await stack.run("members.remove", owner, id=of_admin["id"])
    with pytest.raises(EntityNotFoundError):
        await changed(stack, admin, viewer, Role.MEMBER)


async def test_a_key_never_makes_anybody_stronger_than_itself(stack: Stack) -> None:
    """One that may only manage members makes members; one with all of an admin's scopes admins; none makes owners."""
    organization = await stack.organization()
    _, viewer = await member(stack, organization, Role.VIEWER)
    narrow = await key_with(stack, organization, frozenset({Scope.MEMBERS_READ, Scope.MEMBERS_WRITE}))
    assert (await changed(stack, narrow, viewer, Role.MEMBER))["role"] == "member"
    with pytest.raises(RoleAboveOwn):
        await changed(stack, narrow, viewer, Role.ADMIN)
    broad = await key_with(stack, organization, scopes_of(Role.ADMIN) & TENANT_SCOPES)
    assert (await changed(stack, broad, viewer, Role.ADMIN))["role"] == "admin"
    full = await key_with(stack, organization, TENANT_SCOPES)
    for key in (narrow, broad, full):
        with pytest.raises(RoleAboveOwn):
            await changed(stack, key, viewer, Role.OWNER)
    with pytest.raises(RoleAboveOwn):
        await stack.run("members.remove", narrow, id=viewer["id"])


async def test_a_stale_version_changes_no_role(stack: Stack) -> None:
    """Who decides has seen the member as they are."""
    organization = await stack.organization()
    _, viewer = await member(stack, organization, Role.VIEWER)
    await changed(stack, organization, viewer, Role.MEMBER)
    with pytest.raises(StaleVersion):
        await stack.run("members.update_role", organization, id=viewer["id"], role="admin", expected_version=1)


async def test_members_tell_what_became_of_them(stack: Stack) -> None:
    """The audit log has every step, by who took it."""
    organization = await stack.organization()
    owner, _ = await owner_of(stack, organization)
    _, viewer = await member(stack, organization, Role.VIEWER)
    await changed(stack, owner, viewer, Role.MEMBER)
    await stack.run("members.remove", owner, id=viewer["id"])
    entries = await stack.run("audit_entries.list", organization, subject_id=viewer["id"], sort="occurred_at")
    told = [(each["action"], each["operation"], each["actor"]) for each in entries["data"]]  # type: ignore[attr-defined]  # reason: a list
    assert told == [
        ("members.add", "created", "operator"),
        ("members.update_role", "updated", owner.id),
        ("members.remove", "deleted", owner.id),
    ]
