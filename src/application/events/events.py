"""The organization's published events: listed, read, and sent to a webhook endpoint again."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.events.filters import known_filter
from application.kernel.actor import Scope
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import EventId, WebhookEndpointId
from domain.shared.published_event import PublishedEvent, events_matching

MOST_REPLAYED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSubjectView:
    """What an event is about: the kind of aggregate, its id, and the version that the event made."""

    type: str
    id: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """A published event. Its schema is at `/v1/events/schemas/{type}`; `causation_id` is the event that led to it."""

    id: EventId
    type: str
    schema_version: int
    occurred_at: datetime
    actor: str
    aggregate: EventSubjectView
    correlation_id: str
    causation_id: str | None
    data: dict[str, object]

    @classmethod
    def of(cls, event: PublishedEvent) -> "EventView":
        """Show an event as it went out."""
        published = json.loads(event.payload)
        return cls(
            id=event.id,
            type=event.type,
            schema_version=event.schema_version,
            occurred_at=event.occurred_at,
            actor=published["actor"],
            aggregate=EventSubjectView(**published["aggregate"]),
            correlation_id=published["correlation_id"],
            causation_id=published["causation_id"],
            data=published["data"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEvents(PageQuery):
    """Which events: `type` is one type or all of a kind (`payment_order.*`), `aggregate_id` any resource's id.

    `occurred_from` belongs to the range, `occurred_before` does not. In the order of `position`, in which events
    became visible, a reader that goes on behind its cursor misses none.
    """

    type: Annotated[str, Len(1, 80)] | None = None
    aggregate_id: Annotated[str, Len(1, 40)] | None = None
    occurred_from: datetime | None = None
    occurred_before: datetime | None = None
    sort: Literal["position", "-position"] = "-position"


@use_case(
    "events.list",
    scope=Scope.EVENTS_READ,
    example={"limit": 20, "type": "payment_order.*"},
    read_only=True,
    statements=2,
)
async def list_events(cmd: ListEvents, uow: IUnitOfWork) -> ListView[EventView]:
    """List what happened in the organization, newest first; an event stays for 30 days unless set otherwise.

    Errors: `event_filter_invalid`, `id_invalid`.
    """
    wanted = events_matching(
        type_filter=None if cmd.type is None else known_filter(cmd.type, path="type"),
        aggregate_id=cmd.aggregate_id,
        since=cmd.occurred_from,
        until=cmd.occurred_before,
    )
    return ListView.of(await uow.events.page(wanted, cmd.request(cmd.sort)), EventView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetEvent:
    """Which event."""

    id: EventId


@use_case("events.get", scope=Scope.EVENTS_READ, example={}, read_only=True, statements=1)
async def get_event(cmd: GetEvent, uow: IUnitOfWork) -> EventView:
    """Return one event.

    Errors: `not_found`.
    """
    return EventView.of(await uow.events.get(cmd.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayEvents:
    """Where to, and which: by id, or by type and time, the oldest ones first."""

    endpoint_id: WebhookEndpointId
    event_ids: Annotated[list[EventId], Len(1, MOST_REPLAYED)] | None = None
    type: Annotated[str, Len(1, 80)] | None = None
    occurred_from: datetime | None = None
    occurred_before: datetime | None = None
    limit: Annotated[int, Interval(ge=1, le=MOST_REPLAYED)] = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayView:
    """How many events will be sent again; `more` says that the selection has others behind `last_occurred_at`."""

    endpoint_id: WebhookEndpointId
    events: int
    more: bool
    last_occurred_at: datetime | None


@use_case(
    "events.replay",
    scope=Scope.EVENTS_WRITE,
    example={"type": "payment_order.*", "occurred_from": "2026-01-01T00:00:00Z", "limit": 100},
    statements=7,
)
async def replay_events(cmd: ReplayEvents, uow: IUnitOfWork, *, clock: IClock) -> ReplayView:
    """Send past events to one webhook endpoint again, whatever its filters say and whether or not it had them.

    Each keeps its `webhook-id`, so that a receiver who has it already can tell.

    Errors: `not_found`, `webhook_endpoint_disabled`, `event_filter_invalid`.
    """
    endpoint = await uow.webhook_endpoints.get(cmd.endpoint_id, lock=True)
    found = await _selected(cmd, uow)
    events, now = found[: cmd.limit], clock.now()
    endpoint.replay(len(events), now)
    await uow.webhook_deliveries.enqueue(endpoint.id, events, now)
    return ReplayView(
        endpoint_id=endpoint.id,
        events=len(events),
        more=len(found) > len(events),
        last_occurred_at=events[-1].occurred_at if events else None,
    )


async def _selected(cmd: ReplayEvents, uow: IUnitOfWork) -> list[PublishedEvent]:
    """Return one event more than the limit if there is one; every id that is named has to exist."""
    if cmd.event_ids is not None and not set(cmd.event_ids) <= (await uow.events.get_many(cmd.event_ids)).keys():
        raise EntityNotFoundError
    wanted = events_matching(
        type_filter=None if cmd.type is None else known_filter(cmd.type, path="type"),
        since=cmd.occurred_from,
        until=cmd.occurred_before,
        ids=cmd.event_ids,
    )
    return await uow.events.find(wanted, sort="position", limit=cmd.limit + 1)
