"""A tool: something outside of Stoa that agents may call, with what it takes, costs and how it is doing."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.agents.labels import check_capabilities, check_category
from domain.agents.parameters import check_parameters
from domain.shared.entity import Entity
from domain.shared.errors import BusinessRuleViolation, InvalidTransition, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, ToolId
from domain.shared.metadata import check_metadata
from domain.shared.money import Money
from domain.shared.text import DESCRIPTION, NAME, TextRule

HEALTH_NOTE = TextRule(max_length=500, markup=True, multiline=True)


class ToolAvailability(StrEnum):
    """How a tool is doing: it answers, answers badly, or does not answer and is not to be called."""

    AVAILABLE = "available"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"


class ToolUnavailable(BusinessRuleViolation):
    """Nobody can call the tool now, or ever again."""

    code = "tool_unavailable"
    summary = "The tool is unavailable or retired."


class NegativeCost(ValidationError):
    """A call costs nothing or something."""

    code = "cost_negative"
    summary = "A cost is not negative."


@frozen(kw_only=True)
class ToolCreatedEvent(DomainEvent):
    """There is a new tool, which agents use once it is granted to them."""

    verb: ClassVar[str] = "created"
    name: str
    category: str


@frozen(kw_only=True)
class ToolAvailabilitySetEvent(DomainEvent):
    """Somebody looked how the tool is doing, whether or not that changed."""

    verb: ClassVar[str] = "availability_set"
    availability: ToolAvailability
    previous: ToolAvailability


@frozen(kw_only=True)
class ToolRetiredEvent(DomainEvent):
    """The tool is gone for good, though its calls stay counted."""

    verb: ClassVar[str] = "retired"


@define(kw_only=True, eq=False)
class Tool(Entity):
    """Something that agents may call.

    ``parameters`` is a JSON Schema of what it takes, ``cost`` what one call costs unless its caller says otherwise.
    ``last_checked_at`` and ``health_note`` say when somebody looked how it is doing and what they found.
    """

    kind: ClassVar[str] = "tool"

    id: ToolId
    name: str
    category: str
    description: str
    parameters: dict[str, object]
    capabilities: tuple[str, ...]
    cost: Money | None
    availability: ToolAvailability = ToolAvailability.AVAILABLE
    last_checked_at: datetime | None = None
    health_note: str | None = None
    retired_at: datetime | None = None
    metadata: dict[str, str | int | bool] = field(factory=dict)

    @classmethod
    def create(
        cls, *, id: ToolId, organization_id: OrganizationId, name: str, category: str, description: str = "",
        parameters: Mapping[str, object] | None = None, capabilities: Collection[str] = (), cost: Money | None = None,
        metadata: Mapping[str, object] | None = None, now: datetime,
    ) -> Self:  # fmt: skip
        """Make a tool known, as available.

        Raises:
            InvalidText: name, category or description is not acceptable.
            InvalidDocument, InvalidParameters: the parameters are no JSON Schema of an object.
            InvalidCapability, TooManyCapabilities: the capabilities are not acceptable.
            NegativeCost: the cost is below zero.
            InvalidMetadata: the metadata is not acceptable.
        """
        tool = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            name=NAME.check(name),
            category=check_category(category),
            description=DESCRIPTION.check(description),
            parameters=check_parameters(parameters or {}),
            capabilities=check_capabilities(capabilities),
            cost=check_cost(cost),
            metadata=check_metadata(metadata or {}),
        )
        tool.record(ToolCreatedEvent(name=tool.name, category=tool.category), now)
        return tool

    def edit(
        self, now: datetime, *, name: str, category: str, description: str, parameters: Mapping[str, object],
        capabilities: Collection[str], cost: Money | None, metadata: Mapping[str, object],
    ) -> None:  # fmt: skip
        """Describe the tool anew; the errors are those of :meth:`create`.

        Raises:
            InvalidTransition: the tool is retired.
        """
        self._refuse_change()
        self.amend(
            now,
            name=NAME.check(name),
            category=check_category(category),
            description=DESCRIPTION.check(description),
            parameters=check_parameters(parameters),
            capabilities=check_capabilities(capabilities),
            cost=check_cost(cost),
            metadata=check_metadata(metadata),
        )

    def set_availability(self, availability: ToolAvailability, note: str | None, now: datetime) -> None:
        """Say how the tool is doing, as somebody found it just now.

        Raises:
            InvalidTransition: the tool is retired.
            InvalidText: the note is not acceptable.
        """
        self._refuse_change()
        self.health_note = None if note is None else HEALTH_NOTE.check(note)
        previous, self.availability, self.last_checked_at = self.availability, availability, now
        self.record(ToolAvailabilitySetEvent(availability=availability, previous=previous), now)

    def retire(self, now: datetime) -> None:
        """Let nobody call or be granted the tool any more; doing it twice changes nothing."""
        if self.retired_at is None:
            self.retired_at, self.availability = now, ToolAvailability.UNAVAILABLE
            self.record(ToolRetiredEvent(), now)

    def refuse_unavailable(self) -> None:
        """Let the tool be called.

        Raises:
            ToolUnavailable: it is unavailable or retired.
        """
        if self.availability is ToolAvailability.UNAVAILABLE:
            raise ToolUnavailable

    def refuse_retired(self) -> None:
        """Let the tool be granted, also while it is unavailable.

        Raises:
            ToolUnavailable: it is retired.
        """
        if self.retired_at is not None:
            raise ToolUnavailable

    def _refuse_change(self) -> None:
        if self.retired_at is not None:
            raise InvalidTransition


def check_cost(cost: Money | None) -> Money | None:
    """Return what a call costs.

    Raises:
        NegativeCost: it is below zero.
    """
    if cost is not None and cost.is_negative:
        raise NegativeCost(path="cost")
    return cost
