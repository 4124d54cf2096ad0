"""Ports to webhook endpoints and the deliveries to them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.shared.page import Page, PageRequest
from domain.shared.published_event import PublishedEvent
from domain.shared.specification import Spec
from domain.webhooks.webhook_delivery import WebhookDelivery


class IWebhookDeliveryRepository(Protocol):
    """The organization's deliveries."""

    async def get(self, id: UUID) -> WebhookDelivery:
        """Return one delivery with its attempts.

        Raises:
            EntityNotFoundError: this tenant has none with that id.
        """
        ...

    async def page(self, spec: Spec[WebhookDelivery], request: PageRequest) -> Page[WebhookDelivery]:
        """Return one keyset page.

        Raises:
            InvalidCursor: the cursor was not issued for this tenant, query and order.
        """
        ...

    async def enqueue(self, endpoint_id: UUID, events: Sequence[PublishedEvent], at: datetime) -> None:
        """Put events up for delivery to one endpoint, in one statement; each becomes a delivery of its own."""
        ...

    async def requeue(self, id: UUID, at: datetime) -> None:
        """Put a delivery up again with a full count of tries; whoever is trying it now no longer decides about it."""
        ...

    async def cancel(self, endpoint_id: UUID, at: datetime) -> None:
        """End the pending deliveries of an endpoint that is no more."""
        ...

    async def forgive(self, endpoint_id: UUID) -> None:
        """Forget for how long an endpoint has been failing."""
        ...
