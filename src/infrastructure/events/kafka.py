"""Kafka and everything that speaks its protocol, such as Redpanda."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from application.kernel.ports import IEventPublisher
from domain.shared.errors import Unavailable
from domain.shared.events import EventEnvelope
from infrastructure.events.publishers import published_ids

type ProducerSettings = Mapping[str, str | int | bool]

_AUDIT_HEADS = "stoa.audit.heads"
_PATIENCE = 5.0  # seconds for a broker to answer at the start
_GLANCE = 0.1  # seconds after which who waits for a broker looks whether anybody still wants to
_FAREWELL = 1.0  # seconds for the reports of what is thrown away
_logger = logging.getLogger("stoa.kafka")
# A fatal error of librdkafka surfaces in whatever polls next, as a SystemError when a delivery report is being served.
_FAILURES = (KafkaException, BufferError, SystemError)
# Alarms that are none: the setting is called experimental each time a producer is made, and what we throw away
# ourselves is called a violation of it.
_FALSE_ALARMS = ("enable.gapless.guarantee is experimental", "Purged in")


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    return not any(alarm in message for alarm in _FALSE_ALARMS)


_logger.addFilter(_is_worth_a_line)


class BrokerUnavailable(Unavailable):
    """No broker answers under the address we were given."""

    code = "broker_unavailable"


class PublishFailed(Unavailable):
    """The broker did not confirm every event of a batch."""

    code = "publish_failed"
    summary = "The event broker did not confirm every event."


class KafkaEventPublisher(IEventPublisher):
    """Publishes with a synchronous producer on a thread of its own, one flush per batch.

    An event counts as delivered when every in-sync replica has it. After a failure the producer is thrown away with
    all it still holds, and the next batch starts with a fresh one. So no event is ever confirmed, nor delivered for
    the first time, before an earlier one of its aggregate.
    """

    def __init__(self, bootstrap: str, *, timeout: float = 10.0, settings: ProducerSettings | None = None) -> None:
        """Remember where the broker is; nothing is connected before `check` or the first batch.

        Args:
            bootstrap: ``host:port``, several separated by commas.
            timeout: seconds until an unconfirmed batch has failed.
            settings: librdkafka's own settings, such as those of TLS and SASL.
        """
        self._timeout = timeout
        self._bootstrap = bootstrap
        self._settings = dict(settings or {}) | {
            "bootstrap.servers": bootstrap,
            "client.id": "stoa",
            "acks": "all",
            "enable.idempotence": True,
            # A refused message stops the producer; else its successors would be delivered without it.
            "enable.gapless.guarantee": True,
            # The batch as a whole runs out of time first, for the same reason: single messages leave gaps.
            "message.timeout.ms": int(timeout * 3000),
            "linger.ms": 5,
            # Gentler than the default, which writes dozens of lines per second about a broker that is down.
            "reconnect.backoff.ms": 250,
            "reconnect.backoff.max.ms": 2000,
            "log.connection.close": False,
        }
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stoa-kafka")
        self._producer: Producer | None = None
        self._closing = False

    async def check(self) -> None:
        """Ask the broker for its topics, to find a wrong address at start-up.

        Raises:
            BrokerUnavailable: nobody answered in time.
        """
        await self._run(self._check)

    async def publish(self, event: EventEnvelope) -> None:
        await self.publish_batch([event])

    async def publish_batch(self, events: Sequence[EventEnvelope]) -> None:
        """Deliver many in order; returns when the broker has all of them.

        Raises:
            PublishFailed: some were not confirmed in time; publishing the whole batch again is safe.
        """
        if events:
            await self._run(lambda: self._publish(events))

    async def close(self) -> None:
        """Give up the batch under way, which stays where it came from, and disconnect."""
        self._closing = True
        if self._producer is not None:
            await self._run(self._discard)
        self._executor.shutdown()

    async def _run(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _check(self) -> None:
        # The one line below says it; the client would say it eighty times meanwhile.
        _logger.disabled = True
        try:
            self._connected().list_topics(timeout=min(self._timeout, _PATIENCE))
        except KafkaException as error:
            self._discard()
            raise BrokerUnavailable(
                f"STOA_KAFKA_BOOTSTRAP: no Kafka broker answers at {self._bootstrap} ({_reason(error)})"
            ) from error
        finally:
            _logger.disabled = False

    def _connected(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(self._settings, logger=_logger)
        return self._producer

    def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            # Served once more after a fatal error interrupted it: reports that are never served are never freed.
            for _ in range(2):
                with suppress(*_FAILURES):
                    producer.flush(_FAREWELL)
            producer.close()

    def _publish(self, events: Sequence[EventEnvelope]) -> None:
        batch = _Batch()
        try:
            producer = self._connected()
            deadline = time.monotonic() + self._timeout
            for event in events:
                batch.add(producer, event, deadline)
            while producer.flush(max(0.0, min(_GLANCE, deadline - time.monotonic()))) and not self._is_over(deadline):
                pass
        except _FAILURES as error:
            failure = PublishFailed(unconfirmed=len(events) - batch.confirmed, reason=_reason(error))
            self._discard()
            raise failure from error
        if batch.confirmed < len(events):
            failure = PublishFailed(unconfirmed=len(events) - batch.confirmed, reason=batch.reason)
            self._discard()
            raise failure

    def _is_over(self, deadline: float) -> bool:
        return self._closing or time.monotonic() >= deadline


class _Batch:
    """The events on their way and what became of them; used by one thread, reports included."""

    def __init__(self) -> None:
        self.confirmed = 0
        self.reason = "timed out"

    def add(self, producer: Producer, event: EventEnvelope, deadline: float) -> None:
        """Hand one event over, waiting for room until the deadline."""
        ids = published_ids(event)
        headers: list[tuple[str, str | bytes | None]] = [
            ("event-id", ids.event_id),
            ("event-type", event.type),
            ("aggregate-version", str(event.aggregate_version)),
            ("organization-id", ids.organization_id or ""),
        ]
        if event.traceparent:
            headers.append(("traceparent", event.traceparent))
        while True:
            try:
                producer.produce(
                    _topic(event), event.payload, ids.aggregate.id, on_delivery=self._report, headers=headers
                )
            except BufferError:
                if time.monotonic() >= deadline:
                    raise
                producer.poll(0.1)
            else:
                return

    def _report(self, error: KafkaError | None, _: Message) -> None:
        if error is None:
            self.confirmed += 1
        else:
            self.reason = error.name()


def _topic(event: EventEnvelope) -> str:
    return _AUDIT_HEADS if event.type.startswith("audit_head") else f"stoa.events.{event.aggregate_type}"


def _reason(error: Exception) -> str:
    error = error.__cause__ if isinstance(error.__cause__, KafkaException) else error
    cause = error.args[0] if error.args else None
    return cause.name() if isinstance(cause, KafkaError) else type(error).__name__
