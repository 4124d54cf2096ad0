"""Every way in which conversations can break a constraint of their tables, behind the back of the domain."""

from collections.abc import Awaitable, Callable
from enum import StrEnum

from domain.conversations.conversation import Conversation
from domain.conversations.message import Draft, Message
from domain.conversations.message_parts import MessageRole
from domain.shared.errors import DuplicateError, StoaError, ValidationError
from domain.shared.ids import ConversationId, MessageId
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import Shop

type Break = Callable[[Shop, SqlUnitOfWork], Awaitable[None]]


class Unknown(StrEnum):
    """What no column takes."""

    UNKNOWN = "unknown"


def a_conversation(shop: Shop) -> Conversation:
    """Make a conversation that nobody has stored yet."""
    return Conversation.create(
        id=ConversationId(shop.stack.ids.new()), organization_id=shop.actor.organization_id, now=shop.stack.clock.now()
    )


def a_message(shop: Shop, conversation: Conversation) -> Message:
    """Append one more message."""
    draft = Draft(role=MessageRole.USER, content="The grinder is broken.")
    return conversation.append(MessageId(shop.stack.ids.new()), draft, shop.stack.clock.now())


def _a_conversation_with(**wrong: object) -> Break:
    async def break_it(shop: Shop, uow: SqlUnitOfWork) -> None:
        conversation = a_conversation(shop)
        for name, value in wrong.items():
            setattr(conversation, name, value)
        uow.conversations.add(conversation)

    return break_it


def _a_message_with(**wrong: object) -> Break:
    async def break_it(shop: Shop, uow: SqlUnitOfWork) -> None:
        conversation = a_conversation(shop)
        message = a_message(shop, conversation)
        for name, value in wrong.items():
            setattr(message, name, value)
        uow.conversations.add(conversation)
        uow.messages.add(message)

    return break_it


async def _two_at_one_place(shop: Shop, uow: SqlUnitOfWork) -> None:
    conversation = a_conversation(shop)
    messages = [a_message(shop, conversation) for _ in range(2)]
    messages[1].position = 1
    uow.conversations.add(conversation)
    await uow.messages.add_many(messages)


BROKEN_CONVERSATIONS: dict[str, tuple[Break, type[StoaError]]] = {
    "uq_messages_organization_id_conversation_id_position": (_two_at_one_place, DuplicateError),
    "ck_conversations_message_count_natural": (_a_conversation_with(message_count=-1), ValidationError),
    "ck_conversations_status_known": (_a_conversation_with(status=Unknown.UNKNOWN), ValidationError),
    "ck_conversations_summary_of_earlier": (
        _a_conversation_with(summary_position=3, summary_up_to=3),
        ValidationError,
    ),
    "ck_messages_position_positive": (_a_message_with(position=0), ValidationError),
    "ck_messages_role_known": (_a_message_with(role=Unknown.UNKNOWN), ValidationError),
    "ck_messages_refers_to_earlier": (_a_message_with(in_reply_to=1), ValidationError),
    "ck_messages_token_count_natural": (_a_message_with(token_count=-1), ValidationError),
}
