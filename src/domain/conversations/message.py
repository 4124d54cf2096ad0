"""A message: something that was said in a conversation, and is never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.conversations.message_parts import (
    CALL_ID,
    Attachment,
    MessageRole,
    ToolCall,
    characters_of,
    check_attachments,
    check_tool_calls,
)
from domain.conversations.words import words_of
from domain.shared.entity import Entity
from domain.shared.errors import ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import ConversationId, MessageId, OrganizationId
from domain.shared.text import TextRule

CONTENT = TextRule(max_length=10_000, min_length=0, markup=True, multiline=True)
MAX_TOKENS = 1_000_000
_BYTES_A_TOKEN = 4


class InvalidMessage(ValidationError):
    """The parts of the message do not fit its role; ``reason`` names the rule."""

    code = "message_invalid"
    summary = "The message's parts do not fit its role."


@frozen(kw_only=True)
class MessageAppendedEvent(DomainEvent):
    """Something was said. What it was stays out: events travel further than words should."""

    verb: ClassVar[str] = "appended"
    conversation_id: ConversationId
    position: int
    role: MessageRole
    token_count: int


@frozen(kw_only=True)
class Draft:
    """A message that has no place in a conversation yet.

    ``in_reply_to`` and ``summary_up_to`` are positions of earlier messages: the one that is answered, and the last one
    that a summary stands for.
    """

    role: MessageRole
    content: str = ""
    tool_calls: Sequence[ToolCall] = ()
    tool_call_id: str | None = None
    attachments: Sequence[Attachment] = ()
    token_count: int | None = None
    in_reply_to: int | None = None
    summary_up_to: int | None = None


@define(kw_only=True, eq=False)
class Message(Entity):
    """Something that was said. ``words`` are those of its content, by which it is found.

    ``position`` counts the messages of a conversation from 1 and without gaps. ``tokens_estimated`` says that nobody
    gave a ``token_count``, so that it is the estimate of :func:`estimated_tokens`.
    """

    kind: ClassVar[str] = "message"

    id: MessageId
    conversation_id: ConversationId
    position: int
    role: MessageRole
    content: str
    words: str
    tool_calls: tuple[ToolCall, ...] = field(factory=tuple)
    tool_call_id: str | None = None
    attachments: tuple[Attachment, ...] = field(factory=tuple)
    token_count: int
    tokens_estimated: bool
    in_reply_to: int | None = None
    summary_up_to: int | None = None

    @classmethod
    def write(
        cls, draft: Draft, *, id: MessageId, organization_id: OrganizationId, conversation_id: ConversationId,
        position: int, now: datetime,
    ) -> Self:  # fmt: skip
        """Put a message down at a position; a conversation does so, which knows what the position is.

        Raises:
            InvalidMessage: the parts do not fit the role, or name a position that is not an earlier one.
            InvalidText, InvalidToolCall, InvalidAttachment, InvalidDocument: a part is not acceptable.
        """
        content = CONTENT.check(draft.content)
        calls, attachments = check_tool_calls(draft.tool_calls), check_attachments(draft.attachments)
        call_id = None if draft.tool_call_id is None else CALL_ID.check(draft.tool_call_id)
        _check_fit(draft, said=bool(content.strip() or calls or attachments))
        _check_positions(draft, position)
        tokens = estimated_tokens(content, calls) if draft.token_count is None else draft.token_count
        message = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, conversation_id=conversation_id,
            position=position, role=draft.role, content=content, words=" ".join(words_of(content)), tool_calls=calls,
            tool_call_id=call_id, attachments=attachments, token_count=tokens,
            tokens_estimated=draft.token_count is None, in_reply_to=draft.in_reply_to,
            summary_up_to=draft.summary_up_to,
        )  # fmt: skip
        appended = MessageAppendedEvent(
            conversation_id=conversation_id, position=position, role=draft.role, token_count=tokens
        )
        message.record(appended, now)
        return message

    @property
    def is_summary(self) -> bool:
        """Whether it stands for messages before it."""
        return self.summary_up_to is not None


def estimated_tokens(content: str, calls: Sequence[ToolCall] = ()) -> int:
    """Return a token for every four bytes of UTF-8, rounded up, and at least one.

    Of tool calls the characters of their names and arguments count as bytes. English text has about so many tokens in
    the usual vocabularies, other languages have fewer characters a token and also more bytes a character.
    """
    size = len(content.encode()) + sum(characters_of(call) for call in calls)
    return max(1, -(-size // _BYTES_A_TOKEN))


def _check_fit(draft: Draft, *, said: bool) -> None:
    if not said:
        raise InvalidMessage(path="content", reason="empty")
    if draft.tool_calls and draft.role is not MessageRole.ASSISTANT:
        raise InvalidMessage(path="tool_calls", reason="only_an_assistant_calls_tools")
    if (draft.tool_call_id is not None) != (draft.role is MessageRole.TOOL):
        raise InvalidMessage(path="tool_call_id", reason="exactly_a_tool_answers_a_call")
    if draft.summary_up_to is not None and draft.role not in (MessageRole.SYSTEM, MessageRole.ASSISTANT):
        raise InvalidMessage(path="summary_up_to", reason="only_system_and_assistant_summarize")
    if draft.token_count is not None and not 0 <= draft.token_count <= MAX_TOKENS:
        raise InvalidMessage(path="token_count", reason="out_of_range")


def _check_positions(draft: Draft, position: int) -> None:
    for name in ("in_reply_to", "summary_up_to"):
        named = getattr(draft, name)
        if named is not None and not 1 <= named < position:
            raise InvalidMessage(path=name, reason="not_an_earlier_position")
