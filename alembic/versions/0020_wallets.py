"""Wallets, the organization's lists of addresses, and challenges to wallets' holders.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import revision_parts, tenancy
from infrastructure.persistence.types import JsonText, Uint256, UtcDateTime, text

revision = "0020"
down_revision = "0019"

TABLES = ("wallets", "wallet_challenges", "address_listings")


def upgrade() -> None:
    """Make the tables, their walls and grants."""
    _wallets()
    _challenges()
    _listings()
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in tenancy.policy_statements(table):
                op.execute(statement)
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {tenancy.APP}")


def _wallets() -> None:
    op.create_table(
        "wallets",
        *revision_parts.root_columns(),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("deleted_by", text(80), nullable=True),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("address", text(42), nullable=False),
        sa.Column("type", text(20), nullable=False),
        sa.Column("label", text(200), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("signer", text(20), nullable=False),
        sa.Column("sealed_key", text(1000), nullable=True),
        sa.Column("verified_at", UtcDateTime(), nullable=True),
        sa.Column("max_per_transaction", Uint256(), nullable=True),
        sa.Column("max_per_day", Uint256(), nullable=True),
        sa.Column("tokens", JsonText(), nullable=False),
        sa.Column("owners", JsonText(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=True),
        sa.Column("deployed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_wallets"),
        revision_parts.of_organization("wallets"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_wallets_user_id"),
        sa.CheckConstraint("(sealed_key is not null) = (signer = 'keystore')", name="key_kept"),
        sa.CheckConstraint("signer = 'none' or type = 'eoa'", name="signer_has_key"),
    )
    alive = sa.text("deleted_at is null")
    op.create_index(
        "uq_wallets_address", "wallets", ["organization_id", "address", "chain_id"], unique=True,
        postgresql_where=alive, sqlite_where=alive,
    )  # fmt: skip
    op.create_index("ix_wallets_created_at", "wallets", ["organization_id", "created_at", "id"])
    op.create_index("ix_wallets_user_id", "wallets", ["user_id", "organization_id", "created_at", "id"])


def _challenges() -> None:
    name = "wallet_challenges"
    op.create_table(
        name,
        *revision_parts.root_columns(),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        sa.Column("message", text(2000), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("signature", text(), nullable=True),
        sa.Column("concluded_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.belongs_to(name, "wallets", "wallet_id"),
    )
    op.create_index(f"ix_{name}_wallet_id", name, ["organization_id", "wallet_id", "created_at", "id"])
    op.create_index(f"ix_{name}_created_at", name, ["organization_id", "created_at", "id"])


def _listings() -> None:
    name = "address_listings"
    op.create_table(
        name,
        *revision_parts.root_columns(),
        sa.Column("address", text(42), nullable=False),
        sa.Column("list", text(20), nullable=False),
        sa.Column("reason", text(500), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.of_organization(name),
        sa.UniqueConstraint("organization_id", "address", name=f"uq_{name}_organization_id_address"),
    )
    op.create_index(f"ix_{name}_list", name, ["organization_id", "list", "created_at", "id"])
    op.create_index(f"ix_{name}_created_at", name, ["organization_id", "created_at", "id"])


def downgrade() -> None:
    """Forget wallets; what signing ones claimed among all organizations is free again."""
    with tenancy.past_the_walls(op, "lookups"):
        op.execute("DELETE FROM lookups WHERE kind = 'wallet_signer'")
    for table in reversed(TABLES):
        op.drop_table(table)
