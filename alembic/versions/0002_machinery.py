"""Tables of the machinery: idempotency, outbox, audit, jobs, counters and look-ups.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence.types import Identity64, UtcDateTime, text

revision = "0002"
down_revision = "0001"

TABLES = (
    "idempotency_records",
    "outbox",
    "audit_entries",
    "audit_heads",
    "jobs",
    "counters",
    "lookups",
)


def _increment(name: str, key: list[str], table: str) -> list[sa.schema.SchemaItem]:
    """Return a column the database counts up, with the table's key.

    SQLite only counts a column that is the whole primary key; the composite one becomes a unique key there.
    """
    if op.get_bind().dialect.name == "sqlite":
        return [
            sa.Column(name, sa.Integer(), primary_key=True, autoincrement=True),
            sa.UniqueConstraint(*key, name=f"pk_{table}"),
        ]
    return [
        sa.Column(name, Identity64, sa.Identity(always=True), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"),
    ]


def upgrade() -> None:
    op.create_table(
        "idempotency_records",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("key", text(255), nullable=False),
        sa.Column("fingerprint", text(64), nullable=False),
        sa.Column("response", text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "key", name="pk_idempotency_records"),
    )

    op.create_table(
        "outbox",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        *_increment("id", ["organization_id", "id"], "outbox"),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("type", text(80), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("aggregate_type", text(80), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("aggregate_version", sa.Integer(), nullable=False),
        sa.Column("traceparent", text(80), nullable=True),
        sa.Column("payload", text(), nullable=False),
    )
    op.create_index("ix_outbox_id", "outbox", ["id"], unique=False)

    op.create_table(
        "audit_entries",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *_increment("entry_no", ["organization_id", "id"], "audit_entries"),
        sa.Column("occurred_at", UtcDateTime(), server_default=sa.func.now(), nullable=False),
        sa.Column("actor", text(80), nullable=False),
        sa.Column("action", text(80), nullable=False),
        sa.Column("operation", text(20), nullable=False),
        sa.Column("subject_type", text(80), nullable=False),
        sa.Column("subject_id", text(80), nullable=False),
        sa.Column("subject_version", sa.Integer(), nullable=False),
        sa.Column("changes", text(), nullable=False),
        sa.Column("request_id", text(80), nullable=False),
        sa.Column("seq", Identity64, nullable=True),
        sa.Column("hash", text(64), nullable=True),
    )
    op.create_index("ix_audit_entries_seq", "audit_entries", ["organization_id", "seq"], unique=False)
    op.create_index(
        "ix_audit_entries_unsealed",
        "audit_entries",
        ["entry_no"],
        unique=False,
        postgresql_where=sa.text("seq is null"),
        sqlite_where=sa.text("seq is null"),
    )

    op.create_table(
        "audit_heads",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("seq", Identity64, nullable=False),
        sa.Column("hash", text(64), nullable=False),
        sa.Column("sealed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name="pk_audit_heads"),
    )

    op.create_table(
        "jobs",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", text(80), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("run_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "kind", "subject_id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_run_at", "jobs", ["run_at"], unique=False)

    op.create_table(
        "counters",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", text(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "name", "day", name="pk_counters"),
    )

    op.create_table(
        "lookups",
        sa.Column("kind", text(40), nullable=False),
        sa.Column("value", text(128), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", name="pk_lookups"),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
