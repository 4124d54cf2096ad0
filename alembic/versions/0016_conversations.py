"""Conversations and their messages, which are append-only and found by their words.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import messages_guard, revision_parts, tenancy
from infrastructure.persistence.types import JsonText, UtcDateTime, text

revision = "0016"
down_revision = "0015"

TABLES = ("conversations", "messages")


def upgrade() -> None:
    """Make the tables, their walls and what keeps messages as they were said."""
    _conversations()
    _messages()
    if op.get_bind().dialect.name == "postgresql":
        _walls()
        _run(messages_guard.POSTGRES)
    else:
        _run(messages_guard.SQLITE)


def _conversations() -> None:
    name = "conversations"
    op.create_table(
        name,
        *revision_parts.root_columns(),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.Column("deleted_by", text(80), nullable=True),
        sa.Column("title", text(200), nullable=True),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("status", text(20), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("last_message_at", UtcDateTime(), nullable=True),
        sa.Column("summary_position", sa.Integer(), nullable=True),
        sa.Column("summary_up_to", sa.Integer(), nullable=True),
        sa.Column("metadata", JsonText(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.of_organization(name),
        revision_parts.belongs_to(name, "agents", "agent_id"),
        revision_parts.belongs_to(name, "customers", "customer_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{name}_user_id"),
        sa.CheckConstraint("message_count >= 0", name=op.f(f"ck_{name}_message_count_natural")),
        sa.CheckConstraint("status in ('open', 'closed')", name=op.f(f"ck_{name}_status_known")),
        sa.CheckConstraint("summary_up_to < summary_position", name=op.f(f"ck_{name}_summary_of_earlier")),
    )
    for column in ("created_at", "last_message_at"):
        op.create_index(f"ix_{name}_{column}", name, ["organization_id", column, "id"])
    for column in ("agent_id", "customer_id"):
        op.create_index(f"ix_{name}_{column}", name, ["organization_id", column, "created_at", "id"])
    op.create_index(f"ix_{name}_user_id", name, ["user_id", "organization_id", "created_at", "id"])


def _messages() -> None:
    name = "messages"
    op.create_table(
        name,
        *revision_parts.root_columns(),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", text(20), nullable=False),
        sa.Column("content", text(), nullable=False),
        sa.Column("words", text(), nullable=False),
        sa.Column("tool_calls", JsonText(), nullable=False),
        sa.Column("tool_call_id", text(100), nullable=True),
        sa.Column("attachments", JsonText(), nullable=False),
        sa.Column("token_count", sa.Integer(), nullable=False),
        sa.Column("tokens_estimated", sa.Boolean(), nullable=False),
        sa.Column("in_reply_to", sa.Integer(), nullable=True),
        sa.Column("summary_up_to", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}"),
        revision_parts.belongs_to(name, "conversations", "conversation_id", ondelete="CASCADE"),
        sa.UniqueConstraint(
            "organization_id", "conversation_id", "position", name=f"uq_{name}_organization_id_conversation_id_position"
        ),
        sa.CheckConstraint("position >= 1", name=op.f(f"ck_{name}_position_positive")),
        sa.CheckConstraint("role in ('system', 'user', 'assistant', 'tool')", name=op.f(f"ck_{name}_role_known")),
        sa.CheckConstraint(
            "in_reply_to < position and summary_up_to < position", name=op.f(f"ck_{name}_refers_to_earlier")
        ),
        sa.CheckConstraint("token_count >= 0", name=op.f(f"ck_{name}_token_count_natural")),
    )
    op.create_index(f"ix_{name}_created_at", name, ["organization_id", "created_at", "id"])


def _walls() -> None:
    for table in TABLES:
        _run(tenancy.policy_statements(table))
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON conversations TO {tenancy.APP}")
    op.execute(f"GRANT SELECT, INSERT ON messages TO {tenancy.APP}")
    for table in TABLES:
        # The search runs as a role that logs in nowhere.
        _run(tenancy.worker_policy(table, tenancy.AUTH, ["SELECT"]))


def _run(statements: list[str]) -> None:
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    """Forget what was said."""
    _run(messages_guard.POSTGRES_DROP if op.get_bind().dialect.name == "postgresql" else messages_guard.SQLITE_DROP)
    for table in reversed(TABLES):
        op.drop_table(table)
