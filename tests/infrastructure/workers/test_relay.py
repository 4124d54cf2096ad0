"""The relay publishes what was committed, in order, whatever fails meanwhile."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID, uuid4

import pytest

from domain.shared.errors import Unavailable
from domain.shared.events import EventEnvelope
from infrastructure.events.publishers import InMemoryEventPublisher
from infrastructure.observability.metrics import Metrics
from infrastructure.persistence.database import Database
from infrastructure.workers import relay as relay_module
from infrastructure.workers.connection import WorkerConnection
from infrastructure.workers.relay import Relay, Row
from infrastructure.workers.wakeup import Notifier, Wakeup
from tests.infrastructure.workers.conftest import Bench, ended, until
from tests.infrastructure.workers.rows import first_occurrences, rows, run

AGGREGATES = [UUID(int=n) for n in range(1, 7)]


class FlakyPublisher(InMemoryEventPublisher):
    """Fails every other time, after it has delivered some of the batch."""

    async def publish_batch(self, events: Sequence[EventEnvelope]) -> None:
        await asyncio.sleep(0)
        if random.random() < 0.5:
            await super().publish_batch(events[: random.randint(0, len(events))])
            raise Unavailable
        await super().publish_batch(events)


async def write_some(database: Database, count: int) -> set[UUID]:
    """Change aggregates as units of work do: the row's lock first, then its event; some roll back, some are slow."""
    committed: set[UUID] = set()
    for _ in range(count):
        aggregate = random.choice(AGGREGATES)
        with suppress(InterruptedError):
            async with rows(database) as transaction:
                moved = await transaction.run(
                    f"UPDATE versions SET version = version + 1 WHERE id = '{aggregate}' RETURNING version"
                )
                event_id = await transaction.event(aggregate, int(str(moved[0][0])))
                await asyncio.sleep(random.choice([0, 0, 0.003]))
                if random.random() < 0.1:
                    raise InterruptedError
            committed.add(event_id)
    return committed


async def with_versions(database: Database) -> None:
    await run(database, "CREATE TABLE versions (id text PRIMARY KEY, version int NOT NULL)")
    for aggregate in AGGREGATES:
        await run(database, f"INSERT INTO versions VALUES ('{aggregate}', 0)")


async def outbox_size(database: Database) -> int:
    return int(str((await run(database, "SELECT count(*) FROM outbox"))[0][0]))


async def drained(relay: Relay) -> None:
    """Drain through failures of the publisher."""
    while True:
        try:
            await relay.drain_once()
        except Unavailable:
            continue
        return


