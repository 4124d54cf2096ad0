"""Events as the unit of work would write them."""

import json
from datetime import UTC, datetime
from uuid import UUID

from domain.shared.events import EventEnvelope
from domain.shared.ids import EventId, OrganizationId, encode_id

ORGANIZATION = OrganizationId(UUID(int=7))


def an_event(
    version: int,
    *,
    order: int = 1,
    type: str = "payment_order.completed",
    aggregate_type: str = "payment_order",
    traceparent: str | None = None,
    payer: str = "Ada",
) -> EventEnvelope:
    """The event of a payment order's version."""
    event_id = EventId(UUID(int=order * 1_000_000 + version))
    payload = {
        "event_id": encode_id("evt", event_id),
        "type": type,
        "organization_id": encode_id("org", ORGANIZATION),
        "aggregate": {"type": aggregate_type, "id": encode_id("ord", UUID(int=order)), "version": version},
        "data": {"payer": payer, "aggregate": {"id": "misleading"}},
    }
    return EventEnvelope(
        event_id=event_id,
        type=type,
        schema_version=1,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        organization_id=ORGANIZATION,
        aggregate_type=aggregate_type,
        aggregate_id=UUID(int=order),
        aggregate_version=version,
        traceparent=traceparent,
        payload=json.dumps(payload, separators=(",", ":")),
    )
