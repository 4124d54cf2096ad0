"""Publishers that need no broker, and the few facts every publisher takes out of an event's payload."""

from collections import deque
from collections.abc import Sequence

import msgspec
import structlog

from application.kernel.ports import IEventPublisher
from domain.shared.events import EventEnvelope
from infrastructure.observability.loggers import Outbound
from infrastructure.resilience.breaker import Breaker


class PublishedAggregate(msgspec.Struct, frozen=True, gc=False):
    """Whose event it is, by its public id."""

    id: str


class PublishedIds(msgspec.Struct, frozen=True, gc=False):
    """The public ids in a payload; everything else in it is skipped without being built."""

    event_id: str
    organization_id: str | None
    aggregate: PublishedAggregate


_decoder = msgspec.json.Decoder(PublishedIds)


def published_ids(event: EventEnvelope) -> PublishedIds:
    """Return the ids as consumers see them.

    The payload is the only place that has them: the envelope holds UUIDs, and only the writer of the payload knows
    which kind of aggregate has which prefix.
    """
    return _decoder.decode(event.payload)


class WatchedEventPublisher(IEventPublisher):
    """Another publisher, left alone while its broker keeps failing: then ``BreakerOpen`` is raised.

    Nothing is lost by that and nothing overtakes: events stay in the outbox, and the relay begins with the first again.
    """

    def __init__(self, publisher: IEventPublisher, breaker: Breaker, outbound: Outbound | None = None) -> None:
        """Watch with a breaker that counts ``Unavailable``."""
        self._publisher = publisher
        self._outbound = outbound or Outbound()
        self._breaker = breaker

    async def publish(self, event: EventEnvelope) -> None:
        with self._breaker.watch(), self._outbound.call("event_broker", "publish"):
            await self._publisher.publish(event)

    async def publish_batch(self, events: Sequence[EventEnvelope]) -> None:
        with self._breaker.watch(), self._outbound.call("event_broker", "publish"):
            await self._publisher.publish_batch(events)


class LoggingEventPublisher(IEventPublisher):
    """One line per event at info: who and what, never the data, which may be personal."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("stoa.events")

    async def publish(self, event: EventEnvelope) -> None:
        ids = published_ids(event)
        await self._log.ainfo(
            "event_published",
            event_id=ids.event_id,
            event_type=event.type,
            schema_version=event.schema_version,
            occurred_at=event.occurred_at.isoformat(),
            organization_id=ids.organization_id,
            aggregate_id=ids.aggregate.id,
            aggregate_version=event.aggregate_version,
            payload_bytes=len(event.payload.encode()),
        )

    async def publish_batch(self, events: Sequence[EventEnvelope]) -> None:
        for event in events:
            await self.publish(event)


class InMemoryEventPublisher(IEventPublisher):
    """Keeps the newest events for whoever asks; repeats are kept too, as any receiver would see them."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._events: deque[EventEnvelope] = deque(maxlen=capacity)

    @property
    def events(self) -> tuple[EventEnvelope, ...]:
        """Everything kept, oldest first."""
        return tuple(self._events)

    def of_type(self, event_type: str) -> tuple[EventEnvelope, ...]:
        """Return the kept events of one type, oldest first."""
        return tuple(event for event in self._events if event.type == event_type)

    def clear(self) -> None:
        """Forget everything."""
        self._events.clear()

    async def publish(self, event: EventEnvelope) -> None:
        self._events.append(event)

    async def publish_batch(self, events: Sequence[EventEnvelope]) -> None:
        self._events.extend(events)
