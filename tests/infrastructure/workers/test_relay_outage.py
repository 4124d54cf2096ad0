"""A relay whose broker is away: what waits is seen, the broker is left alone, and nothing is lost or out of order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from domain.shared.errors import Unavailable
from domain.shared.events import EventEnvelope
from infrastructure import lifecycle
from infrastructure.events.publishers import InMemoryEventPublisher, WatchedEventPublisher
from infrastructure.observability.metrics import Metrics
from infrastructure.resilience.breaker import BreakerState
from infrastructure.resilience.breakers import Breakers
from infrastructure.workers.relay import Relay
from tests.infrastructure.workers.conftest import Bench, ended, until
from tests.infrastructure.workers.rows import rows, run


class Broker(InMemoryEventPublisher):
    """A broker that is there, hangs, or is away, and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.there = asyncio.Event()
        self.there.set()
        self.trouble: Exception | None = None
        self.asked = 0

    async def publish_batch(self, events: Sequence[EventEnvelope]) -> None:
        """Confirm a batch, sooner or later or never."""
        self.asked += 1
        await self.there.wait()
        if self.trouble is not None:
            raise self.trouble
        await super().publish_batch(events)


@asynccontextmanager
async def at_work(relay: Relay) -> AsyncIterator[None]:
    """Run a relay beside the block."""
    running = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        await ended(running)


def shown(metrics: Metrics, line: str) -> bool:
    return line in metrics.render().decode()


async def test_what_waits_for_a_broker_that_hangs_is_seen_growing(bench: Bench) -> None:
    """One batch is on its way and never confirmed; what comes after it is counted all the same."""
    broker, metrics = Broker(), Metrics()
    broker.there.clear()
    async with rows(bench.root) as transaction:
        await transaction.event(uuid4(), 1)
    async with at_work(Relay(bench.relay, broker, metrics=metrics)):
        await until(lambda: broker.asked == 1, 30)
        async with rows(bench.root) as transaction:
            for _ in range(4):
                await transaction.event(uuid4(), 1)
        await until(lambda: shown(metrics, "stoa_outbox_backlog_events 5.0"), 30)
        broker.there.set()
        await until(lambda: shown(metrics, "stoa_outbox_backlog_events 0.0"), 30)
    assert len(broker.events) == 5


async def test_a_broker_that_is_away_is_left_alone_and_then_gets_everything_in_order(bench: Bench) -> None:
    """Two failures are enough to stop asking; when it is back, one batch finds out and the others follow."""
    broker, metrics, now = Broker(), Metrics(), [0.0]
    breaker = Breakers(metrics.set_breaker).new(
        "event_broker", counts=(Unavailable,), failures=2, rest_seconds=5, monotonic=lambda: now[0]
    )
    broker.trouble = Unavailable()
    aggregate = uuid4()
    async with rows(bench.root) as transaction:
        for version in range(1, 6):
            await transaction.event(aggregate, version)
    async with at_work(Relay(bench.relay, WatchedEventPublisher(broker, breaker), metrics=metrics)):
        await until(lambda: breaker.state is BreakerState.OPEN, 30)
        await asyncio.sleep(0.5)
        assert broker.asked == 2
        assert shown(metrics, 'stoa_breaker_state{breaker="event_broker"} 2.0')
        broker.trouble, now[0] = None, 5.0
        await until(lambda: len(broker.events) == 5, 30)
        assert shown(metrics, 'stoa_breaker_state{breaker="event_broker"} 0.0')
    assert [event.aggregate_version for event in broker.events] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("trouble", [Unavailable(), ValueError("an event that cannot be read"), None], ids=repr)
async def test_a_process_that_ends_flushes_what_it_can(
    bench: Bench, trouble: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that refuses, hangs or makes the relay crash keeps no process from its end; the events stay."""
    monkeypatch.setattr(lifecycle, "_FLUSH_SECONDS", 0.2)
    broker = Broker()
    async with rows(bench.root) as transaction:
        await transaction.event(uuid4(), 1)
    if trouble is None:
        broker.there.clear()
    broker.trouble = trouble
    relay = Relay(bench.relay, broker)
    await lifecycle._flush(relay)
    assert len(await run(bench.root, "SELECT 1 FROM outbox")) == 1
    broker.there.set()
    broker.trouble = None
    monkeypatch.setattr(lifecycle, "_FLUSH_SECONDS", 30)
    await lifecycle._flush(relay)
    assert (len(broker.events), await run(bench.root, "SELECT 1 FROM outbox")) == (1, [])
