"""Refunds, captured amounts and the double-entry books; jobs that are given up.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import books_guard, revision_parts, tenancy
from infrastructure.persistence.types import JsonText, UtcDateTime, text

revision = "0007"
down_revision = "0006"

BASE = (
    ("organization_id", sa.Uuid()), ("id", sa.Uuid()), ("version", sa.Integer()), ("created_at", UtcDateTime()),
    ("created_by", text(80)), ("updated_at", UtcDateTime()), ("updated_by", text(80)),
)  # fmt: skip
WITHIN_BOUNDS = (
    "refunded_minor >= 0 and refund_pending_minor >= 0 and fee_minor >= 0"
    " and refunded_minor + refund_pending_minor <= captured_minor and captured_minor <= amount_minor"
)
ORDER_TIMES = ("expires_at", "next_retry_at", "attention_at", "unknown_at", "expired_at", "refunded_at")
ORDER_COLUMNS = (
    "captured_minor", "fee_minor", "refund_pending_minor", "kyc_status", "risk_score", "metadata", *ORDER_TIMES,
)  # fmt: skip
ATTEMPT_COLUMNS = ("provider", "fee_minor", "surplus", "lookups")
PARTIAL = (
    ("next_retry_at", ["organization_id", "next_retry_at", "id"], "next_retry_at is not null"),
    ("attention_at", ["organization_id", "attention_at"], "attention_at is not null"),
    ("in_flight", ["organization_id", "processing_at"], "status in ('processing', 'unknown')"),
)
CHANGED = ("payment_orders", "payment_attempts", "jobs")
APPEND_ONLY = ("journal_entries", "journal_postings")

_FIRST_ENTRIES = """
INSERT INTO journal_entries (organization_id, id, version, created_at, created_by, updated_at, updated_by, type,
    payment_order_id, source_id, lines)
SELECT o.organization_id, {new_id}, 1, o.completed_at, 'migration', o.completed_at, 'migration', 'charge', o.id, a.id, 2
FROM payment_orders o JOIN payment_attempts a
    ON a.organization_id = o.organization_id AND a.payment_order_id = o.id AND a.status = 'succeeded'
WHERE o.status = 'completed'
"""
_FIRST_POSTINGS = """
INSERT INTO journal_postings (organization_id, id, journal_entry_id, number, account, direction, amount_minor,
    amount_currency)
SELECT e.organization_id, {new_id}, e.id, {number}, '{account}', '{direction}', o.amount_minor, o.amount_currency
FROM journal_entries e JOIN payment_orders o ON o.organization_id = e.organization_id AND o.id = e.payment_order_id
"""
_EXPIRE_JOBS = """
INSERT INTO jobs (organization_id, kind, subject_id, run_at, token, attempts)
SELECT organization_id, 'payments.expire', id, expires_at, 0, 0 FROM payment_orders WHERE status = 'pending'
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    _orders()
    _refunds()
    _books()
    op.add_column("jobs", sa.Column("dead_at", UtcDateTime()))
    op.add_column("jobs", sa.Column("last_error", text(80)))
    with_policies = op.get_bind().dialect.name == "postgresql"
    with tenancy.past_the_walls(op, *CHANGED):
        _backfill()
    if with_policies:
        _walls()
    _run(books_guard.POSTGRES if with_policies else books_guard.SQLITE)


