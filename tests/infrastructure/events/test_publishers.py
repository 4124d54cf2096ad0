"""Publishers without a broker."""

from structlog.testing import capture_logs

from infrastructure.events.publishers import InMemoryEventPublisher, LoggingEventPublisher
from tests.infrastructure.events.sample import an_event


async def test_the_log_has_one_line_per_event_and_none_of_its_data() -> None:
    """Who and what, at info; the data may be personal."""
    with capture_logs() as lines:
        await LoggingEventPublisher().publish_batch([an_event(1), an_event(2)])
    assert [(line["event"], line["log_level"], line["aggregate_version"]) for line in lines] == [
        ("event_published", "info", 1),
        ("event_published", "info", 2),
    ]
    assert lines[0]["event_type"] == "payment_order.completed"
    assert str(lines[0]["event_id"]).startswith("evt_")
    assert str(lines[0]["aggregate_id"]).startswith("ord_")
    assert lines[0]["payload_bytes"] == len(an_event(1).payload)
    assert "Ada" not in str(lines)


async def test_memory_keeps_events_in_order_until_told_to_forget() -> None:
    """What was published can be looked at, all of it or by type."""
    publisher = InMemoryEventPublisher()
    events = [an_event(1), an_event(2), an_event(3, type="payment_order.refunded")]
    await publisher.publish(events[0])
    await publisher.publish_batch(events[1:])
    assert publisher.events == tuple(events)
    assert publisher.of_type("payment_order.refunded") == (events[2],)
    publisher.clear()
    assert publisher.events == ()


async def test_memory_is_bounded() -> None:
    """The oldest events make room."""
    publisher = InMemoryEventPublisher(capacity=2)
    await publisher.publish_batch([an_event(n) for n in (1, 2, 3)])
    assert [event.aggregate_version for event in publisher.events] == [2, 3]
