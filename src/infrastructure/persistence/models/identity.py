"""Tables of the identity context."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.identity.invitation import InvitationPending
from domain.identity.membership import MembershipExists
from domain.identity.user import UserEmailTaken, UsernameTaken
from infrastructure.persistence.models.base import Base, TableArgs, TenantRow, belongs_to, of_organization, unique
from infrastructure.persistence.types import JsonText, text


class OrganizationRow(TenantRow):
    """A tenant, which belongs to itself."""

    __tablename__ = "organizations"
    __table_args__: TableArgs = (UniqueConstraint("organization_id", name="uq_organizations_organization_id"),)

    name: Mapped[str] = mapped_column(text(200))
    slug: Mapped[str] = mapped_column(text(64))
    default_currency: Mapped[str] = mapped_column(text(3))
    status: Mapped[str] = mapped_column(text(20))
    time_zone: Mapped[str] = mapped_column(text(64), server_default="UTC")
    locale: Mapped[str] = mapped_column(text(20), server_default="en")
    support_email: Mapped[str | None] = mapped_column(text(254))
    statement_descriptor: Mapped[str | None] = mapped_column(text(22))
    order_expiry_minutes: Mapped[int] = mapped_column(server_default="1440")
    metadata_: Mapped[str] = mapped_column("metadata", JsonText(), server_default="{}")
    suspended_reason: Mapped[str | None] = mapped_column(text(500))
    closed_at: Mapped[datetime | None]


class UserRow(Base):
    """A person, above tenants: the one business table without an organization."""

    __tablename__ = "users"
    __table_args__: TableArgs = (
        UniqueConstraint("email", name="uq_users_email", info={"error": UserEmailTaken}),
        UniqueConstraint("username", name="uq_users_username", info={"error": UsernameTaken}),
        Index("ix_users_created_at", "created_at", "id"),
        # Not unique: a wallet is a claim, and nobody's claim may stand in the way of another's.
        Index("ix_users_wallet_address", "wallet_address", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(text(80))
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(text(80))
    email: Mapped[str] = mapped_column(text(254))
    name: Mapped[str] = mapped_column(text(200))
    username: Mapped[str | None] = mapped_column(text(32))
    wallet_address: Mapped[str | None] = mapped_column(text(42))
    preferences: Mapped[str] = mapped_column(JsonText(), server_default="{}")
    status: Mapped[str] = mapped_column(text(20), server_default="active")
    email_verified_at: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]


class MembershipRow(TenantRow):
    """A user's place in an organization."""

    __tablename__ = "memberships"
    __table_args__: TableArgs = (
        of_organization(),
        ForeignKeyConstraint(["user_id"], ["users.id"]),
        unique("user_id", error=MembershipExists),
        Index("ix_memberships_user_id", "user_id"),
        Index("ix_memberships_created_at", "organization_id", "created_at", "id"),
        Index("ix_memberships_email", "organization_id", "email", "id"),
    )

    user_id: Mapped[UUID]
    email: Mapped[str] = mapped_column(text(254))
    role: Mapped[str] = mapped_column(text(20))


class InvitationRow(TenantRow):
    """A place in an organization that waits for the owner of an address."""

    __tablename__ = "invitations"
    __table_args__: TableArgs = (
        of_organization(),
        Index("ix_invitations_created_at", "organization_id", "created_at", "id"),
        # Asked across organizations by the address's owner.
        Index("ix_invitations_email", "email"),
        Index(
            "uq_invitations_pending", "organization_id", "email", unique=True, info={"error": InvitationPending},
            postgresql_where=sql("status = 'pending'"), sqlite_where=sql("status = 'pending'"),
        ),
    )  # fmt: skip

    email: Mapped[str] = mapped_column(text(254))
    role: Mapped[str] = mapped_column(text(20))
    status: Mapped[str] = mapped_column(text(20))
    sent_count: Mapped[int]
    expires_at: Mapped[datetime]
    hash: Mapped[str] = mapped_column(text(64))
    accepted_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]


class APIKeyRow(TenantRow):
    """A credential, of which only a keyed hash is kept."""

    __tablename__ = "api_keys"
    __table_args__: TableArgs = (
        of_organization(),
        Index("ix_api_keys_created_at", "organization_id", "created_at", "id"),
        belongs_to("agents", "agent_id"),
        Index("ix_api_keys_lineage_id", "organization_id", "lineage_id", "id"),
        Index("ix_api_keys_agent_id", "organization_id", "agent_id", "id"),
    )

    name: Mapped[str] = mapped_column(text(200))
    hash: Mapped[str] = mapped_column(text(64))
    prefix: Mapped[str] = mapped_column(text(20))
    last_four: Mapped[str] = mapped_column(text(4))
    scopes: Mapped[str] = mapped_column(JsonText())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    lineage_id: Mapped[UUID]
    replaced_by_id: Mapped[UUID | None]
    agent_id: Mapped[UUID | None]
