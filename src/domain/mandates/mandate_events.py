"""What happens to mandates."""

from datetime import datetime
from typing import ClassVar

from attrs import frozen

from domain.shared.events import DomainEvent
from domain.shared.ids import AgentId, MandateHoldId
from domain.shared.money import Money


@frozen(kw_only=True)
class MandateGrantedEvent(DomainEvent):
    """An agent may spend money from now on."""

    verb: ClassVar[str] = "granted"
    agent_id: AgentId
    currency: str
    granted_by: str
    expires_at: datetime | None


@frozen(kw_only=True)
class MandateLimitsUpdatedEvent(DomainEvent):
    """The agent may spend more or less than before."""

    verb: ClassVar[str] = "limits_updated"
    agent_id: AgentId


@frozen(kw_only=True)
class MandateReservedEvent(DomainEvent):
    """Money was set aside."""

    verb: ClassVar[str] = "reserved"
    hold_id: MandateHoldId
    amount: Money


@frozen(kw_only=True)
class MandateSpentEvent(DomainEvent):
    """Money that was set aside is spent."""

    verb: ClassVar[str] = "spent"
    hold_id: MandateHoldId
    amount: Money


@frozen(kw_only=True)
class MandateReleasedEvent(DomainEvent):
    """Money that was set aside is free again."""

    verb: ClassVar[str] = "released"
    hold_id: MandateHoldId
    amount: Money


@frozen(kw_only=True)
class MandateRevokedEvent(DomainEvent):
    """The agent may begin no payment any more; what is under way ends as it ends."""

    verb: ClassVar[str] = "revoked"
    agent_id: AgentId
    revoked_by: str


@frozen(kw_only=True)
class MandateExpiredEvent(DomainEvent):
    """The mandate's time is over; what is under way ends as it ends."""

    verb: ClassVar[str] = "expired"
    agent_id: AgentId
