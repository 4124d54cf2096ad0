"""Members: the users of one organization."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from application.identity.authority import locked_owners, own_role
from application.identity.users import found_or_registered
from application.kernel.actor import Scope
from application.kernel.fields import Email, Version
from application.kernel.page import PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.identity.membership import Membership, Role
from domain.identity.specifications import members_with
from domain.shared.ids import MembershipId, OrganizationId, UserId
from domain.shared.text import NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView(View[Membership]):
    """A user's place in the organization."""

    id: MembershipId
    version: int
    user_id: UserId
    email: str
    role: Role
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMember:
    """A person, an organization, and what the one will be to the other."""

    organization_id: OrganizationId
    email: Email
    name: Annotated[str, NAME]
    role: Role


@use_case(
    "members.add",
    scope=Scope.PLATFORM_OPERATE,
    internal="Members add people by inviting them; only the operator adds somebody who was not asked.",
    example={"email": "tomas@harbour.example", "name": "Tomás Reis", "role": "member"},
    statements=12,
)
async def add_member(cmd: AddMember, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> MemberView:
    """Add a person to the organization; they are registered unless a user has the address already.

    Errors: `membership_exists`, `reference_invalid` for an unknown organization, `email_invalid`, `text_invalid`.
    """
    user = await found_or_registered(cmd.email, cmd.name, uow, clock=clock, ids=ids)
    membership = Membership.add(
        user,
        id=MembershipId(ids.new()),
        organization_id=cmd.organization_id,
        role=cmd.role,
        now=clock.now(),
    )
    await uow.enter(cmd.organization_id)
    uow.memberships.add(membership)
    return MemberView.of(membership)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMembers(PageQuery):
    """Which members."""

    role: Role | None = None
    sort: Literal["created_at", "-created_at", "email", "-email"] = "-created_at"


list_use_case(
    "members.list", ListMembers, lambda uow: uow.memberships, MemberView,
    "List the organization's members, of one role or all.",
    where=lambda cmd: members_with(role=cmd.role), scope=Scope.MEMBERS_READ, example={"limit": 20, "role": "owner"},
)  # fmt: skip

get_use_case("members.get", lambda uow: uow.memberships, MemberView, "Return one member.", scope=Scope.MEMBERS_READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRole:
    """Which member, and what they will be to the organization."""

    id: MembershipId
    expected_version: Version
    role: Role


@use_case("members.update_role", scope=Scope.MEMBERS_WRITE, example={"expected_version": 1, "role": "viewer"},
          statements=9)  # fmt: skip
async def update_role(cmd: UpdateRole, uow: IUnitOfWork, *, clock: IClock) -> MemberView:
    """Give a member another role, from their next request on.

    Nobody gives or touches a role above their own, and the last owner stays one. An API key makes members and viewers;
    one with every scope of an admin makes admins too.

    Errors: `not_found`, `version_stale`, `role_above_own`, `last_owner`.
    """
    owners = await locked_owners(uow, uow.actor.organization_id)
    member = await uow.memberships.get(cmd.id)
    member.expect_version(cmd.expected_version)
    member.change_role(cmd.role, by=await own_role(uow), owners=owners, now=clock.now())
    return MemberView.of(member)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMember:
    """Which member, and optionally the version the caller read."""

    id: MembershipId
    expected_version: Version | None = None


@use_case("members.remove", scope=Scope.MEMBERS_WRITE, example={}, destructive=True, statements=9)
async def remove_member(cmd: RemoveMember, uow: IUnitOfWork, *, clock: IClock) -> MemberView:
    """End a membership; the person's next request to the organization is refused. Keys they made stay.

    Errors: `not_found`, `version_stale`, `role_above_own`, `last_owner`.
    """
    owners = await locked_owners(uow, uow.actor.organization_id)
    member = await uow.memberships.get(cmd.id)
    member.expect_version(cmd.expected_version)
    member.remove(by=await own_role(uow), owners=owners, now=clock.now())
    uow.memberships.purge(member)
    return MemberView.of(member)
