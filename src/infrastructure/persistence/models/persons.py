"""Tables of what belongs to one person, above tenants: each row shows to its person alone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.identity.auth_identity import AuthIdentityTaken
from infrastructure.persistence.models.base import Base, TableArgs
from infrastructure.persistence.tenancy import ASIDE, PERSON
from infrastructure.persistence.types import text


class PersonRow(Base):
    """Columns of every aggregate of a person. ``info[PERSON]`` of its table names the column that holds whose it is."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(text(80))
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(text(80))


class CredentialRow(PersonRow):
    """A password, as a slow hash, under its person's own id."""

    __tablename__ = "credentials"
    __table_args__: TableArgs = (ForeignKeyConstraint(["id"], ["users.id"]), {"info": {PERSON: "id"}})

    hash: Mapped[str] = mapped_column(text(255))


class SessionRow(PersonRow):
    """A person signed in at one place; of the token only a keyed hash is kept."""

    __tablename__ = "sessions"
    __table_args__: TableArgs = (
        ForeignKeyConstraint(["user_id"], ["users.id"]),
        Index("ix_sessions_user_id", "user_id", "created_at", "id"),
        {"info": {PERSON: "user_id"}},
    )

    user_id: Mapped[UUID]
    name: Mapped[str | None] = mapped_column(text(200))
    hash: Mapped[str] = mapped_column(text(64))
    prefix: Mapped[str] = mapped_column(text(20))
    last_four: Mapped[str] = mapped_column(text(4))
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class AuthIdentityRow(PersonRow):
    """Who a person is at a provider of sign-ins."""

    __tablename__ = "auth_identities"
    __table_args__: TableArgs = (
        ForeignKeyConstraint(["user_id"], ["users.id"]),
        UniqueConstraint("provider", "subject", name="uq_auth_identities_subject", info={"error": AuthIdentityTaken}),
        Index("ix_auth_identities_user_id", "user_id", "created_at", "id"),
        {"info": {PERSON: "user_id"}},
    )

    user_id: Mapped[UUID]
    provider: Mapped[str] = mapped_column(text(20))
    subject: Mapped[str] = mapped_column(text(255))


class SingleUseTokenRow(PersonRow):
    """A secret that was sent by mail."""

    __tablename__ = "single_use_tokens"
    __table_args__: TableArgs = (
        ForeignKeyConstraint(["user_id"], ["users.id"]),
        Index("ix_single_use_tokens_user_id", "user_id", "purpose", "id"),
        {"info": {PERSON: "user_id"}},
    )

    user_id: Mapped[UUID]
    purpose: Mapped[str] = mapped_column(text(20))
    hash: Mapped[str] = mapped_column(text(64))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignUpRow(PersonRow):
    """What somebody typed to register, under the id that the person will have; gone once the worker has seen to it."""

    __tablename__ = "sign_ups"
    __table_args__: TableArgs = ({"info": {PERSON: "id"}},)

    email: Mapped[str] = mapped_column(text(254))
    name: Mapped[str] = mapped_column(text(200))
    hash: Mapped[str] = mapped_column(text(255))


class MailLimitRow(Base):
    """The last five mails of one kind to one subject, by its digest; in seconds since 1970, the latest first."""

    __tablename__ = "mail_limits"
    __table_args__: TableArgs = (Index("ix_mail_limits_at_1", "at_1"),)

    subject: Mapped[str] = mapped_column(text(64), primary_key=True)
    at_1: Mapped[int] = mapped_column(BigInteger())
    at_2: Mapped[int] = mapped_column(BigInteger())
    at_3: Mapped[int] = mapped_column(BigInteger())
    at_4: Mapped[int] = mapped_column(BigInteger())
    at_5: Mapped[int] = mapped_column(BigInteger())


class SignInAttemptRow(Base):
    """Passwords tried for one address, by its digest and whether anybody has it; times are seconds since 1970.

    It is written apart from every unit of work, because it has to outlast the refusal.
    """

    __tablename__ = "sign_in_attempts"
    __table_args__: TableArgs = (Index("ix_sign_in_attempts_last_at", "last_at"), {"info": {ASIDE: True}})

    subject: Mapped[str] = mapped_column(text(64), primary_key=True)
    attempts: Mapped[int]
    last_at: Mapped[int] = mapped_column(BigInteger())
    locked_until: Mapped[int] = mapped_column(BigInteger())
