"""What one person has in all organizations: read by functions of one purpose, past the walls of single tenants."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Executable, Table, bindparam, func, select

from domain.identity.membership import Role
from domain.identity.organization import OrganizationStatus
from domain.identity.repositories import InvitationForPerson, OrganizationOfPerson
from domain.shared.ids import InvitationId, MembershipId, OrganizationId, UserId
from infrastructure.persistence.models.identity import InvitationRow, MembershipRow, OrganizationRow
from infrastructure.persistence.session import Session
from infrastructure.persistence.types import Guid, text

_ORGANIZATIONS = cast("Table", OrganizationRow.__table__)
_MEMBERSHIPS = cast("Table", MembershipRow.__table__)
_INVITATIONS = cast("Table", InvitationRow.__table__)
_OF_PERSON = ("organization_id", "membership_id", "role", "name", "slug", "status", "joined_at")
_FOR_PERSON = ("organization_id", "id", "role", "name", "expires_at", "created_at")


type _OrganizationOf = tuple[OrganizationId, MembershipId, str, str, str, str, datetime]
type _InvitationFor = tuple[OrganizationId, InvitationId, str, str, datetime, datetime]


async def organizations_of(session: Session, user_id: UserId) -> list[OrganizationOfPerson]:
    """Return all organizations of one person, by name."""
    statement = session.prepare("organizations-of", lambda: _organizations(postgres=session.database.is_postgres))
    rows = cast("Sequence[_OrganizationOf]", await session.rows(statement, {"wanted": user_id}))
    return [
        OrganizationOfPerson(
            id=id_,
            membership_id=membership_id,
            role=Role(role),
            name=name,
            slug=slug,
            status=OrganizationStatus(status),
            joined_at=joined_at,
        )
        for id_, membership_id, role, name, slug, status, joined_at in rows
    ]


async def invitations_for(session: Session, email: str) -> list[InvitationForPerson]:
    """Return the pending invitations of one address, the newest first."""
    statement = session.prepare("invitations-for", lambda: _invitations(postgres=session.database.is_postgres))
    rows = cast("Sequence[_InvitationFor]", await session.rows(statement, {"wanted": email}))
    return [
        InvitationForPerson(
            id=id_,
            organization_id=organization_id,
            organization_name=name,
            role=Role(role),
            expires_at=expires_at,
            created_at=created_at,
        )
        for organization_id, id_, role, name, expires_at, created_at in rows
    ]


def _organizations(*, postgres: bool) -> Executable:
    wanted = bindparam("wanted", type_=Guid())
    if postgres:
        found = func.stoa_organizations_of(wanted).table_valued(*_OF_PERSON)
        return select(*(found.c[name] for name in _OF_PERSON)).order_by(found.c.name, found.c.organization_id)
    m, o = _MEMBERSHIPS.c, _ORGANIZATIONS.c
    joined = _MEMBERSHIPS.join(_ORGANIZATIONS, o.id == m.organization_id)
    columns = (m.organization_id, m.id, m.role, o.name, o.slug, o.status, m.created_at)
    return select(*columns).select_from(joined).where(m.user_id == wanted).order_by(o.name, o.id)


def _invitations(*, postgres: bool) -> Executable:
    wanted = bindparam("wanted", type_=text())
    if postgres:
        found = func.stoa_invitations_for(wanted).table_valued(*_FOR_PERSON)
        return select(*(found.c[name] for name in _FOR_PERSON)).order_by(found.c.created_at.desc(), found.c.id)
    i, o = _INVITATIONS.c, _ORGANIZATIONS.c
    joined = _INVITATIONS.join(_ORGANIZATIONS, o.id == i.organization_id)
    columns = (i.organization_id, i.id, i.role, o.name, i.expires_at, i.created_at)
    pending = (i.email == wanted, i.status == "pending", o.status == "active")
    return select(*columns).select_from(joined).where(*pending).order_by(i.created_at.desc(), i.id)
