"""Workflows and playbooks: versions that never change, executions and their steps.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import revision_parts, tenancy
from infrastructure.persistence.types import JsonText, UtcDateTime, text

revision = "0019"
down_revision = "0018"

TABLES = (
    "workflows", "workflow_versions", "playbooks", "playbook_versions", "workflow_executions", "workflow_steps",
    "playbook_runs",
)  # fmt: skip
_APPENDED = ("workflow_versions", "playbook_versions", "playbook_runs")


def _aggregate(name: str, *items: sa.schema.SchemaItem) -> None:
    """Make a table with the columns that every aggregate has."""
    op.create_table(
        name,
        *revision_parts.root_columns(),
        *items,
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
    )


def _index(table: str, name: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{name}", table, ["organization_id", *columns])


def _definition() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("steps", JsonText(), nullable=False),
        sa.Column("parameters", JsonText(), nullable=False),
        sa.Column("output", JsonText(), nullable=False),
    ]


def upgrade() -> None:
    """Make the tables, their walls and grants."""
    _named("workflows")
    _versions("workflow_versions", "workflows", "workflow_id")
    _named("playbooks", *_definition())
    _versions("playbook_versions", "playbooks", "playbook_id")
    _executions()
    _steps()
    _runs()
    if op.get_bind().dialect.name == "postgresql":
        _walls()


def _named(name: str, *items: sa.schema.SchemaItem) -> None:
    _aggregate(
        name,
        sa.Column("name", text(200), nullable=False),
        sa.Column("description", text(), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("latest_version", sa.Integer(), nullable=False),
        *items,
        revision_parts.of_organization(name),
    )
    _index(name, "created_at", "created_at", "id")
    _index(name, "status", "status", "created_at", "id")


def _versions(name: str, parent: str, column: str) -> None:
    _aggregate(
        name,
        sa.Column(column, sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("steps_count", sa.Integer(), nullable=False),
        sa.Column("notes", text(), nullable=False),
        *_definition(),
        revision_parts.belongs_to(name, parent, column),
        sa.UniqueConstraint("organization_id", column, "number", name=f"uq_{name}_organization_id_{column}_number"),
    )


def _executions() -> None:
    name = "workflow_executions"
    _aggregate(
        name,
        sa.Column("workflow_id", sa.Uuid(), nullable=True),
        sa.Column("workflow_version_id", sa.Uuid(), nullable=True),
        sa.Column("playbook_version_id", sa.Uuid(), nullable=True),
        sa.Column("status", text(20), nullable=False),
        sa.Column("input", JsonText(), nullable=False),
        sa.Column("output_template", JsonText(), nullable=False),
        sa.Column("output", JsonText(), nullable=True),
        sa.Column("failed_step", text(60), nullable=True),
        sa.Column("steps_total", sa.Integer(), nullable=False),
        sa.Column("steps_completed", sa.Integer(), nullable=False),
        sa.Column("steps_failed", sa.Integer(), nullable=False),
        sa.Column("steps_running", sa.Integer(), nullable=False),
        sa.Column("steps_waiting", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        revision_parts.of_organization(name),
        revision_parts.belongs_to(name, "workflows", "workflow_id"),
        revision_parts.belongs_to(name, "workflow_versions", "workflow_version_id"),
        revision_parts.belongs_to(name, "playbook_versions", "playbook_version_id"),
        sa.CheckConstraint(
            "steps_completed + steps_failed + steps_running + steps_waiting <= steps_total",
            name="counts_within_total",
        ),
    )
    _index(name, "created_at", "created_at", "id")
    _index(name, "workflow_id", "workflow_id", "created_at", "id")
    _index(name, "status", "workflow_id", "status", "duration_ms")
    _index(name, "playbook_version_id", "playbook_version_id")
    _index(name, "workflow_version_id", "workflow_version_id")


def _steps() -> None:
    name = "workflow_steps"
    op.create_table(
        name,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", text(60), nullable=False),
        sa.Column("kind", text(20), nullable=False),
        sa.Column("name", text(200), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("depends_on", JsonText(), nullable=False),
        sa.Column("dependents", JsonText(), nullable=False),
        sa.Column("open_dependencies", sa.Integer(), nullable=False),
        sa.Column("template", JsonText(), nullable=False),
        sa.Column("input", JsonText(), nullable=True),
        sa.Column("output", JsonText(), nullable=True),
        sa.Column("error", JsonText(), nullable=True),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("capability", text(80), nullable=True),
        sa.Column("tool_id", sa.Uuid(), nullable=True),
        sa.Column("wait_seconds", sa.Integer(), nullable=True),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("concluded_by", text(80), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.belongs_to(name, "workflow_executions", "execution_id"),
        revision_parts.belongs_to(name, "agents", "agent_id"),
        revision_parts.belongs_to(name, "tools", "tool_id"),
        revision_parts.belongs_to(name, "tasks", "task_id"),
        sa.UniqueConstraint(
            "organization_id", "execution_id", "position", name=f"uq_{name}_organization_id_execution_id_position"
        ),
        sa.UniqueConstraint(
            "organization_id", "execution_id", "key", name=f"uq_{name}_organization_id_execution_id_key"
        ),
        sa.CheckConstraint("open_dependencies >= 0", name="dependencies_counted_once"),
    )
    for column in ("task_id", "agent_id", "tool_id"):
        _index(name, column, column)
    due = sa.text("due_at is not null")
    op.create_index(
        f"ix_{name}_due_at", name, ["organization_id", "execution_id", "due_at"], postgresql_where=due, sqlite_where=due
    )


def _runs() -> None:
    name = "playbook_runs"
    _aggregate(
        name,
        sa.Column("playbook_id", sa.Uuid(), nullable=False),
        sa.Column("playbook_version_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("execution_id", sa.Uuid(), nullable=False),
        sa.Column("parameters", JsonText(), nullable=False),
        revision_parts.belongs_to(name, "playbooks", "playbook_id"),
        revision_parts.belongs_to(name, "playbook_versions", "playbook_version_id"),
        revision_parts.belongs_to(name, "workflow_executions", "execution_id"),
    )
    _index(name, "playbook_id", "playbook_id", "created_at", "id")
    _index(name, "created_at", "created_at", "id")
    for column in ("execution_id", "playbook_version_id"):
        _index(name, column, column)


def _walls() -> None:
    for table in TABLES:
        for statement in tenancy.policy_statements(table):
            op.execute(statement)
        # What was published, and what was run, is never written again.
        rights = "SELECT, INSERT" if table in _APPENDED else "SELECT, INSERT, UPDATE, DELETE"
        op.execute(f"GRANT {rights} ON {table} TO {tenancy.APP}")


def downgrade() -> None:
    """Forget workflows and playbooks."""
    for table in reversed(TABLES):
        op.drop_table(table)
