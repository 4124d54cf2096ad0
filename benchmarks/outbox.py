"""The outbox: what an event costs its writer, how fast the relay empties it, and how soon it starts."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

import asyncpg
from confluent_kafka import Producer

from application.kernel.ports import IEventPublisher
from benchmarks import facts
from benchmarks.arena import Arena
from benchmarks.measure import compare, progress
from benchmarks.pinning import SERVER_CORE
from benchmarks.report import Figure, Row, at_least, at_most
from benchmarks.stoa import Stoa, open_stoa
from domain.shared.events import EventEnvelope
from infrastructure.events.kafka import KafkaEventPublisher
from infrastructure.persistence.database import Database
from infrastructure.workers.relay import Relay
from infrastructure.workers.wakeup import Wakeup

_EVENTS = 20_000
_DRAINS, _WAKES, _WRITES = 5, 80, 48
_FILL = f"""
INSERT INTO outbox (organization_id, event_id, type, schema_version, occurred_at, aggregate_type, aggregate_id,
    aggregate_version, traceparent, payload)
SELECT $1, uuidv7(), 'product.created', 1, now(), 'product', uuidv7(), 1, NULL, $2
FROM generate_series(1, {_EVENTS})
"""
_BROKER = """
import os, sys
from confluent_kafka import Producer
if hasattr(os, "sched_setaffinity") and int(sys.argv[1]) < (os.cpu_count() or 1):
    os.sched_setaffinity(0, {int(sys.argv[1])})
cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
[broker] = cluster.list_topics(timeout=10).brokers.values()
print(f"{broker.host}:{broker.port}", flush=True)
sys.stdin.read()
"""


async def outbox(arena: Arena) -> list[Row]:
    """Measure all three."""
    return [*await _writes(arena), *await _drains(arena), *await _wake_ups(arena)]


# -- writing -------------------------------------------------------------------------------------


async def _writes(arena: Arena) -> list[Row]:
    organization_id = arena.ground.seeded.organization_id
    series = await compare(
        "write with an event",
        {
            "raw row": partial(arena.raw.create, with_event=False),
            "raw row + event": arena.raw.create,
            "raw in one": partial(arena.raw.create, at_once=True),
            "row": lambda: arena.stoa.write_row(facts.recorded(organization_id)),
            "row + event + entry": lambda: arena.stoa.write(facts.recorded(organization_id)),
        },
        rounds=arena.scale.rounds(_WRITES),
        number=25,
    )
    return [
        Row(
            "write with 1 event + audit entry vs Stoa's row alone",
            Figure.of(series.ratio("row + event + entry", "row"), at_most(1.5)),
            micros=series.micros(),
        ),
        Row(
            "… raw, event in its own statement vs row alone",
            Figure.of(series.ratio("raw row + event", "raw row")),
        ),
        Row("… raw, event and row in one statement vs row alone", Figure.of(series.ratio("raw in one", "raw row"))),
    ]


# -- draining ------------------------------------------------------------------------------------


@contextmanager
def _broker() -> Iterator[str]:
    """Run librdkafka's mock cluster in a process of its own."""
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", _BROKER, str(SERVER_CORE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


async def _drains(arena: Arena) -> list[Row]:
    organization_id = arena.ground.seeded.organization_id
    product = facts.new_product(organization_id)
    payload = str(facts.event(product, "created", {"name": product.name, "note": "." * 60})[-1])
    relays, superuser = Database(arena.ground.relay, pool_size=2), await asyncpg.connect(arena.ground.superuser)
    with _broker() as bootstrap:
        publisher = KafkaEventPublisher(bootstrap, timeout=30)
        producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": 5})
        try:
            await superuser.execute("TRUNCATE outbox")

            async def drain() -> None:
                assert await Relay(relays, publisher).drain_once() == _EVENTS

            async def fill() -> None:
                await superuser.execute(_FILL, organization_id, payload)

            series = await compare(
                f"publish {_EVENTS:,} events of {len(payload)} bytes",
                {"raw": partial(_produce, producer, payload), "Stoa": drain},
                rounds=arena.scale.rounds(_DRAINS),
                number=1,
                before={"Stoa": fill},
            )
        finally:
            producer.close()
            await publisher.close()
            await relays.dispose()
            await superuser.close()
    rate = _EVENTS / series.micros()["Stoa"]
    progress(f"relay: {rate * 1e6:,.0f} events/s")
    share = 1 / series.ratio("Stoa", "raw").wall
    return [
        Row("relay, share of the raw producer's events/s", Figure(share, goal=at_least(0.35)), micros=series.micros())
    ]


async def _produce(producer: Producer, payload: str) -> None:
    """Hand everything over in a thread, and wait until the broker has it."""
    await asyncio.to_thread(_produce_all, producer, payload)


def _produce_all(producer: Producer, payload: str) -> None:
    value, confirmed = payload.encode(), 0

    def report(error: object, _: object) -> None:
        nonlocal confirmed
        assert error is None
        confirmed += 1

    for n in range(_EVENTS):
        producer.produce("raw.product", value, f"prod_{n}", on_delivery=report)
        if n % 1000 == 0:
            producer.poll(0)
    producer.flush(30)
    assert confirmed == _EVENTS


# -- waking up -----------------------------------------------------------------------------------


class _Watch(IEventPublisher):
    """Notes when something is published."""

    def __init__(self) -> None:
        self.seen = asyncio.Event()
        self.at = 0.0

    async def publish(self, event: EventEnvelope) -> None:
        await self.publish_batch([event])

    async def publish_batch(self, events: Sequence[EventEnvelope]) -> None:  # noqa: ARG002 - that it comes is enough
        self.at = time.perf_counter()
        self.seen.set()


async def _wake_ups(arena: Arena) -> list[Row]:
    wakeup, watch = Wakeup(), _Watch()
    relays = Database(arena.ground.relay, pool_size=2)
    organization_id = arena.ground.seeded.organization_id
    running = asyncio.create_task(Relay(relays, watch, wakeup=wakeup).run())
    try:
        async with open_stoa(arena.ground.app, organization_id, committed=wakeup.wake) as stoa:
            await asyncio.wait_for(_publish(stoa, watch), 10)
            waited = [await _publish(stoa, watch) for _ in range(arena.scale.rounds(_WAKES))]
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await relays.dispose()
    p50 = statistics.median(waited) * 1000
    progress(f"wake-up of the relay: p50 {p50:.2f} ms, worst {max(waited) * 1000:.2f} ms")
    return [Row("relay wake-up after the commit, p50 in ms", Figure(p50, goal=at_most(5)))]


async def _publish(stoa: Stoa, watch: _Watch) -> float:
    """Return the seconds from the end of a commit to the publication of its event."""
    await asyncio.sleep(0.02)
    watch.seen.clear()
    await stoa.create()
    committed = time.perf_counter()
    await watch.seen.wait()
    return max(0.0, watch.at - committed)
