"""Signed-in people, as a session makes them: for tests of what only people can do."""

from dataclasses import replace
from uuid import uuid4

from application.identity.roles import scopes_of
from application.kernel.actor import PERSONAL_SCOPES, PLATFORM, Actor, ActorKind, operator
from domain.identity.membership import Role
from domain.shared.ids import OrganizationId, UserId, decode_id, encode_id
from tests.support.stack import Body, Stack


def address(name: str = "ada") -> str:
    """Return an address that nobody has."""
    return f"{name}-{uuid4().hex[:12]}@harbour.example"


def signed_in(user_id: UserId, organization_id: OrganizationId = PLATFORM, role: Role | None = None) -> Actor:
    """Return a person's caller, in an organization as a member of it, or for themselves."""
    scopes = PERSONAL_SCOPES if role is None else PERSONAL_SCOPES | scopes_of(role)
    return Actor(
        kind=ActorKind.USER,
        id=encode_id("usr", user_id),
        organization_id=organization_id,
        scopes=scopes,
        user_id=user_id,
    )


async def person(stack: Stack, email: str | None = None, *, verified: bool = True) -> Actor:
    """Register somebody and sign them in, for themselves."""
    registered = await stack.run("users.create", operator(), email=email or address(), name="Ada Lind")
    user_id = UserId(decode_id("usr", str(registered["id"])))
    if verified:
        await verify(stack, user_id)
    return signed_in(user_id)


async def verify(stack: Stack, user_id: UserId) -> None:
    """Note that mail reaches a person."""
    async with stack.units(operator(), use_case="tests.verify", request_id=str(uuid4())) as uow:
        (await uow.users.get(user_id)).verify_email(stack.clock.now())
        await uow.commit()


async def member(
    stack: Stack, organization: Actor, role: Role = Role.MEMBER, email: str | None = None
) -> tuple[Actor, Body]:
    """Add a verified person to the organization; returns them signed in there, and their membership."""
    added = await stack.run(
        "members.add", operator(), organization_id=encode_id("org", organization.organization_id),
        email=email or address(role.value), name="Tomás Reis", role=role,
    )  # fmt: skip
    user_id = UserId(decode_id("usr", str(added["user_id"])))
    await verify(stack, user_id)
    return signed_in(user_id, organization.organization_id, role), added


async def owner_of(stack: Stack, organization: Actor) -> tuple[Actor, Body]:
    """Return an organization's first owner signed in there, and their membership."""
    owners = await stack.run("members.list", organization, role="owner", sort="created_at")
    first: Body = owners["data"][0]  # type: ignore[index]  # reason: a list's data are bodies
    user_id = UserId(decode_id("usr", str(first["user_id"])))
    await verify(stack, user_id)
    return signed_in(user_id, organization.organization_id, Role.OWNER), first


def themselves(caller: Actor) -> Actor:
    """Return a person's caller outside of any organization."""
    return replace(caller, organization_id=PLATFORM, scopes=PERSONAL_SCOPES)
