"""Webhook endpoints: switched on and off, tested, and given new secrets."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from annotated_types import Interval

from application.kernel.actor import Scope
from application.kernel.changes import change_use_case
from application.kernel.fields import Version
from application.kernel.ports import IClock
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.webhooks.ports import IWebhookSecrets
from application.webhooks.webhook_endpoints import WebhookEndpointView, WebhookSecretView
from domain.shared.ids import WebhookEndpointId
from domain.webhooks.webhook_endpoint import LONGEST_OVERLAP, DisableReason

_HOURS = LONGEST_OVERLAP // timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableWebhookEndpoint:
    """Which endpoint, and optionally the version the caller read."""

    id: WebhookEndpointId
    expected_version: Version | None = None


@use_case("webhook_endpoints.enable", scope=Scope.WEBHOOK_ENDPOINTS_WRITE, example={}, statements=5)
async def enable_webhook_endpoint(
    cmd: EnableWebhookEndpoint, uow: IUnitOfWork, *, clock: IClock
) -> WebhookEndpointView:
    """Send events to an endpoint again, those that waited first. Doing it twice changes nothing.

    Errors: `not_found`, `version_stale`.
    """
    endpoint = await uow.webhook_endpoints.get(cmd.id, lock=True)
    endpoint.expect_version(cmd.expected_version)
    endpoint.enable(clock.now())
    await uow.webhook_deliveries.forgive(endpoint.id)
    return WebhookEndpointView.of(endpoint)


change_use_case(
    "webhook_endpoints.disable", lambda uow: uow.webhook_endpoints, WebhookEndpointView,
    lambda endpoint, now: endpoint.disable(DisableReason.BY_HAND, now),
    "Send nothing to an endpoint until it is enabled again. New events pass it by; what was due waits.",
    scope=Scope.WEBHOOK_ENDPOINTS_WRITE, statements=4, destructive=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendWebhookEndpoint:
    """Which endpoint, and what made it impossible to go on."""

    id: WebhookEndpointId
    reason: Literal["gone", "failing"]


@use_case(
    "webhook_endpoints.suspend",
    scope=Scope.PLATFORM_OPERATE,
    internal="Only Stoa's own delivery worker knows how an endpoint answered.",
    example={"reason": "failing"},
    statements=4,
)
async def suspend_webhook_endpoint(
    cmd: SuspendWebhookEndpoint, uow: IUnitOfWork, *, clock: IClock
) -> WebhookEndpointView:
    """Switch an endpoint off that answered 410, or nothing good for days. Doing it twice changes nothing.

    Errors: `not_found`.
    """
    endpoint = await uow.webhook_endpoints.get(cmd.id, lock=True)
    endpoint.disable(DisableReason(cmd.reason), clock.now())
    return WebhookEndpointView.of(endpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateWebhookSecret:
    """Which endpoint, and for how many hours the old secret still signs as well; 0 ends it at once."""

    id: WebhookEndpointId
    overlap_hours: Annotated[int, Interval(ge=0, le=_HOURS)] = 24
    expected_version: Version | None = None


@use_case(
    "webhook_endpoints.rotate_secret",
    scope=Scope.WEBHOOK_ENDPOINTS_WRITE,
    example={"overlap_hours": 24},
    statements=4,
)
async def rotate_webhook_secret(
    cmd: RotateWebhookSecret, uow: IUnitOfWork, *, clock: IClock, secrets: IWebhookSecrets
) -> WebhookSecretView:
    """Sign with a new secret. While the overlap lasts every webhook has both signatures, so that none is refused.

    Errors: `not_found`, `version_stale`.
    """
    endpoint = await uow.webhook_endpoints.get(cmd.id, lock=True)
    endpoint.expect_version(cmd.expected_version)
    secret = secrets.issue(endpoint.id)
    endpoint.rotate_secret(secret.sealed, timedelta(hours=cmd.overlap_hours), clock.now())
    return WebhookSecretView.of(endpoint, secret.plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTestWebhook:
    """Which endpoint."""

    id: WebhookEndpointId


@use_case("webhook_endpoints.send_test", scope=Scope.WEBHOOK_ENDPOINTS_WRITE, example={}, statements=4)
async def send_test_webhook(cmd: SendTestWebhook, uow: IUnitOfWork, *, clock: IClock) -> WebhookEndpointView:
    """Send a `webhook_endpoint.tested` event to this endpoint and to no other; its deliveries tell how it went.

    Errors: `not_found`, `webhook_endpoint_disabled`.
    """
    endpoint = await uow.webhook_endpoints.get(cmd.id, lock=True)
    endpoint.test(clock.now())
    return WebhookEndpointView.of(endpoint)
