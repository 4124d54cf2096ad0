"""An agent: a program outside of Stoa that works for the organization, whatever language and model it is made of."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.agents.labels import check_capabilities, check_role
from domain.shared.documents import check_document, merge_patch, same_document
from domain.shared.entity import Entity
from domain.shared.errors import Forbidden, InvalidTransition
from domain.shared.events import DomainEvent
from domain.shared.ids import AgentId, OrganizationId
from domain.shared.metadata import check_metadata
from domain.shared.text import DESCRIPTION, NAME


class AgentType(StrEnum):
    """What an agent mainly does: talk with people, do tasks, hand tasks to others, check results, or buy."""

    ASSISTANT = "assistant"
    WORKER = "worker"
    COORDINATOR = "coordinator"
    REVIEWER = "reviewer"
    BUYER = "buyer"


class AgentStatus(StrEnum):
    """Where an agent is in its life: only an active one is given work, and a retired one never comes back."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    RETIRED = "retired"


class AgentPaused(Forbidden):
    """The agent was stopped until further notice, and its keys with it."""

    code = "agent_paused"
    summary = "The agent is paused."


class AgentRetired(Forbidden):
    """The agent does nothing any more, and its keys open nothing."""

    code = "agent_retired"
    summary = "The agent is retired."


@frozen(kw_only=True)
class AgentCreatedEvent(DomainEvent):
    """There is a new agent, which is given no work before it is activated."""

    verb: ClassVar[str] = "created"
    name: str
    type: AgentType


@frozen(kw_only=True)
class AgentActivatedEvent(DomainEvent):
    """The agent may be given work."""

    verb: ClassVar[str] = "activated"


@frozen(kw_only=True)
class AgentPausedEvent(DomainEvent):
    """The agent is given no work, and its keys open nothing until it is activated again."""

    verb: ClassVar[str] = "paused"


@frozen(kw_only=True)
class AgentRetiredEvent(DomainEvent):
    """The agent is gone for good, though everything it did stays."""

    verb: ClassVar[str] = "retired"


@frozen(kw_only=True)
class AgentStateUpdatedEvent(DomainEvent):
    """What the agent remembers changed; it is read from the agent itself."""

    verb: ClassVar[str] = "state_updated"


@define(kw_only=True, eq=False)
class Agent(Entity):
    """A worker that is a program.

    ``configuration`` is what people tell the agent to be like, ``state`` what the agent itself remembers from one
    run to the next. Neither means anything to Stoa.
    """

    kind: ClassVar[str] = "agent"

    id: AgentId
    name: str
    type: AgentType
    role: str | None
    description: str
    capabilities: tuple[str, ...]
    configuration: dict[str, object]
    state: dict[str, object] = field(factory=dict)
    status: AgentStatus = AgentStatus.DRAFT
    metadata: dict[str, str | int | bool] = field(factory=dict)

    @classmethod
    def create(
        cls, *, id: AgentId, organization_id: OrganizationId, name: str, type: AgentType, role: str | None = None,
        description: str = "", capabilities: Collection[str] = (), configuration: Mapping[str, object] | None = None,
        metadata: Mapping[str, object] | None = None, now: datetime,
    ) -> Self:  # fmt: skip
        """Make an agent known, as a draft.

        Raises:
            InvalidText: name, role or description is not acceptable.
            InvalidCapability, TooManyCapabilities: the capabilities are not acceptable.
            InvalidDocument: the configuration is not acceptable.
            InvalidMetadata: the metadata is not acceptable.
        """
        agent = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            name=NAME.check(name),
            type=type,
            role=_role(role),
            description=DESCRIPTION.check(description),
            capabilities=check_capabilities(capabilities),
            configuration=check_document(configuration or {}),
            metadata=check_metadata(metadata or {}),
        )
        agent.record(AgentCreatedEvent(name=agent.name, type=agent.type), now)
        return agent

    def edit(
        self, now: datetime, *, name: str, type: AgentType, role: str | None, description: str,
        capabilities: Collection[str], configuration: Mapping[str, object], metadata: Mapping[str, object],
    ) -> None:  # fmt: skip
        """Describe the agent anew; the errors are those of :meth:`create`.

        Raises:
            InvalidTransition: the agent is retired.
        """
        self.refuse_retired()
        self.amend(
            now,
            name=NAME.check(name),
            type=type,
            role=_role(role),
            description=DESCRIPTION.check(description),
            capabilities=check_capabilities(capabilities),
            configuration=check_document(configuration),
            metadata=check_metadata(metadata),
        )

    def activate(self, now: datetime) -> None:
        """Let the agent be given work; doing it twice changes nothing.

        Raises:
            InvalidTransition: the agent is retired.
        """
        self.refuse_retired()
        if self.status is not AgentStatus.ACTIVE:
            self.status = AgentStatus.ACTIVE
            self.record(AgentActivatedEvent(), now)

    def pause(self, now: datetime) -> None:
        """Stop the agent and its keys until it is activated again; doing it twice changes nothing.

        Raises:
            InvalidTransition: the agent is retired.
        """
        self.refuse_retired()
        if self.status is not AgentStatus.PAUSED:
            self.status = AgentStatus.PAUSED
            self.record(AgentPausedEvent(), now)

    def retire(self, now: datetime) -> None:
        """Stop the agent for good; doing it twice changes nothing. Its keys are revoked by the use-case."""
        if self.status is not AgentStatus.RETIRED:
            self.status = AgentStatus.RETIRED
            self.record(AgentRetiredEvent(), now)

    def update_state(self, patch: Mapping[str, object], now: datetime) -> None:
        """Apply a merge patch (RFC 7396) to what the agent remembers; a patch that changes nothing is no change.

        Raises:
            InvalidTransition: the agent is retired.
            InvalidDocument: the patch, or the state with it, is not acceptable.
        """
        self.refuse_retired()
        state = merge_patch(self.state, patch)
        if not same_document(state, self.state):
            self.state = state
            self.record(AgentStateUpdatedEvent(), now)

    def refuse_retired(self) -> None:
        """Let the agent be changed, or be given something.

        Raises:
            InvalidTransition: the agent is retired.
        """
        if self.status is AgentStatus.RETIRED:
            raise InvalidTransition


def refuse_stopped(status: AgentStatus) -> None:
    """Refuse what a paused or retired agent's key asks for, where the whole aggregate is not at hand.

    Raises:
        AgentPaused: the agent is paused.
        AgentRetired: the agent is retired.
    """
    if status is AgentStatus.PAUSED:
        raise AgentPaused
    if status is AgentStatus.RETIRED:
        raise AgentRetired


def _role(value: str | None) -> str | None:
    return None if value is None else check_role(value)
