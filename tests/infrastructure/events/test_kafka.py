"""The Kafka publisher against librdkafka's own mock broker, in a process that can be frozen."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from domain.shared.errors import Unavailable
from infrastructure.events.kafka import BrokerUnavailable, KafkaEventPublisher, PublishFailed
from tests.infrastructure.events.sample import an_event

BROKER = """
import sys
from confluent_kafka import Producer
cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
[broker] = cluster.list_topics(timeout=10).brokers.values()
print(f"{broker.host}:{broker.port}", flush=True)
sys.stdin.read()
"""


def _is_stopped(thread: Path) -> bool:
    return (thread / "stat").read_text().rpartition(") ")[2][0] == "T"


class Broker:
    """A one-node cluster in a child process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", BROKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self.bootstrap = self._process.stdout.readline().strip()

    def freeze(self) -> None:
        """Let connections stand and nothing be answered."""
        os.kill(self._process.pid, signal.SIGSTOP)
        # On a busy machine a thread can answer for some milliseconds after the signal was sent.
        threads = list(Path(f"/proc/{self._process.pid}/task").iterdir())
        while not all(_is_stopped(thread) for thread in threads):
            time.sleep(0.001)

    def thaw(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def read(self, topic: str, count: int) -> list[Message]:
        """The first messages of a topic, those of one partition in order."""
        # Assigned by hand: joining a group takes seconds.
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "unused", "fetch.wait.max.ms": 20})
        try:
            partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
            messages: list[Message] = []
            deadline = time.monotonic() + 10
            while len(messages) < count and time.monotonic() < deadline:
                message = consumer.poll(0.1)
                if message is not None and message.error() is None:
                    messages.append(message)
            return messages
        finally:
            consumer.close()


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One broker for the module; whoever freezes it also thaws it."""
    broker = Broker()
    yield broker
    broker.stop()


@pytest.fixture
async def publisher(broker: Broker) -> AsyncIterator[KafkaEventPublisher]:
    publisher = KafkaEventPublisher(broker.bootstrap, timeout=12)
    yield publisher
    await publisher.close()


def versions(messages: list[Message]) -> list[int]:
    return [json.loads(message.value() or b"")["aggregate"]["version"] for message in messages]


async def test_an_event_arrives_with_topic_key_and_headers(broker: Broker, publisher: KafkaEventPublisher) -> None:
    """Consumers route, deduplicate and trace without opening the value."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    event = an_event(3, aggregate_type="headers", traceparent=trace)
    await publisher.check()
    await publisher.publish(event)
    [message] = broker.read("stoa.events.headers", 1)
    sent = json.loads(event.payload)
    assert message.value() == event.payload.encode()
    assert message.key() == sent["aggregate"]["id"].encode()
    assert message.headers() == [
        ("event-id", sent["event_id"].encode()),
        ("event-type", b"payment_order.completed"),
        ("aggregate-version", b"3"),
        ("organization-id", sent["organization_id"].encode()),
        ("traceparent", trace.encode()),
    ]


async def test_an_untraced_event_has_no_trace_header(broker: Broker, publisher: KafkaEventPublisher) -> None:
    """Absent is not empty."""
    await publisher.publish(an_event(1, aggregate_type="untraced"))
    [message] = broker.read("stoa.events.untraced", 1)
    assert "traceparent" not in dict(message.headers() or [])


async def test_heads_of_the_audit_chain_have_a_topic_of_their_own(
    broker: Broker, publisher: KafkaEventPublisher
) -> None:
    """Witnesses subscribe to heads and to nothing else."""
    await publisher.publish(an_event(1, type="audit_head.sealed", aggregate_type="audit_head"))
    assert len(broker.read("stoa.audit.heads", 1)) == 1


async def test_a_batch_keeps_the_order_of_each_aggregate(broker: Broker, publisher: KafkaEventPublisher) -> None:
    """A thousand events of ten aggregates, interleaved, arrive in version order per key."""
    events = [an_event(version, order=order, aggregate_type="ordered") for version in range(100) for order in range(10)]
    await publisher.publish_batch(events)
    await publisher.publish_batch([])
    messages = broker.read("stoa.events.ordered", 1_000)
    assert len(messages) == 1_000
    for key in {message.key() for message in messages}:
        assert versions([message for message in messages if message.key() == key]) == list(range(100))


