"""Tasks, what they wait for, and who works on them until when.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import revision_parts, tenancy
from infrastructure.persistence.types import JsonText, UtcDateTime, text

revision = "0017"
down_revision = "0016"

TABLES = ("tasks", "task_dependencies", "task_runs")
_PENDING = sa.text("status = 'pending'")
_OPEN = sa.text("ended_at IS NULL")
_RULES = {
    "dependencies_counted": "open_dependencies >= 0",
    "claimed_by_status": "status <> 'claimed' OR claimed_by IS NOT NULL",
    "blocked_by_something": "status <> 'blocked' OR open_dependencies > 0",
    "attempts_capped": "attempt BETWEEN 0 AND max_attempts",
}
_FORGET_PARENT = """
CREATE TRIGGER tasks_forget_parent BEFORE DELETE ON tasks BEGIN
    UPDATE tasks SET parent_id = NULL WHERE organization_id = OLD.organization_id AND parent_id = OLD.id;
END
"""


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def upgrade() -> None:
    """Make the tables and their walls."""
    _tasks()
    _dependencies()
    _runs()
    if _is_postgres():
        _walls()
    else:
        # SQLite cannot set one column of a composite key to NULL by itself.
        op.execute(_FORGET_PARENT)


def _tasks() -> None:
    op.create_table(
        "tasks",
        *revision_parts.root_columns(),
        sa.Column("title", text(200), nullable=False),
        sa.Column("type", text(80), nullable=False),
        sa.Column("description", text(), nullable=False),
        sa.Column("agent_id", sa.Uuid()),
        sa.Column("capability", text(80)),
        sa.Column("conversation_id", sa.Uuid()),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("status", text(20), nullable=False),
        sa.Column("input", JsonText(), nullable=False),
        sa.Column("output", JsonText()),
        sa.Column("error", JsonText()),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("not_before", UtcDateTime()),
        sa.Column("due_at", UtcDateTime()),
        sa.Column("timeout_seconds", sa.Integer()),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger()),
        sa.Column("cost_currency", text(3)),
        sa.Column("metadata", JsonText(), nullable=False),
        sa.Column("lane", text(120), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("available_at", UtcDateTime(), nullable=False),
        sa.Column("open_dependencies", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.Uuid()),
        sa.Column("started_at", UtcDateTime()),
        sa.Column("completed_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_tasks"),
        revision_parts.of_organization("tasks"),
        revision_parts.belongs_to("tasks", "agents", "agent_id"),
        revision_parts.belongs_to("tasks", "agents", "claimed_by"),
        revision_parts.belongs_to("tasks", "conversations", "conversation_id", ondelete="CASCADE"),
        revision_parts.belongs_to(
            "tasks", "tasks", "parent_id", ondelete="SET NULL (parent_id)" if _is_postgres() else "SET NULL"
        ),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_tasks_{name}")) for name, rule in _RULES.items()),
    )
    op.create_index(
        "ix_tasks_claimable",
        "tasks",
        ["organization_id", "lane", "rank", "available_at", "id"],
        postgresql_where=_PENDING,
        sqlite_where=_PENDING,
    )
    op.create_index("ix_tasks_claimed_by", "tasks", ["organization_id", "claimed_by"])
    op.create_index("ix_tasks_created_at", "tasks", ["organization_id", "created_at", "id"])
    for column in ("status", "agent_id", "conversation_id", "parent_id"):
        op.create_index(f"ix_tasks_{column}", "tasks", ["organization_id", column, "created_at", "id"])


def _dependencies() -> None:
    name = "task_dependencies"
    op.create_table(
        name,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("depends_on_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_task_dependencies"),
        revision_parts.belongs_to(name, "tasks", "task_id", ondelete="CASCADE"),
        revision_parts.belongs_to(name, "tasks", "depends_on_id", ondelete="CASCADE"),
        sa.UniqueConstraint(
            "organization_id", "task_id", "depends_on_id", name=f"uq_{name}_organization_id_task_id_depends_on_id"
        ),
    )
    op.create_index(f"ix_{name}_depends_on_id", name, ["organization_id", "depends_on_id", "task_id"])


def _runs() -> None:
    name = "task_runs"
    op.create_table(
        name,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("worker", text(200), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("token", text(64), nullable=False),
        sa.Column("lease_seconds", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.Column("times_out_at", UtcDateTime()),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("outcome", text(20)),
        sa.Column("error", JsonText()),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_task_runs"),
        revision_parts.belongs_to(name, "tasks", "task_id", ondelete="CASCADE"),
        revision_parts.belongs_to(name, "agents", "agent_id"),
    )
    op.create_index(
        "uq_task_runs_open", name, ["organization_id", "task_id"], unique=True,
        postgresql_where=_OPEN, sqlite_where=_OPEN,
    )  # fmt: skip
    op.create_index(
        "ix_task_runs_lease", name, ["organization_id", "lease_until"], postgresql_where=_OPEN, sqlite_where=_OPEN
    )
    for column in ("task_id", "agent_id"):
        op.create_index(f"ix_task_runs_{column}", name, ["organization_id", column, "started_at", "id"])


def _walls() -> None:
    for table in TABLES:
        _run(tenancy.policy_statements(table))
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {tenancy.APP}")
    # The sweeper looks for leases that are over in every organization, and changes them in each one's name.
    _run(tenancy.worker_policy("task_runs", tenancy.RELAY, ["SELECT"]))


def _run(statements: list[str]) -> None:
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    """Forget tasks."""
    for table in reversed(TABLES):
        op.drop_table(table)
