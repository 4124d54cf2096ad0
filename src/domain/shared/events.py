"""Domain events: facts an aggregate records about itself, named ``subject.verb_past``.

The aggregate knows what happened; who did it, for which tenant and as a consequence of what is added
once by the unit of work, which wraps the fact in an :class:`EventEnvelope`.
"""

from datetime import datetime
from typing import ClassVar, NamedTuple
from uuid import UUID

from attrs import frozen

from domain.shared.ids import EventId, OrganizationId


@frozen(kw_only=True)
class DomainEvent:
    """Base of every fact. The published type is ``<aggregate kind>.<verb>``; a subclass's fields are its data."""

    verb: ClassVar[str]
    schema_version: ClassVar[int] = 1


@frozen(kw_only=True)
class Updated(DomainEvent):
    """Plain attributes changed; their names are listed, their values are in the audit entry."""

    verb: ClassVar[str] = "updated"
    changed: list[str]


@frozen(kw_only=True)
class Deleted(DomainEvent):
    """The aggregate is hidden or gone."""

    verb: ClassVar[str] = "deleted"


@frozen(kw_only=True)
class Restored(DomainEvent):
    """A soft delete was undone."""

    verb: ClassVar[str] = "restored"


class EventEnvelope(NamedTuple):
    """A fact with its circumstances, as it is stored in the outbox and published.

    ``payload`` is the complete published JSON text; the other fields repeat what routing needs.
    """

    event_id: EventId
    type: str
    schema_version: int
    occurred_at: datetime
    organization_id: OrganizationId
    aggregate_type: str
    aggregate_id: UUID
    aggregate_version: int
    traceparent: str | None
    payload: str
