"""Ports to who may act."""

from datetime import datetime
from typing import Protocol

from attrs import frozen

from domain.identity.api_key import APIKey
from domain.identity.invitation import Invitation
from domain.identity.membership import Membership, Role
from domain.identity.organization import Organization, OrganizationStatus
from domain.shared.ids import InvitationId, MembershipId, OrganizationId, UserId
from domain.shared.repository import IRepository


@frozen(kw_only=True)
class OrganizationOfPerson:
    """One of a person's organizations, and what they are to it."""

    id: OrganizationId
    membership_id: MembershipId
    name: str
    slug: str
    status: OrganizationStatus
    role: Role
    joined_at: datetime


@frozen(kw_only=True)
class InvitationForPerson:
    """An invitation as the invited person sees it."""

    id: InvitationId
    organization_id: OrganizationId
    organization_name: str
    role: Role
    expires_at: datetime
    created_at: datetime


class IOrganizationRepository(IRepository[Organization], Protocol):
    """Organizations; a tenant sees exactly one, itself."""

    async def get_by_slug(self, slug: str) -> OrganizationId | None:
        """Return which organization of all answers to this slug, or None."""
        ...

    async def keep_active(self, id: OrganizationId) -> None:
        """Keep the organization from being suspended or closed until this transaction ends.

        Others may do the same at once.

        Raises:
            OrganizationSuspended: the operator stopped it.
            OrganizationClosed: it was closed.
            NotFound: there is no such organization.
        """
        ...


class IMembershipRepository(IRepository[Membership], Protocol):
    """The members of the organization."""

    async def get_by_user(self, user_id: UserId, *, lock: bool = False) -> Membership | None:
        """Return the user's membership of this organization, or None."""
        ...

    async def organizations_of(self, user_id: UserId) -> list[OrganizationOfPerson]:
        """Return all organizations of one person by name, whatever organization the transaction is under."""
        ...


class IInvitationRepository(IRepository[Invitation], Protocol):
    """The organization's invitations; by its id one is found before the organization is known."""

    async def get_pending(self, email: str) -> Invitation | None:
        """Return the pending invitation of a canonical address, whether or not its time is over; locked."""
        ...

    async def invitations_for(self, email: str) -> list[InvitationForPerson]:
        """Return the pending invitations of one address by all active organizations, the newest first."""
        ...


class IAPIKeyRepository(IRepository[APIKey], Protocol):
    """The organization's API keys; a secret is recognised elsewhere, before the organization is known."""