async def test_a_batch_larger_than_the_producers_queue_is_delivered(broker: Broker) -> None:
    """A full queue is waited for, not an error."""
    publisher = KafkaEventPublisher(broker.bootstrap, settings={"queue.buffering.max.messages": 10})
    try:
        await publisher.publish_batch([an_event(version, aggregate_type="crowded") for version in range(100)])
    finally:
        await publisher.close()
    assert versions(broker.read("stoa.events.crowded", 100)) == list(range(100))


async def test_an_outage_fails_the_batch_and_ends_with_the_broker(
    broker: Broker, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Unconfirmed means failed; the repetition delivers everything, first occurrences in order."""
    caplog.set_level(logging.DEBUG, "stoa.kafka")
    # Its first connection is made on a machine that is busy with the rest of the suite.
    publisher = KafkaEventPublisher(broker.bootstrap, timeout=12)
    try:
        await publisher.publish(an_event(0, aggregate_type="outage"))
        batch = [an_event(version, aggregate_type="outage") for version in (1, 2, 3)]
        broker.freeze()
        try:
            with pytest.raises(PublishFailed) as caught:
                await publisher.publish_batch(batch)
        finally:
            broker.thaw()
        assert isinstance(caught.value, Unavailable)
        assert caught.value.details == {"unconfirmed": 3, "reason": "timed out"}
        await publisher.publish_batch(batch)
    finally:
        await publisher.close()
    assert list(dict.fromkeys(versions(broker.read("stoa.events.outage", 4)))) == [0, 1, 2, 3]
    assert capfd.readouterr().err == ""
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]


async def test_a_refused_message_fails_its_batch_before_any_successor(broker: Broker) -> None:
    """A message beyond the size limit leaves no gap that later versions could fill."""
    publisher = KafkaEventPublisher(broker.bootstrap, settings={"message.max.bytes": 1_500})
    small, large = an_event(1, aggregate_type="gap"), an_event(2, aggregate_type="gap", payer="A" * 5_000)
    try:
        with pytest.raises(PublishFailed) as caught:
            await publisher.publish_batch([small, large, an_event(3, aggregate_type="gap")])
        assert caught.value.details["reason"] == "MSG_SIZE_TOO_LARGE"
        await publisher.publish(small)
    finally:
        await publisher.close()
    assert set(versions(broker.read("stoa.events.gap", 1))) == {1}


async def test_publishing_does_not_block_the_event_loop(broker: Broker) -> None:
    """Other requests go on while a broker does not answer."""
    publisher = KafkaEventPublisher(broker.bootstrap, timeout=0.5)
    broker.freeze()
    try:
        waiting = asyncio.create_task(publisher.publish(an_event(1, aggregate_type="blocked")))
        ticks = 0
        while not waiting.done():
            await asyncio.sleep(0.01)
            ticks += 1
        with pytest.raises(PublishFailed):
            await waiting
        assert ticks > 20
    finally:
        broker.thaw()
        await publisher.close()


@pytest.mark.parametrize("bootstrap", ["127.0.0.1:1", "no-such-host.invalid:9092"])
async def test_a_wrong_address_is_named_at_the_start(bootstrap: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The message says which setting to look at, and librdkafka writes nothing past the log."""
    publisher = KafkaEventPublisher(bootstrap, timeout=0.5)
    try:
        with pytest.raises(BrokerUnavailable, match=f"STOA_KAFKA_BOOTSTRAP: no Kafka broker answers at {bootstrap}"):
            await publisher.check()
    finally:
        await publisher.close()
    assert capfd.readouterr().err == ""


async def test_closing_an_unused_publisher_is_quick(broker: Broker) -> None:
    """Nothing was connected, nothing is waited for."""
    await KafkaEventPublisher(broker.bootstrap).close()


async def test_closing_while_a_broker_hangs_is_quick(broker: Broker) -> None:
    """Whoever is told to stop does not wait for a minute's batch: it fails, and stays where it came from."""
    publisher = KafkaEventPublisher(broker.bootstrap, timeout=600)
    await publisher.check()
    broker.freeze()
    try:
        waiting = asyncio.create_task(publisher.publish(an_event(1, aggregate_type="hurried")))
        await asyncio.sleep(0.2)
        async with asyncio.timeout(60):
            await publisher.close()
        with pytest.raises(PublishFailed):
            await waiting
    finally:
        broker.thaw()
