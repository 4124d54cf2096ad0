"""Conversations with messages in them, made without a database."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.conversations.conversation import Conversation
from domain.conversations.message import Draft, Message
from domain.conversations.message_parts import MessageRole
from domain.shared.ids import ConversationId, MessageId, OrganizationId

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def a_conversation() -> Conversation:
    """Begin one at noon."""
    return Conversation.create(id=ConversationId(UUID(int=1)), organization_id=OrganizationId(UUID(int=2)), now=NOON)


def append(conversation: Conversation, draft: Draft) -> Message:
    """Append a message, a second after the one before it."""
    number = conversation.message_count + 1
    return conversation.append(MessageId(UUID(int=100 + number)), draft, NOON + timedelta(seconds=number))


def a_draft(content: str = "Hello", role: MessageRole = MessageRole.USER, **given: object) -> Draft:
    """Say something."""
    return Draft(role=role, content=content, **given)  # type: ignore[arg-type]  # reason: the fields are named by tests


def filled(tokens: Sequence[int]) -> tuple[Conversation, list[Message]]:
    """Return a conversation with messages of so many tokens."""
    conversation = a_conversation()
    return conversation, [append(conversation, a_draft(token_count=count)) for count in tokens]
