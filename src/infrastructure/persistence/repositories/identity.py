"""Repositories of the identity context."""

from typing import cast
from uuid import UUID

from sqlalchemy import bindparam, select

from domain.identity.api_key import APIKey
from domain.identity.invitation import Invitation, InvitationStatus
from domain.identity.membership import Membership
from domain.identity.organization import Organization, OrganizationSlugTaken, refuse_inactive
from domain.identity.repositories import (
    IAPIKeyRepository,
    IInvitationRepository,
    IMembershipRepository,
    InvitationForPerson,
    IOrganizationRepository,
    OrganizationOfPerson,
)
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import OrganizationId, UserId
from domain.shared.specification import Equal
from infrastructure.persistence import tenancy
from infrastructure.persistence.lookups import Lookup, find_statement
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.identity import (
    APIKeyRow,
    InvitationRow,
    MembershipRow,
    OrganizationRow,
)
from infrastructure.persistence.repositories import across
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.types import Guid


class SqlOrganizationRepository(SqlRepository[Organization], IOrganizationRepository):
    """Organizations, findable by slug across tenants."""

    mapper = Mapper(Organization, OrganizationRow)
    lookup = Lookup("organization", "slug", OrganizationSlugTaken)

    async def get_by_slug(self, slug: str) -> OrganizationId | None:
        """Return which organization of all answers to this slug."""
        session = self._session
        postgres = session.database.is_postgres
        find = session.prepare(("find", "organization"), lambda: find_statement("organization", postgres=postgres))
        rows = await session.rows(find, {"lookup_value": slug})
        return OrganizationId(cast("UUID", rows[0][0])) if rows else None

    async def keep_active(self, id: OrganizationId) -> None:
        """Hold the organization's row together with others, against whoever would change it."""
        table = self.mapper.table
        query = select(table.c.status).where(tenancy.wall(table), table.c.id == bindparam("this_id", type_=Guid()))
        statement = self._prepare("keep_active", lambda: query.with_for_update(read=True))
        rows = await self._session.rows(statement, {"this_id": id})
        if not rows:
            raise EntityNotFoundError
        refuse_inactive(cast("str", rows[0][0]))


class SqlMembershipRepository(SqlRepository[Membership], IMembershipRepository):
    """Members of the organization."""

    mapper = Mapper(Membership, MembershipRow)

    async def get_by_user(self, user_id: UserId, *, lock: bool = False) -> Membership | None:
        """Return the user's membership, or None."""
        return await self.find_one(Equal("user_id", user_id), lock=lock)

    async def organizations_of(self, user_id: UserId) -> list[OrganizationOfPerson]:
        """Return all organizations of one person."""
        return await across.organizations_of(self._session, user_id)


class SqlInvitationRepository(SqlRepository[Invitation], IInvitationRepository):
    """Invitations, found by their id before the tenant is known."""

    mapper = Mapper(Invitation, InvitationRow)
    lookup = Lookup("invitation", "reference")

    async def get_pending(self, email: str) -> Invitation | None:
        """Return the address's pending invitation, locked."""
        return await self.find_one(Equal("email", email) & Equal("status", InvitationStatus.PENDING), lock=True)

    async def invitations_for(self, email: str) -> list[InvitationForPerson]:
        """Return the address's pending invitations by all organizations."""
        return await across.invitations_for(self._session, email)


class SqlAPIKeyRepository(SqlRepository[APIKey], IAPIKeyRepository):
    """API keys, recognised by their hash before the tenant is known."""

    mapper = Mapper(APIKey, APIKeyRow)
    lookup = Lookup("api_key", "hash")
