"""Messages: appending to a conversation, reading it, and what an agent needs of it to go on."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.conversations.conversation_view import MessageView
from application.kernel.actor import Scope
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.conversations.message import CONTENT, MAX_TOKENS, Draft
from domain.conversations.message_parts import (
    CALL_ID,
    MAX_ATTACHMENTS,
    MAX_SIZE,
    MAX_TOOL_CALLS,
    MEDIA_TYPE,
    SHA256,
    TOOL_NAME,
    URL,
    Attachment,
    MessageRole,
    ToolCall,
)
from domain.conversations.specifications import messages_of
from domain.shared.ids import ConversationId, MessageId
from domain.shared.text import NAME

Position = Annotated[int, Interval(ge=1, le=2**31 - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallFields:
    """A tool that the agent wants to be run, with its arguments as one JSON object."""

    id: Annotated[str, CALL_ID]
    name: Annotated[str, TOOL_NAME]
    arguments: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentFields:
    """What is known of a file, which is kept elsewhere. `sha256` is in hexadecimal digits."""

    name: Annotated[str, NAME]
    media_type: Annotated[str, MEDIA_TYPE]
    size: Annotated[int, Interval(ge=0, le=MAX_SIZE)]
    sha256: Annotated[str, SHA256] | None = None
    url: Annotated[str, URL] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFields:
    """What is said. `in_reply_to` and `summary_up_to` are positions of earlier messages.

    Only an `assistant` calls tools, and exactly a `tool` names the call it answers. A message with `summary_up_to`
    stands for everything up to there, and contexts begin with it. Without a `token_count` it is estimated as a token
    for every four bytes of UTF-8.
    """

    role: MessageRole
    content: Annotated[str, CONTENT] = ""
    tool_calls: Annotated[list[ToolCallFields], Len(0, MAX_TOOL_CALLS)] = field(default_factory=list)
    tool_call_id: Annotated[str, CALL_ID] | None = None
    attachments: Annotated[list[AttachmentFields], Len(0, MAX_ATTACHMENTS)] = field(default_factory=list)
    token_count: Annotated[int, Interval(ge=0, le=MAX_TOKENS)] | None = None
    in_reply_to: Position | None = None
    summary_up_to: Position | None = None

    def draft(self) -> Draft:
        """Return the message as the domain has it."""
        return Draft(
            role=self.role, content=self.content, tool_call_id=self.tool_call_id, token_count=self.token_count,
            in_reply_to=self.in_reply_to, summary_up_to=self.summary_up_to,
            tool_calls=[ToolCall(id=each.id, name=each.name, arguments=each.arguments) for each in self.tool_calls],
            attachments=[
                Attachment(name=a.name, media_type=a.media_type, size=a.size, sha256=a.sha256, url=a.url)
                for a in self.attachments
            ],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendMessage(MessageFields):
    """What is said, and where.

    Only an `assistant` calls tools, and exactly a `tool` names the call it answers. A message with `summary_up_to`
    stands for everything up to there, and contexts begin with it. Without a `token_count` it is estimated as a token
    for every four bytes of UTF-8.
    """

    conversation_id: ConversationId


@use_case(
    "messages.append",
    scope=Scope.CONVERSATIONS_WRITE,
    example={"role": "user", "content": "The grinder arrived broken."},
    statements=5,
)
async def append_message(cmd: AppendMessage, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> MessageView:
    """Append a message to an open conversation. It is never changed; its position is the next, without gaps.

    Errors: `not_found` for the conversation, `conversation_closed`, `message_invalid`, `text_invalid`,
    `tool_call_invalid`, `attachment_invalid`, `document_invalid`.
    """
    # Whoever appends at the same time waits here, so that nobody takes the same position.
    conversation = await uow.conversations.get(cmd.conversation_id, lock=True)
    message = conversation.append(MessageId(ids.new()), cmd.draft(), clock.now())
    uow.messages.add(message)
    return MessageView.of(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMessage:
    """Which message."""

    id: MessageId


@use_case("messages.get", scope=Scope.CONVERSATIONS_READ, example={}, read_only=True, statements=2)
async def get_message(cmd: GetMessage, uow: IUnitOfWork) -> MessageView:
    """Return one message of a conversation that is not deleted.

    Errors: `not_found`.
    """
    message = await uow.messages.get(cmd.id)
    await uow.conversations.get(message.conversation_id)
    return MessageView.of(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMessages(PageQuery):
    """Which messages: of one conversation, of one role, behind a position."""

    conversation_id: ConversationId
    role: MessageRole | None = None
    after: Position | None = None
    sort: Literal["position", "-position"] = "position"


@use_case(
    "messages.list", scope=Scope.CONVERSATIONS_READ, example={"limit": 20, "sort": "-position"}, read_only=True,
    statements=3,
)  # fmt: skip
async def list_messages(cmd: ListMessages, uow: IUnitOfWork) -> ListView[MessageView]:
    """List the messages of a conversation in the order in which they were said, or backwards.

    Errors: `not_found` for the conversation.
    """
    conversation = await uow.conversations.get(cmd.conversation_id)
    wanted = messages_of(conversation.id, role=cmd.role, after=cmd.after)
    return ListView.of(await uow.messages.page(wanted, cmd.request(cmd.sort)), MessageView.of)