def _orders() -> None:
    for name in ("captured_minor", "fee_minor", "refund_pending_minor"):
        op.add_column("payment_orders", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    # With the check in the column's own definition SQLite needs no copy of the table.
    op.execute(
        "ALTER TABLE payment_orders ADD COLUMN refunded_minor BIGINT DEFAULT '0' NOT NULL"
        f" CONSTRAINT ck_payment_orders_money_within_bounds CHECK ({WITHIN_BOUNDS})"
    )
    op.add_column("payment_orders", sa.Column("kyc_status", text(20), nullable=False, server_default="not_started"))
    op.add_column("payment_orders", sa.Column("risk_score", sa.Integer()))
    op.add_column("payment_orders", sa.Column("metadata", JsonText(), nullable=False, server_default="{}"))
    for name in ORDER_TIMES:
        op.add_column("payment_orders", sa.Column(name, UtcDateTime()))
    for name, columns, where in PARTIAL:
        op.create_index(
            f"ix_payment_orders_{name}", "payment_orders", columns, postgresql_where=sa.text(where),
            sqlite_where=sa.text(where),
        )  # fmt: skip
    op.add_column("payment_attempts", sa.Column("provider", text(40)))
    op.add_column("payment_attempts", sa.Column("fee_minor", sa.BigInteger()))
    op.add_column("payment_attempts", sa.Column("surplus", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("payment_attempts", sa.Column("lookups", sa.Integer(), nullable=False, server_default="0"))


def _aggregate(name: str, *items: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        *(sa.Column(column, kind, nullable=False) for column, kind in BASE),
        *items,
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.of_organization(name),
        revision_parts.belongs_to(name, "payment_orders", "payment_order_id"),
    )


def _refunds() -> None:
    _aggregate(
        "refunds",
        sa.Column("payment_order_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", text(3), nullable=False),
        sa.Column("reason", text(500), nullable=False),
        sa.Column("surplus", sa.Boolean(), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("charge_reference", text(255), nullable=False),
        sa.Column("provider", text(40)),
        sa.Column("reference", text(255)),
        sa.Column("failure_code", text(80)),
        sa.Column("lookups", sa.Integer(), nullable=False),
        *(
            sa.Column(name, UtcDateTime())
            for name in ("attention_at", "processing_at", "unknown_at", "succeeded_at", "failed_at")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refunds_amount_positive")),
        revision_parts.belongs_to("refunds", "payment_attempts", "attempt_id"),
    )
    for name in ("payment_order_id", "attempt_id"):
        op.create_index(f"ix_refunds_{name}", "refunds", ["organization_id", name])
    op.create_index("ix_refunds_created_at", "refunds", ["organization_id", "created_at", "id"])


def _books() -> None:
    _aggregate(
        "journal_entries",
        sa.Column("type", text(20), nullable=False),
        sa.Column("payment_order_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.UniqueConstraint(
            "organization_id", "type", "source_id", name="uq_journal_entries_organization_id_type_source_id"
        ),
    )
    op.create_index("ix_journal_entries_payment_order_id", "journal_entries", ["organization_id", "payment_order_id"])
    op.create_index("ix_journal_entries_created_at", "journal_entries", ["organization_id", "created_at", "id"])
    op.create_table(
        "journal_postings",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal_entry_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("account", text(40), nullable=False),
        sa.Column("direction", text(10), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", text(3), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_journal_postings_amount_positive")),
        sa.CheckConstraint("direction in ('debit', 'credit')", name=op.f("ck_journal_postings_direction_known")),
        revision_parts.belongs_to("journal_postings", "journal_entries", "journal_entry_id"),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_journal_postings"),
        sa.UniqueConstraint(
            "organization_id", "journal_entry_id", "number",
            name="uq_journal_postings_organization_id_journal_entry_id_number",
        ),
    )  # fmt: skip
    op.create_index("ix_journal_postings_account", "journal_postings", ["organization_id", "account"])


def _backfill() -> None:
    """Let pending orders expire, and the books begin with the money collected before; its fees were never told."""
    postgres = op.get_bind().dialect.name == "postgresql"
    new_id = "gen_random_uuid()" if postgres else "lower(hex(randomblob(16)))"
    # Moments are text in SQLite: the seconds are counted on, their fraction and the Z stay.
    in_text = "strftime('%Y-%m-%dT%H:%M:%S', created_at, '+1 day') || substr(created_at, 20)"
    a_day_later = "created_at + interval '1 day'" if postgres else in_text
    op.execute(f"UPDATE payment_orders SET expires_at = {a_day_later} WHERE status = 'pending'")  # noqa: S608 - our own words
    op.execute(_EXPIRE_JOBS)
    op.execute("UPDATE payment_orders SET captured_minor = amount_minor WHERE status = 'completed'")
    op.execute(_FIRST_ENTRIES.format(new_id=new_id))
    for number, account, direction in ((1, "provider_clearing", "debit"), (2, "sales", "credit")):
        op.execute(_FIRST_POSTINGS.format(new_id=new_id, number=number, account=account, direction=direction))


def _walls() -> None:
    for table in ("refunds", *APPEND_ONLY):
        _run(tenancy.policy_statements(table))
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON refunds TO {tenancy.APP}")
    for table in APPEND_ONLY:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {tenancy.APP}")


def _run(statements: list[str]) -> None:
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _run(books_guard.POSTGRES_DROP)
        for table in ("refunds", *APPEND_ONLY):
            _run(tenancy.drop_policies(table))
    else:
        _run(books_guard.SQLITE_DROP)
    for table in ("journal_postings", "journal_entries", "refunds"):
        op.drop_table(table)
    for name, *_ in PARTIAL:
        op.drop_index(f"ix_payment_orders_{name}", "payment_orders")
    # Its check goes with it, and names the other columns.
    op.drop_column("payment_orders", "refunded_minor")
    for name in ORDER_COLUMNS:
        op.drop_column("payment_orders", name)
    for name in ATTEMPT_COLUMNS:
        op.drop_column("payment_attempts", name)
    for name in ("dead_at", "last_error"):
        op.drop_column("jobs", name)
