"""Repositories of the identity context."""

from application.kernel.actor import PLATFORM
from domain.identity.api_key import APIKey
from domain.identity.membership import Membership
from domain.identity.organization import Organization, OrganizationSlugTaken
from domain.identity.repositories import (
    IAPIKeyRepository,
    IMembershipRepository,
    IOrganizationRepository,
    IUserRepository,
)
from domain.identity.user import User
from domain.shared.ids import UserId
from domain.shared.specification import Equal
from infrastructure.persistence.lookups import Lookup
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.identity import APIKeyRow, MembershipRow, OrganizationRow, UserRow
from infrastructure.persistence.repository import SqlRepository


class SqlOrganizationRepository(SqlRepository[Organization], IOrganizationRepository):
    """Organizations, findable by slug across tenants."""

    mapper = Mapper(Organization, OrganizationRow)
    lookup = Lookup("organization", "slug", OrganizationSlugTaken)


class SqlUserRepository(SqlRepository[User], IUserRepository):
    """Users, seen through memberships only."""

    mapper = Mapper(User, UserRow, constants={"organization_id": PLATFORM})

    async def get_by_email(self, email: str) -> User | None:
        """Return the person with this canonical address."""
        return await self.find_one(Equal("email", email))


class SqlMembershipRepository(SqlRepository[Membership], IMembershipRepository):
    """Members of the organization."""

    mapper = Mapper(Membership, MembershipRow)

    async def get_by_user(self, user_id: UserId) -> Membership | None:
        """Return the user's membership, or None."""
        return await self.find_one(Equal("user_id", user_id))


class SqlAPIKeyRepository(SqlRepository[APIKey], IAPIKeyRepository):
    """API keys, recognised by their hash before the tenant is known."""

    mapper = Mapper(APIKey, APIKeyRow)
    lookup = Lookup("api_key", "hash")
