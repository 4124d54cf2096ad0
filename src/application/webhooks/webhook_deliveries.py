"""Webhook deliveries: what was sent, what came back, and sending it again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from application.kernel.actor import Scope
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.shared.ids import EventId, WebhookDeliveryId, WebhookEndpointId
from domain.webhooks.specifications import deliveries_matching
from domain.webhooks.webhook_delivery import DeliveryAttempt, DeliveryStatus, WebhookDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttemptView(View[DeliveryAttempt]):
    """One request: `error` says why it does not count as delivered, `response` is the beginning of the answer."""

    number: int
    started_at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDeliveryView(View[WebhookDelivery]):
    """One event on its way to one endpoint; `due_at` is when it is tried next."""

    id: WebhookDeliveryId
    endpoint_id: WebhookEndpointId
    event_id: EventId
    event_type: str
    status: DeliveryStatus
    created_at: datetime
    due_at: datetime | None
    concluded_at: datetime | None
    attempts: list[DeliveryAttemptView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWebhookDeliveries(PageQuery):
    """Which deliveries."""

    endpoint_id: WebhookEndpointId | None = None
    event_id: EventId | None = None
    status: DeliveryStatus | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


@use_case(
    "webhook_deliveries.list",
    scope=Scope.WEBHOOK_DELIVERIES_READ,
    example={"limit": 20, "status": "pending"},
    read_only=True,
    statements=3,
)
async def list_webhook_deliveries(cmd: ListWebhookDeliveries, uow: IUnitOfWork) -> ListView[WebhookDeliveryView]:
    """List deliveries with their attempts, newest first; they are kept as long as the events they carry."""
    wanted = deliveries_matching(endpoint_id=cmd.endpoint_id, event_id=cmd.event_id, status=cmd.status)
    return ListView.of(await uow.webhook_deliveries.page(wanted, cmd.request(cmd.sort)), WebhookDeliveryView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWebhookDelivery:
    """Which delivery."""

    id: WebhookDeliveryId


@use_case("webhook_deliveries.get", scope=Scope.WEBHOOK_DELIVERIES_READ, example={}, read_only=True, statements=2)
async def get_webhook_delivery(cmd: GetWebhookDelivery, uow: IUnitOfWork) -> WebhookDeliveryView:
    """Return one delivery with its attempts.

    Errors: `not_found`.
    """
    return WebhookDeliveryView.of(await uow.webhook_deliveries.get(cmd.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeliverWebhook:
    """Which delivery."""

    id: WebhookDeliveryId


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeliveryView:
    """A delivery that is due again."""

    id: WebhookDeliveryId
    endpoint_id: WebhookEndpointId
    event_id: EventId
    status: DeliveryStatus
    due_at: datetime


@use_case("webhook_deliveries.redeliver", scope=Scope.WEBHOOK_DELIVERIES_WRITE, example={}, statements=7)
async def redeliver_webhook(cmd: RedeliverWebhook, uow: IUnitOfWork, *, clock: IClock) -> RedeliveryView:
    """Send one delivery again now, with the same `webhook-id` and a full count of tries, whatever became of it before.

    Errors: `not_found`, `webhook_endpoint_disabled`.
    """
    delivery = await uow.webhook_deliveries.get(cmd.id)
    endpoint = await uow.webhook_endpoints.get(delivery.endpoint_id, lock=True)
    now = clock.now()
    endpoint.redeliver(delivery.id, delivery.event_id, now)
    await uow.webhook_deliveries.requeue(delivery.id, now)
    return RedeliveryView(
        id=delivery.id,
        endpoint_id=endpoint.id,
        event_id=delivery.event_id,
        status=DeliveryStatus.PENDING,
        due_at=now,
    )
