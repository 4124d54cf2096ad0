"""Tables of the identity context."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.identity.membership import MembershipExists
from domain.identity.user import UserEmailTaken
from infrastructure.persistence.models.base import Base, TableArgs, TenantRow, of_organization, unique
from infrastructure.persistence.types import JsonText, text


class OrganizationRow(TenantRow):
    """A tenant, which belongs to itself."""

    __tablename__ = "organizations"
    __table_args__: TableArgs = (UniqueConstraint("organization_id", name="uq_organizations_organization_id"),)

    name: Mapped[str] = mapped_column(text(200))
    slug: Mapped[str] = mapped_column(text(64))
    default_currency: Mapped[str] = mapped_column(text(3))
    status: Mapped[str] = mapped_column(text(20))


class UserRow(Base):
    """A person, above tenants: the one business table without an organization."""

    __tablename__ = "users"
    __table_args__: TableArgs = (UniqueConstraint("email", name="uq_users_email", info={"error": UserEmailTaken}),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(text(80))
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(text(80))
    email: Mapped[str] = mapped_column(text(254))
    name: Mapped[str] = mapped_column(text(200))


class MembershipRow(TenantRow):
    """A user's place in an organization."""

    __tablename__ = "memberships"
    __table_args__: TableArgs = (
        of_organization(),
        ForeignKeyConstraint(["user_id"], ["users.id"]),
        unique("user_id", error=MembershipExists),
        Index("ix_memberships_user_id", "user_id"),
        Index("ix_memberships_created_at", "organization_id", "created_at", "id"),
    )

    user_id: Mapped[UUID]
    email: Mapped[str] = mapped_column(text(254))
    role: Mapped[str] = mapped_column(text(20))


class APIKeyRow(TenantRow):
    """A credential, of which only a keyed hash is kept."""

    __tablename__ = "api_keys"
    __table_args__: TableArgs = (
        of_organization(),
        Index("ix_api_keys_created_at", "organization_id", "created_at", "id"),
    )

    name: Mapped[str] = mapped_column(text(200))
    hash: Mapped[str] = mapped_column(text(64))
    prefix: Mapped[str] = mapped_column(text(20))
    last_four: Mapped[str] = mapped_column(text(4))
    scopes: Mapped[str] = mapped_column(JsonText())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
