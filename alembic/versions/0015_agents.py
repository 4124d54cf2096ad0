"""Agents with API keys of their own, their performance, the tools they may use, and every call of those.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import identity_functions, revision_parts, tenancy
from infrastructure.persistence.types import JsonText, UtcDateTime, text

revision = "0015"
down_revision = "0014"

TABLES = (
    "agents", "agent_capabilities", "tools", "tool_capabilities", "tool_grants", "tool_usages", "performance_records",
)  # fmt: skip
APPENDED = ("tool_usages", "performance_records")
"""What is written once."""


def _aggregate(name: str, *items: sa.schema.SchemaItem) -> None:
    """Make a table with the columns that every aggregate has."""
    op.create_table(
        name,
        *revision_parts.root_columns(),
        *items,
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.of_organization(name),
    )
    op.create_index(f"ix_{name}_created_at", name, ["organization_id", "created_at", "id"])


def _capabilities(name: str, parent: str, column: str) -> None:
    op.create_table(
        name,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(column, sa.Uuid(), nullable=False),
        sa.Column("capability", text(64), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.belongs_to(name, parent, column, ondelete="CASCADE"),
        sa.UniqueConstraint(
            "organization_id", column, "capability", name=f"uq_{name}_organization_id_{column}_capability"
        ),
    )
    op.create_index(f"ix_{name}_capability", name, ["organization_id", "capability", column])


def _cost() -> tuple[sa.Column[int], sa.Column[str]]:
    minor: sa.Column[int] = sa.Column("cost_minor", sa.BigInteger(), nullable=True)
    currency: sa.Column[str] = sa.Column("cost_currency", text(3), nullable=True)
    return minor, currency


def _check(name: str, rule: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{name}_{rule}"))


def _cost_rules(name: str) -> tuple[sa.CheckConstraint, sa.CheckConstraint]:
    whole = "(cost_minor is null) = (cost_currency is null)"
    return _check(name, "cost_not_negative", "cost_minor >= 0"), _check(name, "cost_whole", whole)


def upgrade() -> None:
    """Make the tables, their walls and grants, and let keys belong to agents."""
    _agents()
    _keys()
    _tools()
    _grants()
    _usages()
    _performance()
    if op.get_bind().dialect.name == "postgresql":
        _walls()


def _agents() -> None:
    _aggregate(
        "agents",
        sa.Column("name", text(200), nullable=False),
        sa.Column("type", text(20), nullable=False),
        sa.Column("role", text(100), nullable=True),
        sa.Column("description", text(), nullable=False),
        sa.Column("capabilities", JsonText(), nullable=False),
        sa.Column("configuration", JsonText(), nullable=False),
        sa.Column("state", JsonText(), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("metadata", JsonText(), nullable=False),
    )
    for column in ("type", "status", "role"):
        op.create_index(f"ix_agents_{column}", "agents", ["organization_id", column, "created_at", "id"])
    _capabilities("agent_capabilities", "agents", "agent_id")


def _keys() -> None:
    with op.batch_alter_table("api_keys") as api_keys:
        api_keys.add_column(sa.Column("agent_id", sa.Uuid(), nullable=True))
        api_keys.create_foreign_key(
            "fk_api_keys_organization_id_agent_id", "agents", ["organization_id", "agent_id"], ["organization_id", "id"]
        )
    op.create_index("ix_api_keys_agent_id", "api_keys", ["organization_id", "agent_id", "id"])


def _tools() -> None:
    _aggregate(
        "tools",
        sa.Column("name", text(200), nullable=False),
        sa.Column("category", text(100), nullable=False),
        sa.Column("description", text(), nullable=False),
        sa.Column("parameters", JsonText(), nullable=False),
        sa.Column("capabilities", JsonText(), nullable=False),
        *_cost(),
        sa.Column("availability", text(20), nullable=False),
        sa.Column("last_checked_at", UtcDateTime(), nullable=True),
        sa.Column("health_note", text(500), nullable=True),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.Column("metadata", JsonText(), nullable=False),
        *_cost_rules("tools"),
    )
    op.create_index("ix_tools_category", "tools", ["organization_id", "category", "created_at", "id"])
    _capabilities("tool_capabilities", "tools", "tool_id")


def _grants() -> None:
    _aggregate(
        "tool_grants",
        sa.Column("tool_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        revision_parts.belongs_to("tool_grants", "tools", "tool_id"),
        revision_parts.belongs_to("tool_grants", "agents", "agent_id"),
        sa.UniqueConstraint(
            "organization_id", "agent_id", "tool_id", name="uq_tool_grants_organization_id_agent_id_tool_id"
        ),
    )
    op.create_index("ix_tool_grants_tool_id", "tool_grants", ["organization_id", "tool_id", "id"])


def _usages() -> None:
    name = "tool_usages"
    _aggregate(
        name,
        sa.Column("tool_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        *_cost(),
        sa.Column("outcome", text(20), nullable=False),
        sa.Column("error_code", text(64), nullable=True),
        revision_parts.belongs_to(name, "tools", "tool_id"),
        revision_parts.belongs_to(name, "agents", "agent_id"),
        _check(name, "duration_not_negative", "duration_ms >= 0"),
        *_cost_rules(name),
        _check(name, "error_of_failures", "error_code is null or outcome <> 'ok'"),
    )
    for column in ("tool_id", "agent_id"):
        op.create_index(f"ix_{name}_{column}", name, ["organization_id", column, "created_at", "id"])
    op.create_index(f"ix_{name}_task_id", name, ["organization_id", "task_id", "id"])


def _performance() -> None:
    name = "performance_records"
    _aggregate(
        name,
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("metric", text(64), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("unit", text(20), nullable=False),
        sa.Column("note", text(), nullable=False),
        revision_parts.belongs_to(name, "agents", "agent_id"),
    )
    op.create_index(f"ix_{name}_agent_id", name, ["organization_id", "agent_id", "created_at", "id"])
    op.create_index(f"ix_{name}_task_id", name, ["organization_id", "task_id", "id"])


def _walls() -> None:
    for table in TABLES:
        _run(tenancy.policy_statements(table))
        rights = "SELECT, INSERT" if table in APPENDED else "SELECT, INSERT, UPDATE, DELETE"
        op.execute(f"GRANT {rights} ON {table} TO {tenancy.APP}")
    # Who looks a key up has to know whether its agent was stopped.
    _run(tenancy.worker_policy("agents", tenancy.AUTH, ["SELECT"]))
    _run(identity_functions.know_agents())


def _run(statements: list[str]) -> None:
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    """Forget agents, and with them the keys that were theirs."""
    if op.get_bind().dialect.name == "postgresql":
        _run(identity_functions.forget_agents())
    with tenancy.past_the_walls(op, "api_keys"):
        op.execute("DELETE FROM api_keys WHERE agent_id IS NOT NULL")
    op.drop_index("ix_api_keys_agent_id", "api_keys")
    with op.batch_alter_table("api_keys") as api_keys:
        api_keys.drop_constraint("fk_api_keys_organization_id_agent_id", type_="foreignkey")
        api_keys.drop_column("agent_id")
    for table in reversed(TABLES):
        op.drop_table(table)
