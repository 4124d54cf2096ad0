"""Tables of the conversations context."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import (
    SoftDeletableRow,
    TableArgs,
    TenantRow,
    belongs_to,
    of_organization,
    unique,
)
from infrastructure.persistence.types import JsonText, text


class ConversationRow(SoftDeletableRow):
    """A conversation of the organization's agents, customers and users."""

    __tablename__ = "conversations"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("agents", "agent_id"),
        belongs_to("customers", "customer_id"),
        # People stand above organizations; that it is a member is asked before.
        ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_conversations_user_id"),
        Index("ix_conversations_created_at", "organization_id", "created_at", "id"),
        Index("ix_conversations_last_message_at", "organization_id", "last_message_at", "id"),
        Index("ix_conversations_agent_id", "organization_id", "agent_id", "created_at", "id"),
        Index("ix_conversations_customer_id", "organization_id", "customer_id", "created_at", "id"),
        Index("ix_conversations_user_id", "user_id", "organization_id", "created_at", "id"),
        CheckConstraint("message_count >= 0", name="message_count_natural"),
        CheckConstraint("status in ('open', 'closed')", name="status_known"),
        CheckConstraint("summary_up_to < summary_position", name="summary_of_earlier"),
    )

    title: Mapped[str | None] = mapped_column(text(200))
    agent_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(text(20))
    closed_at: Mapped[datetime | None]
    message_count: Mapped[int]
    last_message_at: Mapped[datetime | None]
    summary_position: Mapped[int | None]
    summary_up_to: Mapped[int | None]
    # "metadata" is the declarative base's own word.
    metadata_: Mapped[str] = mapped_column("metadata", JsonText())


class MessageRow(TenantRow):
    """Something that was said: append-only, which the database enforces (``messages_guard``)."""

    __tablename__ = "messages"
    __table_args__: TableArgs = (
        # What was said goes with its conversation, and in no other way.
        ForeignKeyConstraint(
            ["organization_id", "conversation_id"], ["conversations.organization_id", "conversations.id"],
            ondelete="CASCADE",
        ),
        # The last wall against two messages at one place.
        unique("conversation_id", "position", error=DuplicateError),
        Index("ix_messages_created_at", "organization_id", "created_at", "id"),
        CheckConstraint("position >= 1", name="position_positive"),
        CheckConstraint("role in ('system', 'user', 'assistant', 'tool')", name="role_known"),
        CheckConstraint("in_reply_to < position and summary_up_to < position", name="refers_to_earlier"),
        CheckConstraint("token_count >= 0", name="token_count_natural"),
    )  # fmt: skip

    conversation_id: Mapped[UUID]
    position: Mapped[int]
    role: Mapped[str] = mapped_column(text(20))
    content: Mapped[str] = mapped_column(text())
    words: Mapped[str] = mapped_column(text())
    tool_calls: Mapped[str] = mapped_column(JsonText())
    tool_call_id: Mapped[str | None] = mapped_column(text(100))
    attachments: Mapped[str] = mapped_column(JsonText())
    token_count: Mapped[int]
    tokens_estimated: Mapped[bool]
    in_reply_to: Mapped[int | None]
    summary_up_to: Mapped[int | None]
