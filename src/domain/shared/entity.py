"""Base of every aggregate root."""

import itertools
from datetime import datetime
from typing import ClassVar, NamedTuple
from uuid import UUID

from attrs import define, field

from domain.shared.errors import InvalidTransition, StaleVersion
from domain.shared.events import Deleted, DomainEvent, Restored, Updated
from domain.shared.ids import OrganizationId


class RecordedEvent(NamedTuple):
    """A fact, when it happened, the version of the aggregate it made, and its place among all facts."""

    event: DomainEvent
    at: datetime
    version: int
    order: int


# Facts of several aggregates are written and published in the order in which they happened.
_order = itertools.count()


@define(kw_only=True, eq=False)
class Entity:
    """State every root carries.

    Equality is object identity: within one unit of work the identity map holds one object per id.
    ``kind`` is the aggregate's name in events, audit entries and topics (``payment_order``).
    ``version`` counts the units of work that changed the aggregate, from 1; authors are filled by the unit of work.
    """

    kind: ClassVar[str]

    id: UUID
    organization_id: OrganizationId
    version: int = 0
    created_at: datetime
    created_by: str = ""
    updated_at: datetime
    updated_by: str = ""
    _events: list[RecordedEvent] = field(factory=list, init=False, repr=False)

    def record(self, event: DomainEvent, at: datetime) -> None:
        """Remember a fact; every change of state records one, and the first makes the next version."""
        if not self._events:
            self.version += 1
            self.updated_at = at
        self._events.append(RecordedEvent(event, at, self.version, next(_order)))

    @property
    def first_event_order(self) -> int:
        """Return the place of the first fact not yet handed over; 0 when there is none."""
        return self._events[0].order if self._events else 0

    def pull_events(self) -> list[RecordedEvent]:
        """Hand over the facts recorded since the last call."""
        events, self._events = self._events, []
        return events

    def amend(self, at: datetime, **changes: object) -> None:
        """Set plain attributes that a method has already checked, and record those that differ."""
        changed = [name for name, value in changes.items() if getattr(self, name) != value]
        for name in changed:
            setattr(self, name, changes[name])
        if changed:
            self.record(Updated(changed=changed), at)

    def expect_version(self, expected: int | None) -> None:
        """Refuse to act on another version than the caller read.

        Raises:
            StaleVersion: ``expected`` is given and differs.
        """
        if expected is not None and expected != self.version:
            raise StaleVersion


@define(kw_only=True, eq=False)
class SoftDeletable(Entity):
    """A root that is hidden before it is ever purged."""

    deleted_at: datetime | None = None
    deleted_by: str | None = None

    @property
    def is_deleted(self) -> bool:
        """Whether ordinary reads no longer find it."""
        return self.deleted_at is not None

    def delete(self, at: datetime, by: str) -> None:
        """Hide the aggregate; doing it twice changes nothing."""
        if self.deleted_at is None:
            self.deleted_at, self.deleted_by = at, by
            self.record(Deleted(), at)

    def undelete(self, at: datetime) -> None:
        """Show a hidden aggregate again.

        Raises:
            InvalidTransition: it is not deleted.
        """
        if self.deleted_at is None:
            raise InvalidTransition
        self.deleted_at = self.deleted_by = None
        self.record(Restored(), at)
