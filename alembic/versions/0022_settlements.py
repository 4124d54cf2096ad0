"""Payments in tokens: what is accepted, settlements, and what the books say of units.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import revision_parts, tenancy
from infrastructure.persistence.types import Uint256, UtcDateTime, text

revision = "0022"
down_revision = "0021"

TABLES = ("accepted_tokens", "token_settlements")
_IN_FLIGHT = "ix_payment_orders_in_flight"
_FLYING = "status in ('processing', 'settlement_pending', 'unknown')"
_FLEW = "status in ('processing', 'unknown')"


def upgrade() -> None:
    """Make the tables, and let an attempt be without a payment method."""
    _accepted_tokens()
    _token_settlements()
    with op.batch_alter_table("payment_attempts") as attempts:
        attempts.alter_column("payment_method_id", existing_type=sa.Uuid(), nullable=True)
    _in_flight(_FLYING)
    op.add_column(
        "payment_figures", sa.Column("orders_settlement_pending", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("journal_entries", sa.Column("chain_id", sa.BigInteger()))
    op.add_column("journal_entries", sa.Column("token", text(42)))
    op.add_column("journal_entries", sa.Column("token_amount", Uint256()))
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in tenancy.policy_statements(table):
                op.execute(statement)
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {tenancy.APP}")


def _in_flight(where: str) -> None:
    op.drop_index(_IN_FLIGHT, "payment_orders")
    flying = sa.text(where)
    op.create_index(
        _IN_FLIGHT, "payment_orders", ["organization_id", "processing_at"], postgresql_where=flying, sqlite_where=flying
    )


def _index(table: str, name: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{name}", table, ["organization_id", *columns])


def _accepted_tokens() -> None:
    name = "accepted_tokens"
    op.create_table(
        name,
        *revision_parts.root_columns(),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("deleted_by", text(80), nullable=True),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("token", text(42), nullable=False),
        sa.Column("symbol", text(20), nullable=False),
        sa.Column("decimals", sa.Integer(), nullable=False),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("name", text(100), nullable=False),
        sa.Column("eip712_version", text(20), nullable=False),
        sa.Column("pay_to_wallet_id", sa.Uuid(), nullable=False),
        sa.Column("pay_to", text(42), nullable=False),
        sa.Column("facilitator_wallet_id", sa.Uuid(), nullable=False),
        sa.Column("timeout_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.of_organization(name),
        revision_parts.belongs_to(name, "wallets", "pay_to_wallet_id"),
        revision_parts.belongs_to(name, "wallets", "facilitator_wallet_id"),
    )
    kept = sa.text("deleted_at is null")
    op.create_index(
        "uq_accepted_tokens_token", name, ["organization_id", "chain_id", "token"], unique=True,
        postgresql_where=kept, sqlite_where=kept,
    )  # fmt: skip
    _index(name, "currency", "currency", "created_at", "id")
    _index(name, "created_at", "created_at", "id")
    for column in ("pay_to_wallet_id", "facilitator_wallet_id"):
        _index(name, column, column)


def _token_settlements() -> None:
    name = "token_settlements"
    op.create_table(
        name,
        *revision_parts.root_columns(),
        sa.Column("payment_order_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("accepted_token_id", sa.Uuid(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("token", text(42), nullable=False),
        sa.Column("payer", text(42), nullable=False),
        sa.Column("pay_to", text(42), nullable=False),
        sa.Column("amount", Uint256(), nullable=False),
        sa.Column("valid_after", sa.BigInteger(), nullable=False),
        sa.Column("valid_before", sa.BigInteger(), nullable=False),
        sa.Column("nonce", text(66), nullable=False),
        sa.Column("signature", text(132), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        sa.Column("first_block", sa.BigInteger(), nullable=True),
        sa.Column("transaction_hash", text(66), nullable=True),
        sa.Column("failure_code", text(40), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("refused_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.of_organization(name),
        revision_parts.belongs_to(name, "payment_orders", "payment_order_id"),
        revision_parts.belongs_to(name, "payment_attempts", "attempt_id"),
        revision_parts.belongs_to(name, "accepted_tokens", "accepted_token_id"),
        revision_parts.belongs_to(name, "wallet_transactions", "transaction_id"),
        sa.CheckConstraint("(status = 'settled') = (transaction_hash is not null)", name="settled_by_a_transaction"),
        sa.CheckConstraint("(status = 'refused') = (failure_code is not null)", name="refused_for_a_reason"),
    )
    for column in ("payment_order_id", "attempt_id", "accepted_token_id", "transaction_id"):
        _index(name, column, column)
    _index(name, "created_at", "created_at", "id")


def downgrade() -> None:
    """Forget payments in tokens; attempts that were such are forgotten as well."""
    op.drop_column("payment_figures", "orders_settlement_pending")
    for column in ("token_amount", "token", "chain_id"):
        op.drop_column("journal_entries", column)
    _in_flight(_FLEW)
    for table in reversed(TABLES):
        op.drop_table(table)
    with tenancy.past_the_walls(op, "payment_attempts"):
        op.execute("DELETE FROM payment_attempts WHERE payment_method_id IS NULL")
    with op.batch_alter_table("payment_attempts") as attempts:
        attempts.alter_column("payment_method_id", existing_type=sa.Uuid(), nullable=False)
