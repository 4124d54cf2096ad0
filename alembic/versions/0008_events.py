"""Published events are kept, webhooks deliver them, and jobs remember what caused them.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import revision_parts, tenancy
from infrastructure.persistence.types import Identity64, JsonText, UtcDateTime, text

revision = "0008"
down_revision = "0007"

TABLES = ("events", "webhook_endpoints", "webhook_deliveries", "webhook_attempts")


def _position() -> list[sa.schema.SchemaItem]:
    """Return the counted column with the table's key; SQLite only counts what is the whole primary key."""
    if op.get_bind().dialect.name == "sqlite":
        return [
            sa.Column("position", sa.Integer(), primary_key=True, autoincrement=True),
            sa.UniqueConstraint("organization_id", "id", name="pk_events"),
        ]
    return [
        sa.Column("position", Identity64, sa.Identity(always=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_events"),
    ]


def upgrade() -> None:
    """Make the tables, their walls and grants."""
    for column in _job_columns():
        op.add_column("jobs", column)
    _events()
    _endpoints()
    _deliveries()
    if op.get_bind().dialect.name == "postgresql":
        _walls()


def _job_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("correlation_id", text(80), nullable=True),
        sa.Column("causation_id", sa.Uuid(), nullable=True),
        sa.Column("traceparent", text(80), nullable=True),
    ]


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *_position(),
        sa.Column("type", text(80), nullable=False),
        sa.Column("schema_version", sa.Integer(), nullable=False),
        sa.Column("aggregate_type", text(80), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("aggregate_version", sa.Integer(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("payload", text(), nullable=False),
    )
    op.create_index("ix_events_position", "events", ["organization_id", "position"])
    op.create_index("ix_events_aggregate_id", "events", ["organization_id", "aggregate_id", "position"])
    op.create_index("ix_events_recorded_at", "events", ["recorded_at"], postgresql_using="brin")


def _endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        *revision_parts.root_columns(),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("deleted_by", text(80), nullable=True),
        sa.Column("url", text(2000), nullable=False),
        sa.Column("description", text(), nullable=False),
        sa.Column("events", JsonText(), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("disabled_reason", text(20), nullable=True),
        sa.Column("secret", text(400), nullable=False),
        sa.Column("previous_secret", text(400), nullable=True),
        sa.Column("previous_secret_ends_at", UtcDateTime(), nullable=True),
        sa.Column("failing_since", UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_webhook_endpoints"),
        revision_parts.of_organization("webhook_endpoints"),
    )
    op.create_index("ix_webhook_endpoints_created_at", "webhook_endpoints", ["organization_id", "created_at", "id"])


def _deliveries() -> None:
    name = "webhook_deliveries"
    op.create_table(
        name,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", text(80), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("concluded_at", UtcDateTime(), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_webhook_deliveries"),
        revision_parts.belongs_to(name, "webhook_endpoints", "endpoint_id"),
        revision_parts.belongs_to(name, "events", "event_id", ondelete="CASCADE"),
    )
    op.create_index("ix_webhook_deliveries_event_id", name, ["organization_id", "event_id"])
    op.create_index("ix_webhook_deliveries_created_at", name, ["organization_id", "created_at", "id"])
    op.create_index("ix_webhook_deliveries_endpoint_id", name, ["organization_id", "endpoint_id", "created_at", "id"])
    pending = sa.text("status = 'pending'")
    op.create_index(
        "ix_webhook_deliveries_pending", name, ["organization_id", "endpoint_id", "due_at"],
        postgresql_where=pending, sqlite_where=pending,
    )  # fmt: skip
    op.create_table(
        "webhook_attempts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", text(80), nullable=True),
        sa.Column("response", text(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_webhook_attempts"),
        sa.UniqueConstraint(
            "organization_id", "delivery_id", "number", name="uq_webhook_attempts_organization_id_delivery_id_number"
        ),
        revision_parts.belongs_to("webhook_attempts", name, "delivery_id", ondelete="CASCADE"),
    )


def _walls() -> None:
    for table in TABLES:
        _run(tenancy.policy_statements(table))
    # What was published is written by the relay alone; a caller only reads it.
    op.execute(f"GRANT SELECT ON events TO {tenancy.APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_endpoints TO {tenancy.APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON webhook_deliveries TO {tenancy.APP}")
    op.execute(f"GRANT SELECT ON webhook_attempts TO {tenancy.APP}")
    _run(tenancy.worker_policy("events", tenancy.RELAY, ["SELECT", "INSERT", "DELETE"]))
    _run(tenancy.worker_policy("webhook_deliveries", tenancy.RELAY, ["SELECT", "INSERT", "UPDATE"]))
    _run(tenancy.worker_policy("webhook_attempts", tenancy.RELAY, ["SELECT", "INSERT"]))
    # The worker counts an endpoint's failures and changes nothing else of it.
    _run(tenancy.worker_policy("webhook_endpoints", tenancy.RELAY, ["SELECT"]))
    role = tenancy.RELAY
    op.execute(f"CREATE POLICY {role}_update ON webhook_endpoints FOR UPDATE TO {role} USING (true)")
    op.execute(f"GRANT UPDATE (failing_since, failures) ON webhook_endpoints TO {role}")


def _run(statements: list[str]) -> None:
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    """Forget published events, endpoints and deliveries."""
    for table in reversed(TABLES):
        op.drop_table(table)
    for column in reversed(_job_columns()):
        op.drop_column("jobs", column.name)
