"""A person's own organizations: what only somebody who is signed in can do, and no API key."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Len

from application.identity.authority import locked_owners, own_membership
from application.identity.members import MemberView
from application.identity.organizations import OrganizationView, found
from application.kernel.actor import Scope
from application.kernel.fields import Currency
from application.kernel.page import ListView
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.identity.membership import Role, refuse_above
from domain.identity.organization import Organization, OrganizationStatus, refuse_inactive
from domain.identity.repositories import OrganizationOfPerson
from domain.payments.payment_order_questions import orders_in_flight, refunds_open
from domain.shared.ids import MembershipId, OrganizationId
from domain.shared.text import NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOrganizationView(View[OrganizationOfPerson]):
    """One of your organizations, and what you are to it."""

    id: OrganizationId
    membership_id: MembershipId
    name: str
    slug: str
    status: OrganizationStatus
    role: Role
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOwnOrganizations:
    """No question needed: they are the caller's."""


@use_case("account.list_organizations", scope=Scope.ACCOUNT_READ, example={}, read_only=True, statements=1)
async def list_own_organizations(cmd: ListOwnOrganizations, uow: IUnitOfWork) -> ListView[OwnOrganizationView]:  # noqa: ARG001 - it has no fields
    """List all organizations that you are a member of, by name, also suspended and closed ones."""
    own = await uow.memberships.organizations_of(uow.actor.person)
    return ListView(data=[OwnOrganizationView.of(each) for each in own], next_cursor=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOwnOrganization:
    """A new organization."""

    name: Annotated[str, NAME]
    slug: Annotated[str, Len(3, 64)]
    default_currency: Currency


@use_case(
    "account.create_organization",
    scope=Scope.ACCOUNT_WRITE,
    example={"name": "Harbour Coffee", "slug": "harbour-coffee", "default_currency": "EUR"},
    statements=9,
)
async def create_own_organization(
    cmd: CreateOwnOrganization, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> OrganizationView:
    """Create an organization and become its owner.

    Errors: `organization_slug_taken`, `slug_invalid`, `currency_invalid`, `text_invalid`.
    """
    owner = await uow.users.get(uow.actor.person)
    organization = Organization.create(
        id=OrganizationId(ids.new()),
        name=cmd.name,
        slug=cmd.slug,
        default_currency=cmd.default_currency,
        now=clock.now(),
    )
    await uow.enter_own(organization.id, fresh=True)
    found(organization, owner, uow, clock=clock, ids=ids)
    return OrganizationView.of(organization)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOrganization:
    """Which of your organizations."""

    organization_id: OrganizationId


@use_case("account.leave_organization", scope=Scope.ACCOUNT_WRITE, example={}, destructive=True, statements=10)
async def leave_organization(cmd: LeaveOrganization, uow: IUnitOfWork, *, clock: IClock) -> MemberView:
    """Give up your membership of an organization. Its last owner stays: transfer the ownership or close it instead.

    Errors: `not_found`, `last_owner`.
    """
    await uow.enter_own(cmd.organization_id)
    owners = await locked_owners(uow, cmd.organization_id)
    own = await own_membership(uow)
    own.remove(by=own.role, owners=owners, now=clock.now())
    uow.memberships.purge(own)
    return MemberView.of(own)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOwnership:
    """Which of your organizations, and which of its members will own it."""

    organization_id: OrganizationId
    membership_id: MembershipId


@use_case("account.transfer_ownership", scope=Scope.ACCOUNT_WRITE, example={}, destructive=True, statements=11)
async def transfer_ownership(cmd: TransferOwnership, uow: IUnitOfWork, *, clock: IClock) -> MemberView:
    """Make another member the owner of your organization in your place, and yourself an admin, both or neither.

    Answers with the new owner's membership.

    Errors: `not_found`, `role_above_own` when you are no owner, `own_membership`, `organization_suspended`,
    `organization_closed`.
    """
    await uow.enter_own(cmd.organization_id)
    organization = await uow.organizations.get(cmd.organization_id, lock=True)
    refuse_inactive(organization.status)
    own, other = await own_membership(uow), await uow.memberships.get(cmd.membership_id)
    own.hand_over_to(other, clock.now())
    organization.hand_over(clock.now(), from_user_id=own.user_id, to_user_id=other.user_id)
    return MemberView.of(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseOrganization:
    """Which of your organizations; its slug has to be spelled out, so that none is closed by a slip."""

    organization_id: OrganizationId
    slug: Annotated[str, Len(3, 64)]


@use_case(
    "account.close_organization",
    scope=Scope.ACCOUNT_WRITE,
    example={"slug": "harbour-coffee"},
    destructive=True,
    statements=9,
)
async def close_organization(cmd: CloseOrganization, uow: IUnitOfWork, *, clock: IClock) -> OrganizationView:
    """Close an organization that you own, for good. What it did stays on record; its keys and sessions stop.

    Buyers find nothing of it any more. Refunds are the platform operator's from then on.

    Errors: `not_found`, `role_above_own` when you are no owner, `slug_mismatch`, `organization_has_open_payments`.
    """
    await uow.enter_own(cmd.organization_id)
    organization = await uow.organizations.get(cmd.organization_id, lock=True)
    refuse_above((await own_membership(uow)).role, Role.OWNER)
    # No attempt begins while the organization is held, so that what is not seen here is not there.
    in_flight = await uow.payment_orders.exists(orders_in_flight()) or await uow.refunds.exists(refunds_open())
    organization.close(clock.now(), slug=cmd.slug, has_open_payments=in_flight)
    return OrganizationView.of(organization)
