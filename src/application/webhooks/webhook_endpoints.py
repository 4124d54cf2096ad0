"""Webhook endpoints: where the organization wants to be told of its events."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.events.filters import known_filters
from application.kernel.actor import Scope
from application.kernel.dispatcher import SecretOnce
from application.kernel.fields import Version
from application.kernel.page import PageQuery
from application.kernel.patch import UNSET, Maybe, Unset, given
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from application.webhooks.ports import IWebhookSecrets, IWebhookTargets
from domain.shared.ids import WebhookEndpointId
from domain.shared.text import DESCRIPTION
from domain.webhooks.event_filters import MOST
from domain.webhooks.specifications import endpoints_matching
from domain.webhooks.webhook_endpoint import DisableReason, EndpointStatus, WebhookEndpoint

Url = Annotated[str, Len(1, 2000)]
Filters = Annotated[list[Annotated[str, Len(1, 80)]], Len(1, MOST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEndpointView(View[WebhookEndpoint]):
    """An endpoint without its secrets. While `previous_secret_ends_at` is ahead, two secrets sign."""

    id: WebhookEndpointId
    version: int
    url: str
    description: str
    events: list[str]
    status: EndpointStatus
    disabled_at: datetime | None
    disabled_reason: DisableReason | None
    previous_secret_ends_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecretView(SecretOnce):
    """An endpoint with its new secret, which is shown this once; a replayed answer has null in its place."""

    id: WebhookEndpointId
    version: int
    url: str
    description: str
    events: list[str]
    status: EndpointStatus
    disabled_at: datetime | None
    disabled_reason: DisableReason | None
    previous_secret_ends_at: datetime | None
    created_at: datetime
    updated_at: datetime
    secret: str | None

    @classmethod
    def of(cls, endpoint: WebhookEndpoint, secret: str) -> "WebhookSecretView":
        """Show an endpoint and what signs for it now."""
        return cls(
            id=endpoint.id,
            version=endpoint.version,
            url=endpoint.url,
            description=endpoint.description,
            events=endpoint.events,
            status=endpoint.status,
            disabled_at=endpoint.disabled_at,
            disabled_reason=endpoint.disabled_reason,
            previous_secret_ends_at=endpoint.previous_secret_ends_at,
            created_at=endpoint.created_at,
            updated_at=endpoint.updated_at,
            secret=secret,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWebhookEndpoint:
    """Where to, and of what: `events` has `*`, kinds (`payment_order.*`) and types (`customer.created`)."""

    url: Url
    description: Annotated[str, DESCRIPTION] = ""
    events: Filters


@use_case(
    "webhook_endpoints.create",
    scope=Scope.WEBHOOK_ENDPOINTS_WRITE,
    example={
        "url": "https://shop.example.com/hooks/stoa",
        "description": "Order desk",
        "events": ["payment_order.*", "customer.created"],
    },
    statements=4,
)
async def create_webhook_endpoint(
    cmd: CreateWebhookEndpoint,
    uow: IUnitOfWork,
    *,
    clock: IClock,
    ids: IIds,
    secrets: IWebhookSecrets,
    targets: IWebhookTargets,
) -> WebhookSecretView:
    """Have an address told of events, signed by the Standard Webhooks. The secret is in this answer and nowhere else.

    Errors: `webhook_url_invalid`, `event_filter_invalid`, `text_invalid`.
    """
    endpoint_id = WebhookEndpointId(ids.new())
    secret = secrets.issue(endpoint_id)
    endpoint = WebhookEndpoint.create(
        id=endpoint_id,
        organization_id=uow.actor.organization_id,
        url=targets.check(cmd.url),
        description=cmd.description,
        events=known_filters(cmd.events),
        secret=secret.sealed,
        now=clock.now(),
    )
    uow.webhook_endpoints.add(endpoint)
    return WebhookSecretView.of(endpoint, secret.plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWebhookEndpoints(PageQuery):
    """Which endpoints."""

    status: EndpointStatus | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "webhook_endpoints.list",
    ListWebhookEndpoints,
    lambda uow: uow.webhook_endpoints,
    WebhookEndpointView,
    "List the organization's webhook endpoints.",
    where=lambda cmd: endpoints_matching(status=cmd.status),
    scope=Scope.WEBHOOK_ENDPOINTS_READ,
    example={"limit": 20, "status": "enabled"},
    statements=2,
)
get_use_case(
    "webhook_endpoints.get",
    lambda uow: uow.webhook_endpoints,
    WebhookEndpointView,
    "Return one webhook endpoint, without its secrets.",
    scope=Scope.WEBHOOK_ENDPOINTS_READ,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateWebhookEndpoint:
    """New values for what is mentioned; the rest stays."""

    id: WebhookEndpointId
    expected_version: Version
    url: Maybe[Url] = UNSET
    description: Maybe[Annotated[str, DESCRIPTION]] = UNSET
    events: Maybe[Filters] = UNSET


@use_case(
    "webhook_endpoints.update",
    scope=Scope.WEBHOOK_ENDPOINTS_WRITE,
    example={"expected_version": 1, "description": "Order desk, second floor", "events": ["*"]},
    statements=4,
)
async def update_webhook_endpoint(
    cmd: UpdateWebhookEndpoint, uow: IUnitOfWork, *, clock: IClock, targets: IWebhookTargets
) -> WebhookEndpointView:
    """Change where an endpoint is or what it is told of; fields left out stay as they are.

    Errors: `not_found`, `version_stale`, `webhook_url_invalid`, `event_filter_invalid`, `text_invalid`.
    """
    endpoint = await uow.webhook_endpoints.get(cmd.id, lock=True)
    endpoint.expect_version(cmd.expected_version)
    endpoint.edit(
        clock.now(),
        url=endpoint.url if isinstance(cmd.url, Unset) else targets.check(cmd.url),
        description=given(cmd.description, endpoint.description),
        events=endpoint.events if isinstance(cmd.events, Unset) else known_filters(cmd.events),
    )
    return WebhookEndpointView.of(endpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteWebhookEndpoint:
    """Which endpoint, and optionally the version the caller read."""

    id: WebhookEndpointId
    expected_version: Version | None = None


@use_case("webhook_endpoints.delete", scope=Scope.WEBHOOK_ENDPOINTS_WRITE, example={}, destructive=True, statements=5)
async def delete_webhook_endpoint(
    cmd: DeleteWebhookEndpoint, uow: IUnitOfWork, *, clock: IClock
) -> WebhookEndpointView:
    """Delete an endpoint and its secrets: nothing is sent any more. Its deliveries can still be looked at.

    Deliveries that were pending are cancelled.

    Errors: `not_found`, `version_stale`.
    """
    endpoint = await uow.webhook_endpoints.get(cmd.id, lock=True)
    endpoint.expect_version(cmd.expected_version)
    uow.webhook_endpoints.remove(endpoint)
    await uow.webhook_deliveries.cancel(endpoint.id, clock.now())
    return WebhookEndpointView.of(endpoint)
