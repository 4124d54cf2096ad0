"""A conversation: what an agent, a customer and a user said to each other, in order."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.conversations.message import Draft, InvalidMessage, Message
from domain.shared.entity import SoftDeletable
from domain.shared.errors import BusinessRuleViolation, InvalidTransition
from domain.shared.events import DomainEvent
from domain.shared.ids import AgentId, ConversationId, CustomerId, MessageId, OrganizationId, UserId
from domain.shared.metadata import check_metadata
from domain.shared.text import NAME


class ConversationClosed(BusinessRuleViolation):
    """Nothing more is said in a conversation that is closed."""

    code = "conversation_closed"
    summary = "The conversation is closed; reopen it to go on."


class ConversationNotDeleted(BusinessRuleViolation):
    """Only what was deleted before can be purged."""

    code = "conversation_not_deleted"
    summary = "Delete the conversation before purging it."


class ConversationStatus(StrEnum):
    """Whether messages can be appended."""

    OPEN = "open"
    CLOSED = "closed"


@frozen(kw_only=True)
class ConversationCreatedEvent(DomainEvent):
    """A conversation began."""

    verb: ClassVar[str] = "created"
    agent_id: AgentId | None
    customer_id: CustomerId | None
    user_id: UserId | None


@frozen(kw_only=True)
class ConversationExtendedEvent(DomainEvent):
    """Messages were appended, at the positions from the first to the last."""

    verb: ClassVar[str] = "extended"
    first_position: int
    last_position: int


@frozen(kw_only=True)
class ConversationSummarizedEvent(DomainEvent):
    """The message at a position stands for those up to another one."""

    verb: ClassVar[str] = "summarized"
    position: int
    up_to: int


@frozen(kw_only=True)
class ConversationClosedEvent(DomainEvent):
    """The conversation came to its end."""

    verb: ClassVar[str] = "closed"
    message_count: int


@frozen(kw_only=True)
class ConversationReopenedEvent(DomainEvent):
    """The conversation goes on."""

    verb: ClassVar[str] = "reopened"


@define(kw_only=True, eq=False)
class Conversation(SoftDeletable):
    """A conversation, which may be an agent's, with a customer, of a user. Its messages are aggregates of their own.

    ``summary_position`` is where the latest summary is, and ``summary_up_to`` the last message it stands for.
    """

    kind: ClassVar[str] = "conversation"

    id: ConversationId
    title: str | None = None
    agent_id: AgentId | None = None
    customer_id: CustomerId | None = None
    user_id: UserId | None = None
    status: ConversationStatus = ConversationStatus.OPEN
    closed_at: datetime | None = None
    message_count: int = 0
    last_message_at: datetime | None = None
    summary_position: int | None = None
    summary_up_to: int | None = None
    metadata: dict[str, str | int | bool] = field(factory=dict)

    @property
    def unsummarized(self) -> int:
        """How many messages there are for which no summary stands, without the latest summary itself."""
        return self.message_count - (self.summary_up_to or 0) - (self.summary_position is not None)

    @classmethod
    def create(
        cls, *, id: ConversationId, organization_id: OrganizationId, title: str | None = None,
        agent_id: AgentId | None = None, customer_id: CustomerId | None = None, user_id: UserId | None = None,
        metadata: Mapping[str, object] | None = None, now: datetime,
    ) -> Self:  # fmt: skip
        """Begin a conversation.

        Raises:
            InvalidText: the title is not acceptable.
            InvalidMetadata: the metadata is not acceptable.
        """
        conversation = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, title=_title(title),
            agent_id=agent_id, customer_id=customer_id, user_id=user_id, metadata=check_metadata(metadata or {}),
        )  # fmt: skip
        created = ConversationCreatedEvent(agent_id=agent_id, customer_id=customer_id, user_id=user_id)
        conversation.record(created, now)
        return conversation

    def edit(self, now: datetime, *, title: str | None, metadata: Mapping[str, object]) -> None:
        """Describe the conversation anew.

        Raises:
            InvalidText: the title is not acceptable.
            InvalidMetadata: the metadata is not acceptable.
        """
        self.amend(now, title=_title(title), metadata=check_metadata(metadata))

    def append(self, id: MessageId, draft: Draft, now: datetime) -> Message:
        """Put a message behind the others and return it; the caller holds the conversation's row.

        Raises:
            ConversationClosed: nothing more is said.
            InvalidMessage: its parts do not fit, or a summary goes back behind the one before it.
            InvalidText, InvalidToolCall, InvalidAttachment, InvalidDocument: a part is not acceptable.
        """
        if self.status is ConversationStatus.CLOSED:
            raise ConversationClosed
        if draft.summary_up_to is not None and draft.summary_up_to < (self.summary_up_to or 0):
            raise InvalidMessage(path="summary_up_to", reason="before_the_last_summary")
        position = self.message_count + 1
        message = Message.write(
            draft, id=id, organization_id=self.organization_id, conversation_id=self.id, position=position, now=now
        )
        self.message_count, self.last_message_at = position, now
        self._extended(position, now)
        if draft.summary_up_to is not None:
            self.summary_position, self.summary_up_to = position, draft.summary_up_to
            self.record(ConversationSummarizedEvent(position=position, up_to=draft.summary_up_to), now)
        return message

    def _extended(self, position: int, now: datetime) -> None:
        """Record the new position; many messages at once are one fact."""
        last = self._events[-1] if self._events else None
        if last is not None and isinstance(last.event, ConversationExtendedEvent):
            widened = ConversationExtendedEvent(first_position=last.event.first_position, last_position=position)
            self._events[-1] = last._replace(event=widened, at=now)
            return
        self.record(ConversationExtendedEvent(first_position=position, last_position=position), now)

    def close(self, now: datetime) -> None:
        """Let nothing more be said; doing it twice changes nothing."""
        if self.status is ConversationStatus.OPEN:
            self.status, self.closed_at = ConversationStatus.CLOSED, now
            self.record(ConversationClosedEvent(message_count=self.message_count), now)

    def reopen(self, now: datetime) -> None:
        """Let it go on.

        Raises:
            InvalidTransition: it is open.
        """
        if self.status is ConversationStatus.OPEN:
            raise InvalidTransition
        self.status, self.closed_at = ConversationStatus.OPEN, None
        self.record(ConversationReopenedEvent(), now)

    def ensure_purgeable(self) -> None:
        """Refuse to erase a conversation that was not deleted before.

        Raises:
            ConversationNotDeleted: it is there for everybody to see.
        """
        if not self.is_deleted:
            raise ConversationNotDeleted


def _title(value: str | None) -> str | None:
    return None if value is None else NAME.check(value)
