"""Questions about webhook endpoints and deliveries."""

from domain.shared.ids import EventId, WebhookEndpointId
from domain.shared.specification import Equal, Everything, Spec
from domain.webhooks.webhook_delivery import DeliveryStatus, WebhookDelivery
from domain.webhooks.webhook_endpoint import EndpointStatus, WebhookEndpoint


def endpoints_matching(*, status: EndpointStatus | None = None) -> Spec[WebhookEndpoint]:
    """Endpoints in a status, or all."""
    return Everything() if status is None else Equal("status", status)


def deliveries_matching(
    *,
    endpoint_id: WebhookEndpointId | None = None,
    event_id: EventId | None = None,
    status: DeliveryStatus | None = None,
) -> Spec[WebhookDelivery]:
    """Deliveries with exactly the values that are given."""
    found: Spec[WebhookDelivery] = Everything()
    for field, value in (("endpoint_id", endpoint_id), ("event_id", event_id), ("status", status)):
        if value is not None:
            found &= Equal(field, value)
    return found
