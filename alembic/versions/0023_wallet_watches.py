"""Wallets that are watched, and with what was compared what is recorded of them.

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import revision_parts, tenancy
from infrastructure.persistence.types import Uint256, text

revision = "0023"
down_revision = "0022"

TABLES = ("wallet_watches", "watched_assets")


def upgrade() -> None:
    """Make the tables, their walls and grants."""
    _watches()
    _assets()
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in tenancy.policy_statements(table):
                op.execute(statement)
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {tenancy.APP}")


def _watches() -> None:
    name = "wallet_watches"
    op.create_table(
        name,
        *revision_parts.root_columns(),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("read_to", sa.BigInteger(), nullable=True),
        sa.Column("checked_block", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.of_organization(name),
        revision_parts.belongs_to(name, "wallets", "wallet_id"),
        sa.UniqueConstraint("organization_id", "wallet_id", name=f"uq_{name}_organization_id_wallet_id"),
    )
    op.create_index(f"ix_{name}_created_at", name, ["organization_id", "created_at", "id"])


def _assets() -> None:
    name = "watched_assets"
    op.create_table(
        name,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("watch_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("token", text(42), nullable=True),
        sa.Column("since_block", sa.BigInteger(), nullable=False),
        sa.Column("opening", Uint256(), nullable=False),
        sa.Column("drift", text(100), nullable=False),
        sa.Column("expected", text(100), nullable=True),
        sa.Column("found", Uint256(), nullable=True),
        sa.Column("drift_block", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.belongs_to(name, "wallet_watches", "watch_id"),
        sa.UniqueConstraint("organization_id", "watch_id", "number", name=f"uq_{name}_organization_id_watch_id_number"),
    )


def downgrade() -> None:
    """Forget what is watched."""
    for table in reversed(TABLES):
        op.drop_table(table)