async def test_everything_committed_is_published_in_order_through_restarts_and_failures(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight writers, a publisher that fails at random and a relay restarted all the time: no event lost or inverted."""
    monkeypatch.setattr(relay_module, "BATCH", 7)
    await with_versions(bench.root)
    publisher = FlakyPublisher()
    writers = asyncio.gather(*(write_some(bench.root, 40) for _ in range(8)))
    restarts = 0
    while not writers.done() or restarts < 5:
        running = asyncio.create_task(Relay(bench.relay, publisher).run())
        await asyncio.sleep(random.uniform(0.005, 0.06))
        await ended(running)
        restarts += 1
    committed = set[UUID]().union(*await writers)
    await drained(Relay(bench.relay, publisher))
    assert {event.event_id for event in publisher.events} == committed
    assert all(versions == sorted(versions) for versions in first_occurrences(publisher.events).values())
    assert await outbox_size(bench.root) == 0


class HookedRelay(Relay):
    """Lets a test act between two reads of one pass."""

    between = asyncio.Event()
    reached = asyncio.Event()

    async def _publish_meanwhile(
        self, connection: WorkerConnection, batch: Sequence[Row], confirmed: Sequence[Row]
    ) -> Sequence[Row]:
        self.reached.set()
        await self.between.wait()
        return await super()._publish_meanwhile(connection, batch, confirmed)


@pytest.mark.parametrize("batch", [4, 1000])
async def test_a_late_commit_is_neither_overtaken_nor_lost(
    pg_bench: Bench, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """A row that commits behind the batch under way is published before its aggregate's next one.

    A full batch, which is half of what may be under way, is followed by reading ahead; a short one only by its move.
    """
    monkeypatch.setattr(relay_module, "BATCH", batch)
    late, other = uuid4(), uuid4()
    publisher = InMemoryEventPublisher()
    relay = HookedRelay(pg_bench.relay, publisher)
    relay.between, relay.reached = asyncio.Event(), asyncio.Event()
    async with rows(pg_bench.root) as slow:
        await slow.event(late, 1)
        async with rows(pg_bench.root) as quick:
            await quick.event(other, 1)
            await quick.event(other, 2)
        draining = asyncio.create_task(relay.drain_once())
        await relay.reached.wait()
    async with rows(pg_bench.root) as next_one:
        await next_one.event(late, 2)
    relay.between.set()
    assert await draining == 4
    assert [event.aggregate_id for event in publisher.events[:2]] == [other, other]
    assert first_occurrences(publisher.events)[late] == [1, 2]


async def test_a_failed_batch_stays_and_comes_again(bench: Bench) -> None:
    """What the publisher did not confirm is still in the outbox, and the failure is counted."""

    class DeadPublisher(InMemoryEventPublisher):
        async def publish_batch(self, events: Sequence[EventEnvelope]) -> None:
            raise Unavailable

    async with rows(bench.root) as transaction:
        await transaction.event(uuid4(), 1)
    metrics = Metrics()
    with pytest.raises(Unavailable):
        await Relay(bench.relay, DeadPublisher(), metrics=metrics).drain_once()
    assert "stoa_outbox_publish_failures_total 1.0" in metrics.render().decode()
    assert await outbox_size(bench.root) == 1
    healthy = Relay(bench.relay, InMemoryEventPublisher(), metrics=metrics)
    assert (await healthy.drain_once(), healthy.published) == (1, 1)
    assert "stoa_outbox_backlog_events 0.0" in metrics.render().decode()


async def test_of_two_relays_one_is_active_and_the_other_takes_over(pg_bench: Bench) -> None:
    """The standby publishes nothing until the leader's session is gone."""
    publishers = [InMemoryEventPublisher(), InMemoryEventPublisher()]
    relays = [Relay(pg_bench.relay, publisher) for publisher in publishers]
    first = asyncio.create_task(relays[0].run())
    await until(lambda: relays[0].leading)
    second = asyncio.create_task(relays[1].run())
    async with rows(pg_bench.root) as transaction:
        await transaction.event(uuid4(), 1)
    await until(lambda: len(publishers[0].events) == 1)
    assert await Relay(pg_bench.relay, publishers[1]).drain_once() == 0
    assert (relays[1].leading, publishers[1].events) == (False, ())
    await ended(first)
    await until(lambda: relays[1].leading)
    await ended(second)


async def test_a_cut_connection_is_replaced(pg_bench: Bench) -> None:
    """A relay whose backend is terminated leads again and goes on publishing."""
    publisher, wakeup = InMemoryEventPublisher(), Wakeup()
    relay = Relay(pg_bench.relay, publisher, wakeup=wakeup)
    running = asyncio.create_task(relay.run())
    await until(lambda: relay.leading)
    await run(pg_bench.root, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'stoa_relay'")
    async with rows(pg_bench.root) as transaction:
        await transaction.event(uuid4(), 1)
    wakeup.wake()
    await until(lambda: len(publisher.events) > 0)
    # Cut between publishing and noting it, the event is published again: once at least, and never lost.
    await relay.drain_once()
    assert (len({event.event_id for event in publisher.events}), await outbox_size(pg_bench.root)) == (1, 0)
    await ended(running)


async def test_commits_of_other_processes_wake_the_relay(pg_bench: Bench) -> None:
    """A notification travels from a process without workers to the one with the relay well before the poll."""
    publisher, elsewhere, here = InMemoryEventPublisher(), Wakeup(), Wakeup()
    relay = Relay(pg_bench.relay, publisher, wakeup=here)
    tasks = [asyncio.create_task(Notifier(pg_bench.sealer, elsewhere).run()), asyncio.create_task(relay.run())]
    await until(lambda: relay.leading)
    await asyncio.sleep(0.05)
    for version in range(1, 4):
        async with rows(pg_bench.root) as transaction:
            await transaction.event(AGGREGATES[0], version)
        elsewhere.wake()
        await until(lambda version=version: len(publisher.events) == version, 0.5)  # type: ignore[misc]  # reason: a default binds the loop variable
    for task in tasks:
        await ended(task)
