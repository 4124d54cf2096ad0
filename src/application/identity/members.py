"""Members: the users of one organization."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from application.identity.users import found_or_registered
from application.kernel.actor import Scope
from application.kernel.fields import Email
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock, IIds
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
    internal="Until people can accept invitations, members are added at the machine itself.",
    example={"email": "tomas@harbour.example", "name": "Tomás Reis", "role": "member"},
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


@use_case("members.list", scope=Scope.MEMBERS_READ, example={"limit": 20, "role": "owner"}, read_only=True)
async def list_members(cmd: ListMembers, uow: IUnitOfWork) -> ListView[MemberView]:
    """List the organization's members, of one role or all."""
    page = await uow.memberships.page(members_with(role=cmd.role), cmd.request(cmd.sort))
    return ListView.of(page, MemberView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMember:
    """Which member."""

    id: MembershipId


@use_case("members.get", scope=Scope.MEMBERS_READ, example={}, read_only=True)
async def get_member(cmd: GetMember, uow: IUnitOfWork) -> MemberView:
    """Return one member.

    Errors: `not_found`.
    """
    return MemberView.of(await uow.memberships.get(cmd.id))
