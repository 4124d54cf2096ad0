"""Declarative base: tables as PostgreSQL and SQLite see them. Entities live in the domain."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

from domain.shared.errors import StoaError
from infrastructure.persistence.types import Guid, UtcDateTime, text

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables; every constraint has a predictable name, because errors are told apart by it."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {UUID: Guid(), datetime: UtcDateTime(), str: text()}  # noqa: RUF012 - SQLAlchemy's spelling


class TenantRow(Base):
    """Columns of every aggregate: the composite key that walls, foreign keys and sharding rest on."""

    __abstract__ = True

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(text(80))
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(text(80))


class SoftDeletableRow(TenantRow):
    """Columns of an aggregate that is hidden before it is purged."""

    __abstract__ = True

    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[str | None] = mapped_column(text(80))


def belongs_to(table: str, column: str, error: type[StoaError] | None = None) -> ForeignKeyConstraint:
    """Return the composite key that keeps a reference inside its tenant; ``error`` is what breaking it means."""
    key = ForeignKeyConstraint(["organization_id", column], [f"{table}.organization_id", f"{table}.id"])
    if error is not None:
        key.info["error"] = error
    return key


def of_organization() -> ForeignKeyConstraint:
    """Return the key from a tenant table to its organization."""
    return ForeignKeyConstraint(["organization_id"], ["organizations.organization_id"])


def unique(*columns: str, error: type[StoaError]) -> UniqueConstraint:
    """Return a unique key within a tenant; ``error`` is what breaking it means."""
    key = UniqueConstraint("organization_id", *columns)
    key.info["error"] = error
    return key


type TableArgs = tuple[SchemaItem | dict[str, object], ...]
