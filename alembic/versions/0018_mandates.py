"""Mandates of agents, what is set aside under them, and payments that wait for approval.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import revision_parts, tenancy
from infrastructure.persistence.types import JsonText, UtcDateTime, text

revision = "0018"
down_revision = "0017"

TABLES = ("mandates", "mandate_holds", "approvals")
ORDER_COLUMNS = ("mandated", "approval_required")
WITHIN_TOTAL = (
    "reserved_minor >= 0 and spent_minor >= 0 and (total_minor is null or spent_minor + reserved_minor <= total_minor)"
)
LIMITED = (
    "per_payment_minor is not null or per_day_minor is not null or per_30_days_minor is not null"
    " or total_minor is not null"
)


def upgrade() -> None:
    """Make the tables, their walls and grants; orders remember who pays and whether a person is asked."""
    for name in ORDER_COLUMNS:
        op.add_column("payment_orders", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("false")))
    _mandates()
    _holds()
    _approvals()
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in tenancy.policy_statements(table):
                op.execute(statement)
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {tenancy.APP}")


def _mandates() -> None:
    op.create_table(
        "mandates",
        *revision_parts.root_columns(),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("granted_by", text(80), nullable=False),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("per_payment_minor", sa.BigInteger(), nullable=True),
        sa.Column("per_day_minor", sa.BigInteger(), nullable=True),
        sa.Column("per_30_days_minor", sa.BigInteger(), nullable=True),
        sa.Column("total_minor", sa.BigInteger(), nullable=True),
        sa.Column("approval_threshold_minor", sa.BigInteger(), nullable=True),
        sa.Column("reserved_minor", sa.BigInteger(), nullable=False),
        sa.Column("spent_minor", sa.BigInteger(), nullable=False),
        sa.Column("products", JsonText(), nullable=False),
        sa.Column("payment_links", JsonText(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("status", text(20), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("expired_at", UtcDateTime(), nullable=True),
        *_keys("mandates", agent_id="agents"),
        sa.CheckConstraint(WITHIN_TOTAL, name="within_total"),
        sa.CheckConstraint(LIMITED, name="limited"),
    )
    _index("mandates", "agent_id", "status", name="agent_id")
    _index("mandates", "created_at", "id", name="created_at")


def _holds() -> None:
    op.create_table(
        "mandate_holds",
        *revision_parts.root_columns(),
        sa.Column("mandate_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", text(20), nullable=False),
        sa.Column("payment_order_id", sa.Uuid(), nullable=True),
        sa.Column("tool_usage_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", text(3), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("counted_at", UtcDateTime(), nullable=True),
        sa.Column("committed_at", UtcDateTime(), nullable=True),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        *_keys(
            "mandate_holds",
            mandate_id="mandates",
            agent_id="agents",
            payment_order_id="payment_orders",
            tool_usage_id="tool_usages",
        ),
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
    )
    _index("mandate_holds", "mandate_id", "counted_at", name="mandate_id")
    _index("mandate_holds", "agent_id")
    _index("mandate_holds", "payment_order_id")
    _index("mandate_holds", "tool_usage_id")
    _index("mandate_holds", "created_at", "id", name="created_at")
    _one("uq_mandate_holds_reserved", "mandate_holds", "status = 'reserved' and payment_order_id is not null")


def _approvals() -> None:
    references = {
        "agent_id": "agents", "mandate_id": "mandates", "hold_id": "mandate_holds",
        "payment_order_id": "payment_orders", "payment_method_id": "payment_methods",
    }  # fmt: skip
    op.create_table(
        "approvals",
        *revision_parts.root_columns(),
        *(sa.Column(column, sa.Uuid(), nullable=False) for column in references),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", text(3), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", text(80), nullable=True),
        sa.Column("reason", text(500), nullable=False),
        *_keys("approvals", **references),
    )
    for column in ("agent_id", "hold_id", "payment_order_id", "payment_method_id"):
        _index("approvals", column)
    _index("approvals", "mandate_id", "status", name="mandate_id")
    _index("approvals", "created_at", "id", name="created_at")
    _one("uq_approvals_pending", "approvals", "status = 'pending'")


def _keys(table: str, **references: str) -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{table}"),
        revision_parts.of_organization(table),
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", column], [f"{parent}.organization_id", f"{parent}.id"],
                name=f"fk_{table}_organization_id_{column}",
            )
            for column, parent in references.items()
        ),
    ]  # fmt: skip


def _index(table: str, *columns: str, name: str | None = None) -> None:
    op.create_index(f"ix_{table}_{name or columns[0]}", table, ["organization_id", *columns])


def _one(name: str, table: str, where: str) -> None:
    op.create_index(
        name, table, ["organization_id", "payment_order_id"], unique=True, postgresql_where=sa.text(where),
        sqlite_where=sa.text(where),
    )  # fmt: skip


def downgrade() -> None:
    """Forget mandates, and what orders remember of them."""
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in reversed(ORDER_COLUMNS):
        op.drop_column("payment_orders", name)
