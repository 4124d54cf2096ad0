"""What the tables of many revisions have in common. Databases were made by it: add to it, and change nothing."""

import sqlalchemy as sa

from infrastructure.persistence.types import UtcDateTime, text


def root_columns() -> list[sa.Column[object]]:
    """Return the columns of every aggregate."""
    return [
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", text(80), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", text(80), nullable=False),
    ]


def of_organization(table: str) -> sa.ForeignKeyConstraint:
    """Return the reference to the organization."""
    return sa.ForeignKeyConstraint(
        ["organization_id"], ["organizations.organization_id"], name=f"fk_{table}_organization_id"
    )


def belongs_to(table: str, parent: str, column: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """Return a reference that cannot leave the organization."""
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{parent}.organization_id", f"{parent}.id"],
        name=f"fk_{table}_organization_id_{column}",
        ondelete=ondelete,
    )
