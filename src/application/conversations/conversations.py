"""Conversations: what agents, customers and users say to each other."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Len

from application.conversations.conversation_view import ConversationView
from application.kernel.actor import Scope
from application.kernel.changes import change_use_case
from application.kernel.fields import Version
from application.kernel.page import PageQuery
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.conversations.conversation import Conversation, ConversationStatus
from domain.conversations.specifications import conversations_matching
from domain.shared.ids import AgentId, ConversationId, CustomerId, UserId
from domain.shared.text import NAME

Title = Annotated[str, NAME]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateConversation:
    """Who takes part: an agent, a customer, a user, each of them or none."""

    title: Title | None = None
    agent_id: AgentId | None = None
    customer_id: CustomerId | None = None
    user_id: UserId | None = None
    metadata: dict[str, str | int | bool] = field(default_factory=dict)


@use_case(
    "conversations.create",
    scope=Scope.CONVERSATIONS_WRITE,
    example={"title": "Refund for a broken grinder", "metadata": {"channel": "chat"}},
    statements=6,
)
async def create_conversation(
    cmd: CreateConversation, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> ConversationView:
    """Begin a conversation of an agent, with a customer, of a user; who takes part does not change.

    Errors: `not_found` for whoever takes part, `text_invalid`, `metadata_invalid`.
    """
    conversation = await start_conversation(cmd, uow, ConversationId(ids.new()), clock)
    return ConversationView.of(conversation)


async def start_conversation(
    cmd: CreateConversation, uow: IUnitOfWork, id: ConversationId, clock: IClock
) -> Conversation:
    """Make a conversation and add it, once all who take part are known to be there."""
    if cmd.agent_id is not None:
        await uow.agents.get(cmd.agent_id)
    if cmd.customer_id is not None:
        await uow.customers.get(cmd.customer_id)
    if cmd.user_id is not None:
        await uow.users.get(cmd.user_id)
    conversation = Conversation.create(
        id=id, organization_id=uow.actor.organization_id, title=cmd.title,
        agent_id=cmd.agent_id, customer_id=cmd.customer_id, user_id=cmd.user_id, metadata=cmd.metadata, now=clock.now(),
    )  # fmt: skip
    uow.conversations.add(conversation)
    return conversation


get_use_case(
    "conversations.get", lambda uow: uow.conversations, ConversationView,
    "Return one conversation that is not deleted, without its messages.", scope=Scope.CONVERSATIONS_READ,
)  # fmt: skip

Sort = Literal["created_at", "-created_at", "last_message_at", "-last_message_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListConversations(PageQuery):
    """Which conversations: `text` is contained in the title, whatever the case of A to Z; the others are exact."""

    text: Annotated[str, Len(1, 200)] | None = None
    status: ConversationStatus | None = None
    agent_id: AgentId | None = None
    customer_id: CustomerId | None = None
    user_id: UserId | None = None
    sort: Sort = "-created_at"


list_use_case(
    "conversations.list", ListConversations, lambda uow: uow.conversations, ConversationView,
    "List the conversations that are not deleted; those in which nothing was said yet have no `last_message_at`.",
    where=lambda cmd: conversations_matching(
        text=cmd.text, status=cmd.status, agent_id=cmd.agent_id, customer_id=cmd.customer_id, user_id=cmd.user_id
    ),
    scope=Scope.CONVERSATIONS_READ, example={"limit": 20, "status": "open"}, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FindConversationsByUser(PageQuery):
    """Whose conversations."""

    user_id: UserId
    sort: Sort = "-created_at"


list_use_case(
    "conversations.find_by_user", FindConversationsByUser, lambda uow: uow.conversations, ConversationView,
    "List the conversations of one user that are not deleted.",
    where=lambda cmd: conversations_matching(user_id=cmd.user_id),
    scope=Scope.CONVERSATIONS_READ, example={"limit": 20}, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateConversation:
    """New values for what is mentioned; the rest stays."""

    id: ConversationId
    expected_version: Version
    title: Maybe[Title | None] = UNSET
    metadata: Maybe[dict[str, str | int | bool]] = UNSET


@use_case(
    "conversations.update",
    scope=Scope.CONVERSATIONS_WRITE,
    example={"expected_version": 1, "title": "Refund for a broken grinder", "metadata": {"topic": "refund"}},
    statements=5,
)
async def update_conversation(cmd: UpdateConversation, uow: IUnitOfWork, *, clock: IClock) -> ConversationView:
    """Change what a conversation is called and its metadata, which is replaced as a whole. Every message is a version.

    Errors: `not_found`, `version_stale`, `text_invalid`, `metadata_invalid`.
    """
    conversation = await uow.conversations.get(cmd.id)
    conversation.expect_version(cmd.expected_version)
    conversation.edit(
        clock.now(),
        title=given(cmd.title, conversation.title),
        metadata=given(cmd.metadata, conversation.metadata),
    )
    return ConversationView.of(conversation)


change_use_case(
    "conversations.close", lambda uow: uow.conversations, ConversationView, Conversation.close,
    "Let nothing more be said in a conversation; closing it twice changes nothing.",
    scope=Scope.CONVERSATIONS_WRITE, statements=5,
)  # fmt: skip
change_use_case(
    "conversations.reopen", lambda uow: uow.conversations, ConversationView, Conversation.reopen,
    "Let a closed conversation go on.", errors="`transition_invalid` when it is open",
    scope=Scope.CONVERSATIONS_WRITE, statements=5,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichConversation:
    """Which conversation, and optionally the version the caller read."""

    id: ConversationId
    expected_version: Version | None = None


@use_case("conversations.delete", scope=Scope.CONVERSATIONS_WRITE, example={}, destructive=True, statements=5)
async def delete_conversation(cmd: WhichConversation, uow: IUnitOfWork, *, clock: IClock) -> ConversationView:
    """Hide a conversation and all that was said in it, also from searches, until it is restored or purged.

    Errors: `not_found`, `version_stale`.
    """
    conversation = await _held(cmd, uow)
    conversation.delete(clock.now(), uow.actor.id)
    return ConversationView.of(conversation)


@use_case("conversations.restore", scope=Scope.CONVERSATIONS_WRITE, example={}, statements=5)
async def restore_conversation(cmd: WhichConversation, uow: IUnitOfWork, *, clock: IClock) -> ConversationView:
    """Bring a deleted conversation back, with everything that was said.

    Errors: `not_found`, `version_stale`, `transition_invalid` when it is not deleted.
    """
    conversation = await _held(cmd, uow, with_deleted=True)
    conversation.undelete(clock.now())
    return ConversationView.of(conversation)


async def _held(cmd: WhichConversation, uow: IUnitOfWork, *, with_deleted: bool = False) -> Conversation:
    conversation = await uow.conversations.get(cmd.id, lock=True, with_deleted=with_deleted)
    conversation.expect_version(cmd.expected_version)
    return conversation


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgedConversationView:
    """What went for good."""

    id: ConversationId
    messages: int


@use_case("conversations.purge", scope=Scope.CONVERSATIONS_PURGE, example={}, destructive=True, statements=5)
async def purge_conversation(cmd: WhichConversation, uow: IUnitOfWork) -> PurgedConversationView:
    """Erase a deleted conversation for good, with everything that was said in it and its tasks.

    Errors: `not_found`, `version_stale`, `conversation_not_deleted`, `still_referenced`.
    """
    conversation = await _held(cmd, uow, with_deleted=True)
    conversation.ensure_purgeable()
    uow.conversations.purge(conversation)
    return PurgedConversationView(id=conversation.id, messages=conversation.message_count)
