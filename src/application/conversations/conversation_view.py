"""What is shown of conversations and messages."""

from dataclasses import dataclass
from datetime import datetime

from application.kernel.view import View
from domain.conversations.conversation import Conversation, ConversationStatus
from domain.conversations.message import Message
from domain.conversations.message_parts import Attachment, MessageRole, ToolCall
from domain.shared.ids import AgentId, ConversationId, CustomerId, MessageId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView(View[Conversation]):
    """A conversation. The message at `summary_position` stands for those up to `summary_up_to`."""

    id: ConversationId
    version: int
    title: str | None
    agent_id: AgentId | None
    customer_id: CustomerId | None
    user_id: UserId | None
    status: ConversationStatus
    closed_at: datetime | None
    message_count: int
    last_message_at: datetime | None
    summary_position: int | None
    summary_up_to: int | None
    metadata: dict[str, str | int | bool]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallView(View[ToolCall]):
    """A tool that the agent wants to be run; the message with its result has the same `tool_call_id`."""

    id: str
    name: str
    arguments: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentView(View[Attachment]):
    """What is known of a file that came with a message."""

    name: str
    media_type: str
    size: int
    sha256: str | None
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView(View[Message]):
    """Something that was said. `in_reply_to` and `summary_up_to` are the positions of others."""

    id: MessageId
    version: int
    conversation_id: ConversationId
    position: int
    role: MessageRole
    content: str
    tool_calls: list[ToolCallView]
    tool_call_id: str | None
    attachments: list[AttachmentView]
    token_count: int
    tokens_estimated: bool
    in_reply_to: int | None
    summary_up_to: int | None
    created_at: datetime
