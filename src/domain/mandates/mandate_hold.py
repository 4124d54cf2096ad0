"""A hold: part of a mandate set aside for one payment or one use of a tool, until it is spent or given back."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from attrs import define, frozen

from domain.shared.entity import Entity
from domain.shared.events import DomainEvent
from domain.shared.ids import AgentId, MandateHoldId, MandateId, PaymentOrderId, ToolUsageId
from domain.shared.money import Money

ROLLING = timedelta(days=30)


class HoldStatus(StrEnum):
    """What became of the money that was set aside."""

    RESERVED = "reserved"
    COMMITTED = "committed"
    RELEASED = "released"


class HoldPurpose(StrEnum):
    """What the money is for."""

    PAYMENT = "payment"
    TOOL = "tool"


@frozen(kw_only=True)
class MandateHoldReservedEvent(DomainEvent):
    """Money of a mandate was set aside; ``waiting`` for a person's approval, or being collected already."""

    verb: ClassVar[str] = "reserved"
    mandate_id: MandateId
    agent_id: AgentId
    amount: Money
    waiting: bool


@frozen(kw_only=True)
class MandateHoldBegunEvent(DomainEvent):
    """A person approved; from now on it counts in the windows of this moment."""

    verb: ClassVar[str] = "begun"
    mandate_id: MandateId


@frozen(kw_only=True)
class MandateHoldCommittedEvent(DomainEvent):
    """The money is spent."""

    verb: ClassVar[str] = "committed"
    mandate_id: MandateId
    amount: Money


@frozen(kw_only=True)
class MandateHoldReleasedEvent(DomainEvent):
    """The money was not spent and is free again."""

    verb: ClassVar[str] = "released"
    mandate_id: MandateId
    amount: Money


@define(kw_only=True, eq=False)
class MandateHold(Entity):
    """Money of one mandate. Only the mandate moves it, so that its counters are always the sums of its holds.

    ``counted_at`` is the moment that windows count it at; without one it waits for approval, and counts in all of them.
    """

    kind: ClassVar[str] = "mandate_hold"

    id: MandateHoldId
    mandate_id: MandateId
    agent_id: AgentId
    purpose: HoldPurpose
    payment_order_id: PaymentOrderId | None = None
    tool_usage_id: ToolUsageId | None = None
    amount: Money
    status: HoldStatus = HoldStatus.RESERVED
    counted_at: datetime | None = None
    committed_at: datetime | None = None
    released_at: datetime | None = None

    @property
    def waiting(self) -> bool:
        """Whether a person has to approve first."""
        return self.status is HoldStatus.RESERVED and self.counted_at is None


@frozen(kw_only=True)
class Windows:
    """What was spent and is reserved, in minor units: on this day (UTC), and within the last thirty days."""

    day_minor: int
    rolling_minor: int


def day_start(now: datetime) -> datetime:
    """Return when the day began, in UTC, wherever the clock stands."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def rolling_start(now: datetime) -> datetime:
    """Return the moment after which something was spent within the last thirty days."""
    return now - ROLLING
