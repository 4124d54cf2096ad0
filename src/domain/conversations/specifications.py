"""Questions about conversations and messages."""

from domain.conversations.conversation import Conversation, ConversationStatus
from domain.conversations.message import Message
from domain.conversations.message_parts import MessageRole
from domain.shared.ids import AgentId, ConversationId, CustomerId, UserId
from domain.shared.specification import Contains, Equal, Everything, GreaterThan, NotEqual, Spec


def conversations_matching(
    *, text: str | None = None, status: ConversationStatus | None = None, agent_id: AgentId | None = None,
    customer_id: CustomerId | None = None, user_id: UserId | None = None,
) -> Spec[Conversation]:  # fmt: skip
    """Conversations for which everything holds that is given; ``text`` is contained in the title."""
    found: Spec[Conversation] = Everything()
    if text is not None:
        found &= Contains("title", text)
    exact = {"status": status, "agent_id": agent_id, "customer_id": customer_id, "user_id": user_id}
    for name, value in exact.items():
        if value is not None:
            found &= Equal(name, value)
    return found


def messages_of(
    conversation_id: ConversationId, *, role: MessageRole | None = None, after: int | None = None
) -> Spec[Message]:
    """The messages of a conversation; those of one role, or those behind a position."""
    found: Spec[Message] = Equal("conversation_id", conversation_id)
    if role is not None:
        found &= Equal("role", role)
    return found if after is None else found & GreaterThan("position", after)


def message_at(conversation_id: ConversationId, position: int) -> Spec[Message]:
    """The one message at a position."""
    return messages_of(conversation_id) & Equal("position", position)


def not_summarized(conversation: Conversation) -> Spec[Message]:
    """The messages of a conversation for which no summary stands, and which are not the latest summary themselves."""
    found = messages_of(conversation.id, after=conversation.summary_up_to)
    position = conversation.summary_position
    return found if position is None else found & NotEqual("position", position)
