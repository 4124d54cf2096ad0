"""Transactions of wallets, and the forms in which they are signed.

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import revision_parts, tenancy
from infrastructure.persistence.types import Uint256, UtcDateTime, text

revision = "0021"
down_revision = "0020"

TABLES = ("wallet_transactions", "transaction_signings")
PENDING = "status in ('created', 'signed', 'broadcast', 'dropped') and nonce is not null"
_MOVES = ("signed", "broadcast", "mined", "confirmed", "dropped", "replaced", "reverted", "failed")


def upgrade() -> None:
    """Make the tables, their walls and grants."""
    _transactions()
    _signings()
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in tenancy.policy_statements(table):
                op.execute(statement)
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {tenancy.APP}")


def _transactions() -> None:
    name = "wallet_transactions"
    op.create_table(
        name,
        *revision_parts.root_columns(),
        sa.Column("wallet_id", sa.Uuid(), nullable=False),
        *_asked_for(),
        *_on_chain(),
        sa.Column("failure_code", text(80), nullable=True),
        sa.Column("failure_reason", text(200), nullable=True),
        sa.Column("obstacle", text(80), nullable=True),
        sa.Column("attention_at", UtcDateTime(), nullable=True),
        *(sa.Column(f"{move}_at", UtcDateTime(), nullable=True) for move in _MOVES),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.of_organization(name),
        revision_parts.belongs_to(name, "wallets", "wallet_id"),
        sa.CheckConstraint("nonce >= 0", name="nonce_counts"),
    )
    _index("wallet_id", "wallet_id", "created_at", "id")
    _index("created_at", "created_at", "id")
    _index("hash", "transaction_hash")
    _index("block", "chain_id", "sender", "block_number")
    _index("pending", "chain_id", "sender", "nonce", where=PENDING)
    _index("nonce", "chain_id", "sender", "nonce", where="nonce is not null", unique=True)
    _index("arrival", "wallet_id", "transaction_hash", "log_index", where="log_index is not null", unique=True)


def _asked_for() -> list[sa.Column[object]]:
    return [
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", text(3), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("sender", text(42), nullable=False),
        sa.Column("recipient", text(42), nullable=True),
        sa.Column("value", Uint256(), nullable=False),
        sa.Column("data", text(), nullable=False),
        sa.Column("token_address", text(42), nullable=True),
        sa.Column("token_amount", Uint256(), nullable=True),
        sa.Column("counterparty", text(42), nullable=True),
        sa.Column("purpose", text(500), nullable=False),
        sa.Column("origin_kind", text(60), nullable=True),
        sa.Column("origin_id", sa.Uuid(), nullable=True),
    ]


def _on_chain() -> list[sa.Column[object]]:
    return [
        sa.Column("nonce", sa.BigInteger(), nullable=True),
        sa.Column("reserved", Uint256(), nullable=False),
        sa.Column("wanted", text(20), nullable=True),
        sa.Column("transaction_hash", text(66), nullable=True),
        sa.Column("log_index", sa.Integer(), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", text(66), nullable=True),
        sa.Column("succeeded", sa.Boolean(), nullable=True),
        sa.Column("gas_used", sa.BigInteger(), nullable=True),
        sa.Column("fee", Uint256(), nullable=True),
        sa.Column("contract", text(42), nullable=True),
    ]


def _signings() -> None:
    name = "transaction_signings"
    op.create_table(
        name,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", text(20), nullable=False),
        sa.Column("gas", sa.BigInteger(), nullable=False),
        sa.Column("max_fee", Uint256(), nullable=False),
        sa.Column("priority_fee", Uint256(), nullable=False),
        sa.Column("planned_at", UtcDateTime(), nullable=False),
        sa.Column("hash", text(66), nullable=True),
        sa.Column("raw", text(), nullable=True),
        sa.Column("signed_at", UtcDateTime(), nullable=True),
        sa.Column("broadcast_at", UtcDateTime(), nullable=True),
        sa.Column("refused", text(40), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.belongs_to(name, "wallet_transactions", "transaction_id"),
        sa.UniqueConstraint(
            "organization_id", "transaction_id", "number",
            name=f"uq_{name}_organization_id_transaction_id_number",
        ),
    )  # fmt: skip


def _index(name: str, *columns: str, where: str | None = None, unique: bool = False) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(
        f"{'uq' if unique else 'ix'}_wallet_transactions_{name}", "wallet_transactions", ["organization_id", *columns],
        unique=unique, postgresql_where=condition, sqlite_where=condition,
    )  # fmt: skip


def downgrade() -> None:
    """Forget transactions."""
    for table in reversed(TABLES):
        op.drop_table(table)
