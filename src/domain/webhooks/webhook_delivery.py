"""A webhook delivery: one event on its way to one endpoint, and every attempt to get it there.

Deliveries are rows of a queue, not aggregates: the relay makes them, the delivery worker moves them. What a caller
does about one is recorded as a change of its endpoint.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from attrs import define, frozen

from domain.shared.ids import EventId, OrganizationId, WebhookDeliveryId, WebhookEndpointId


class DeliveryStatus(StrEnum):
    """Where a delivery stands: still to be tried, accepted with a 2xx, given up, or ended with its endpoint."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


@frozen(kw_only=True)
class DeliveryAttempt:
    """One request and what came of it.

    Attributes:
        number: from 1, over all redeliveries.
        status_code: of the answer; None when none came.
        error: why it does not count as delivered (``timeout``, ``http_500``, ``address_refused``); None when it does.
        response: the beginning of the answer's body, at most 1 KiB of printable text without secrets.
    """

    id: UUID
    number: int
    started_at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None
    response: str


@define(kw_only=True, eq=False)
class WebhookDelivery:
    """One event for one endpoint. ``due_at`` is when it is tried next; only pending ones have it."""

    id: WebhookDeliveryId
    organization_id: OrganizationId
    endpoint_id: WebhookEndpointId
    event_id: EventId
    event_type: str
    status: DeliveryStatus
    created_at: datetime
    due_at: datetime | None
    concluded_at: datetime | None
    attempts: list[DeliveryAttempt]
