"""What an agent needs of a conversation to go on with it."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from application.conversations.conversation_view import MessageView
from application.kernel.actor import Scope
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.conversations.context import MAX_CONTEXT, ContextWindow, context_window
from domain.conversations.specifications import message_at, not_summarized
from domain.shared.ids import ConversationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextView(View[ContextWindow]):
    """Messages in their order, the summary first. `complete` says that the limits left nothing out."""

    messages: list[MessageView]
    token_count: int
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GetContext:
    """How much of a conversation an agent can take: so many messages, and so many tokens if a budget is given."""

    id: ConversationId
    max_messages: Annotated[int, Interval(ge=1, le=MAX_CONTEXT)] = 50
    max_tokens: Annotated[int, Interval(ge=0, le=2**31 - 1)] | None = None


@use_case(
    "conversations.get_context",
    scope=Scope.CONVERSATIONS_READ,
    example={"max_messages": 30, "max_tokens": 8000},
    read_only=True,
    statements=3,
)
async def get_context(cmd: GetContext, uow: IUnitOfWork) -> ContextView:
    """Return what an agent needs to go on: the latest summary, and behind it the newest messages that fit.

    Neither limit is ever exceeded. There is no hole between the messages, and they never begin with the answer of a
    tool whose call was left out.

    Errors: `not_found`.
    """
    conversation = await uow.conversations.get(cmd.id)
    summary = None
    if conversation.summary_position is not None:
        summary = await uow.messages.find_one(message_at(conversation.id, conversation.summary_position))
    newest = await uow.messages.find(not_summarized(conversation), sort="-position", limit=cmd.max_messages)
    return ContextView.of(context_window(
        newest[::-1], summary=summary, total=conversation.unsummarized, max_messages=cmd.max_messages,
        max_tokens=cmd.max_tokens,
    ))  # fmt: skip
