"""The event broker goes away under writes: they go on, and once back it gets everything, each product in order."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import quantiles
from time import perf_counter

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from application.kernel.actor import Actor
from domain.shared.errors import StoaError
from infrastructure.events.kafka import KafkaEventPublisher
from infrastructure.events.publishers import WatchedEventPublisher
from infrastructure.observability.metrics import Metrics
from infrastructure.outside import broker_breaker
from infrastructure.resilience.breakers import Breakers
from infrastructure.workers.relay import Relay
from tests.faults.processes import crowd
from tests.faults.writers import at_work, drained, superuser
from tests.infrastructure.events.test_kafka import Broker
from tests.support.databases import TestDatabases
from tests.support.stack import Stack, open_stack

TOPIC = "stoa.events.product"
EDITORS = 4
AGGREGATES = 20
WRITES_OF_OUTAGE, WRITES_A_SECOND = 60, 50
OUTAGE_AT_FULL_LENGTH, AT_FULL_LENGTH_A_SECOND = 60.0, 200
DRAINS_WITHIN = 60.0
PATIENCE = 4.0
"""Seconds for a batch; a producer that is made anew has to connect in them, beside everything else that runs here."""

_NOTHING_FAILED = "stoa_outbox_publish_failures_total 0.0"


@dataclass
class Editors:
    """Tasks that each change products of their own at a steady rate, and know how long every write took."""

    stack: Stack
    actor: Actor
    pause: float
    committed: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stopping: bool = False

    async def prepare(self) -> None:
        """Make the products."""
        for _ in range(AGGREGATES):
            made = await self.stack.run(
                "products.create", self.actor, name="Beans", sku=None, description="", metadata={}
            )
            self.committed[str(made["id"])] = 1

    def stop(self) -> None:
        """Begin nothing new."""
        self.stopping = True

    async def edit(self, number: int) -> None:
        """Change every fourth product, one after the other."""
        mine = list(self.committed)[number::EDITORS]
        while not self.stopping:
            for id in mine:
                began = perf_counter()
                try:
                    await self.stack.run(
                        "products.update", self.actor, id=id, expected_version=self.committed[id],
                        name=f"Beans {self.committed[id]}",
                    )  # fmt: skip
                except StoaError as error:
                    self.failures.append(error.code)
                    return
                self.committed[id] += 1
                self.seconds.append(perf_counter() - began)
                await asyncio.sleep(self.pause)

    async def further(self, writes: int, *, within: float) -> list[float]:
        """Wait for so many more writes and return how long each took."""
        before = len(self.seconds)
        async with asyncio.timeout(within):
            while len(self.seconds) < before + writes:
                assert not self.failures
                await asyncio.sleep(0.01)
        return self.seconds[before:]


@pytest.fixture
async def stack(test_databases: TestDatabases) -> AsyncIterator[Stack]:
    """Return the core on a database of this test's own, where nobody else publishes."""
    async with open_stack(test_databases.postgres()) as opened:
        yield opened


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A broker of the test's own."""
    broker = Broker()
    yield broker
    broker.stop()


@asynccontextmanager
async def relaying(stack: Stack, broker: Broker) -> AsyncIterator[Metrics]:
    """Run a relay to the broker as the container makes it, but for a shorter patience."""
    metrics = Metrics()
    kafka = KafkaEventPublisher(broker.bootstrap, timeout=PATIENCE)
    watched = WatchedEventPublisher(kafka, broker_breaker(Breakers(metrics.set_breaker)))
    running = asyncio.create_task(Relay(stack.relay_database, watched, metrics=metrics).run())
    try:
        yield metrics
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await kafka.close()


async def test_writes_go_on_without_a_broker_and_it_gets_all_of_them_afterwards(
    stack: Stack, broker: Broker, pytestconfig: pytest.Config
) -> None:
    """A frozen broker fails no write; thawed, it has every version of every product, none before an earlier one."""
    long = pytestconfig.getoption("--faults")
    rate = AT_FULL_LENGTH_A_SECOND if long else WRITES_A_SECOND
    writes = int(OUTAGE_AT_FULL_LENGTH * rate) if long else WRITES_OF_OUTAGE
    editors = Editors(stack, await stack.organization(), pause=EDITORS / rate)
    await editors.prepare()
    async with relaying(stack, broker) as metrics:
        await drained(stack, within=DRAINS_WITHIN)
        async with at_work((editors.edit(number) for number in range(EDITORS)), editors.stop):
            before = await editors.further(writes // 3, within=300)
            broker.freeze()
            try:
                during = await editors.further(writes, within=900)
                async with asyncio.timeout(60):
                    while _NOTHING_FAILED in metrics.render().decode():  # noqa: ASYNC110 - metrics have no bell
                        await asyncio.sleep(0.05)
                waiting = await _waiting(stack)
                assert waiting > writes // 2, "the outage was none"
            finally:
                broker.thaw()
            began = perf_counter()
            if long:
                # The writes go on, so that draining is faster than they are.
                while await _waiting(stack) > rate:  # noqa: ASYNC110 - the database has no bell
                    await asyncio.sleep(0.1)
        await drained(stack, within=DRAINS_WITHIN * crowd())
        drain = perf_counter() - began
        assert 'breaker="event_broker"} 0.0' in metrics.render().decode()
    assert editors.failures == []
    found = await asyncio.to_thread(_arrived, broker, editors.committed)
    print(  # noqa: T201 - the figures of the run, seen with -rP
        f"{sum(editors.committed.values())} versions committed; p99 of writes {_p99(before) * 1000:.1f} ms before, "
        f"{_p99(during) * 1000:.1f} ms during the outage of {len(during)} writes; {waiting} waited and were "
        f"drained in {drain:.1f} s, {waiting / drain:.0f}/s"
    )
    assert {id: len(versions) for id, versions in found.items()} == editors.committed
    assert all(later == earlier + 1 for versions in found.values() for earlier, later in pairwise(versions))


async def _waiting(stack: Stack) -> int:
    async with superuser(stack) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM outbox"))


def _p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98]


def _arrived(broker: Broker, committed: dict[str, int]) -> dict[str, list[int]]:
    """Return the first occurrences of every product's versions, in the order in which a consumer sees them."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "unused", "fetch.wait.max.ms": 20})
    found: dict[str, dict[int, None]] = {id: {} for id in committed}
    try:
        partitions = consumer.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
        consumer.assign([TopicPartition(TOPIC, partition, OFFSET_BEGINNING) for partition in partitions])
        deadline = perf_counter() + 30 * crowd()
        while sum(map(len, found.values())) < sum(committed.values()) and perf_counter() < deadline:
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                aggregate = json.loads(message.value() or b"")["aggregate"]
                found[aggregate["id"]][aggregate["version"]] = None
    finally:
        consumer.close()
    return {id: list(versions) for id, versions in found.items()}
