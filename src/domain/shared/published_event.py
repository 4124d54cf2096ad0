"""An event as it was published: what an organization's event log holds, and what webhooks carry."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

from attrs import frozen

from domain.shared.events import DomainEvent
from domain.shared.ids import ID_TYPES, EventId, InvalidId, OrganizationId, decode_id
from domain.shared.page import Page, PageRequest
from domain.shared.specification import Equal, Everything, GreaterOrEqual, In, LessThan, Spec


@frozen(kw_only=True)
class PublishedEvent:
    """One fact, kept as it went out. ``payload`` is the complete JSON text.

    ``position`` grows in the order in which events became visible here, so reading on behind the last one misses none.
    """

    id: EventId
    organization_id: OrganizationId
    position: int
    type: str
    schema_version: int
    aggregate_type: str
    aggregate_id: UUID
    aggregate_version: int
    occurred_at: datetime
    payload: str


@frozen(kw_only=True)
class AuditHeadSealedEvent(DomainEvent):
    """The organization's audit chain grew up to entry ``seq``, whose ``hash`` covers everything before it.

    The sealer publishes it; keep the last one where nobody who can change the database can reach it.
    """

    verb: ClassVar[str] = "sealed"
    seq: int
    hash: str


class IEventRepository(Protocol):
    """The organization's published events. Nothing is written through it: the relay alone does."""

    async def get(self, id: UUID) -> PublishedEvent:
        """Return one event.

        Raises:
            EntityNotFoundError: this tenant has none with that id.
        """
        ...

    async def get_many(self, ids: Iterable[UUID]) -> dict[UUID, PublishedEvent]:
        """Return those that exist, by id."""
        ...

    async def find(self, spec: Spec[PublishedEvent], *, sort: str, limit: int | None) -> list[PublishedEvent]:
        """Return the matches in order."""
        ...

    async def page(self, spec: Spec[PublishedEvent], request: PageRequest) -> Page[PublishedEvent]:
        """Return one keyset page.

        Raises:
            InvalidCursor: the cursor was not issued for this tenant, query and order.
        """
        ...


def events_matching(
    *,
    type_filter: str | None = None,
    aggregate_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    ids: Iterable[UUID] | None = None,
) -> Spec[PublishedEvent]:
    """Events of a type or of all that ``kind.*`` covers, about one aggregate, from ``since`` on and before ``until``.

    Raises:
        InvalidId: ``aggregate_id`` is no id of any kind.
    """
    found: Spec[PublishedEvent] = Everything()
    if type_filter is not None and type_filter != "*":
        kind, _, verb = type_filter.partition(".")
        found &= Equal("aggregate_type", kind) if verb == "*" else Equal("type", type_filter)
    if aggregate_id is not None:
        found &= Equal("aggregate_id", read_any_id(aggregate_id))
    if ids is not None:
        found &= In("id", list(ids))
    if since is not None:
        found &= GreaterOrEqual("occurred_at", since)
    return found if until is None else found & LessThan("occurred_at", until)


def read_any_id(text: str) -> UUID:
    """Return the UUID of an id of whatever kind.

    Raises:
        InvalidId: it is none.
    """
    prefix = text.partition("_")[0]
    if prefix not in ID_TYPES:
        raise InvalidId(path="aggregate_id")
    return decode_id(prefix, text)
