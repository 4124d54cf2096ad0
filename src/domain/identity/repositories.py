"""Ports to who may act."""

from typing import Protocol

from domain.identity.api_key import APIKey
from domain.identity.membership import Membership
from domain.identity.organization import Organization
from domain.identity.user import User
from domain.shared.ids import UserId
from domain.shared.repository import IRepository


class IOrganizationRepository(IRepository[Organization], Protocol):
    """Organizations; a tenant sees exactly one, itself."""


class IUserRepository(IRepository[User], Protocol):
    """Users, who stand above tenants."""

    async def get_by_email(self, email: str) -> User | None:
        """Return the person registered with this canonical address, whatever organizations they belong to."""
        ...


class IMembershipRepository(IRepository[Membership], Protocol):
    """The members of the organization."""

    async def get_by_user(self, user_id: UserId) -> Membership | None:
        """Return the user's membership of this organization, or None."""
        ...


class IAPIKeyRepository(IRepository[APIKey], Protocol):
    """The organization's API keys; a secret is recognised elsewhere, before the organization is known."""
