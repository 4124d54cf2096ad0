"""A webhook endpoint: an address of the organization's own that is told of its events."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self, override

from attrs import define, field, frozen

from domain.shared.entity import SoftDeletable
from domain.shared.errors import BusinessRuleViolation, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import EventId, OrganizationId, WebhookDeliveryId, WebhookEndpointId
from domain.shared.text import DESCRIPTION
from domain.webhooks.event_filters import check_filters

LONGEST_OVERLAP = timedelta(days=7)


class InvalidWebhookUrl(ValidationError):
    """The address is not one that Stoa would call; ``reason`` in the details says why."""

    code = "webhook_url_invalid"
    summary = "The URL must be a public https address on port 443 or 8443, without credentials."


class WebhookEndpointDisabled(BusinessRuleViolation):
    """Nothing is sent to the endpoint until it is enabled again."""

    code = "webhook_endpoint_disabled"
    summary = "The webhook endpoint is disabled."


class EndpointStatus(StrEnum):
    """Whether events are sent."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class DisableReason(StrEnum):
    """Who or what switched an endpoint off: a caller, an answer of 410, or days without a single success."""

    BY_HAND = "by_hand"
    GONE = "gone"
    FAILING = "failing"


@frozen(kw_only=True)
class WebhookEndpointCreatedEvent(DomainEvent):
    """An address wants to be told of events. The address itself is not published: addresses may hold secrets."""

    verb: ClassVar[str] = "created"
    events: list[str]


@frozen(kw_only=True)
class WebhookEndpointEnabledEvent(DomainEvent):
    """Events are sent again, those that waited first."""

    verb: ClassVar[str] = "enabled"


@frozen(kw_only=True)
class WebhookEndpointDisabledEvent(DomainEvent):
    """Nothing is sent any more; what is due waits."""

    verb: ClassVar[str] = "disabled"
    reason: DisableReason


@frozen(kw_only=True)
class WebhookEndpointSecretRotatedEvent(DomainEvent):
    """A new secret signs; until ``overlap_ends_at`` the old one signs as well."""

    verb: ClassVar[str] = "secret_rotated"
    overlap_ends_at: datetime


@frozen(kw_only=True)
class WebhookEndpointTestedEvent(DomainEvent):
    """Sent to the endpoint it names and to no other, whatever the endpoint's filters say."""

    verb: ClassVar[str] = "tested"


@frozen(kw_only=True)
class WebhookEndpointReplayedEvent(DomainEvent):
    """So many past events were put up to be sent to the endpoint again."""

    verb: ClassVar[str] = "replayed"
    events: int


@frozen(kw_only=True)
class WebhookEndpointRedeliveredEvent(DomainEvent):
    """One delivery was put up to be sent again."""

    verb: ClassVar[str] = "redelivered"
    delivery_id: WebhookDeliveryId
    event_id: EventId


@define(kw_only=True, eq=False)
class WebhookEndpoint(SoftDeletable):
    """An address, what it wants to hear, and the secrets that sign what it is told.

    ``secret`` and ``previous_secret`` are sealed text, of use to the delivery worker only. ``previous_secret`` signs
    beside the present one until ``previous_secret_ends_at``.
    """

    kind: ClassVar[str] = "webhook_endpoint"

    id: WebhookEndpointId
    url: str
    description: str
    events: list[str]
    status: EndpointStatus
    disabled_at: datetime | None = None
    disabled_reason: DisableReason | None = None
    secret: str = field(repr=False)
    previous_secret: str | None = field(default=None, repr=False)
    previous_secret_ends_at: datetime | None = None

    @classmethod
    def create(
        cls,
        *,
        id: WebhookEndpointId,
        organization_id: OrganizationId,
        url: str,
        description: str,
        events: list[str],
        secret: str,
        now: datetime,
    ) -> Self:
        """Begin to tell an address, which was checked before, of events.

        Raises:
            InvalidEventFilter: a filter is malformed.
            InvalidText: the description is not acceptable.
        """
        endpoint = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            url=url,
            description=DESCRIPTION.check(description),
            events=check_filters(events),
            status=EndpointStatus.ENABLED,
            secret=secret,
        )
        endpoint.record(WebhookEndpointCreatedEvent(events=endpoint.events), now)
        return endpoint

    def edit(self, now: datetime, *, url: str, description: str, events: list[str]) -> None:
        """Set plain attributes; the address was checked before.

        Raises:
            InvalidEventFilter: a filter is malformed.
            InvalidText: the description is not acceptable.
        """
        self.amend(now, url=url, description=DESCRIPTION.check(description), events=check_filters(events))

    def enable(self, now: datetime) -> None:
        """Send events again; doing it twice changes nothing."""
        if self.status is EndpointStatus.DISABLED:
            self.status, self.disabled_at, self.disabled_reason = EndpointStatus.ENABLED, None, None
            self.record(WebhookEndpointEnabledEvent(), now)

    def disable(self, reason: DisableReason, now: datetime) -> None:
        """Send nothing any more; the first reason stays."""
        if self.status is EndpointStatus.ENABLED:
            self.status, self.disabled_at, self.disabled_reason = EndpointStatus.DISABLED, now, reason
            self.record(WebhookEndpointDisabledEvent(reason=reason), now)

    def rotate_secret(self, secret: str, overlap: timedelta, now: datetime) -> None:
        """Sign with a new secret, and with the old one as well while receivers change over.

        Raises:
            ValidationError: the overlap is negative or longer than a week.
        """
        if not timedelta() <= overlap <= LONGEST_OVERLAP:
            raise ValidationError("The overlap is at most seven days.", path="overlap_hours")
        self.previous_secret = self.secret if overlap else None
        self.previous_secret_ends_at = now + overlap if overlap else None
        self.secret = secret
        self.record(WebhookEndpointSecretRotatedEvent(overlap_ends_at=now + overlap), now)

    def test(self, now: datetime) -> None:
        """Have an event made for this endpoint alone.

        Raises:
            WebhookEndpointDisabled: nothing would be sent.
        """
        self._refuse_disabled()
        self.record(WebhookEndpointTestedEvent(), now)

    def replay(self, events: int, now: datetime) -> None:
        """Note that past events are sent again.

        Raises:
            WebhookEndpointDisabled: nothing would be sent.
        """
        self._refuse_disabled()
        self.record(WebhookEndpointReplayedEvent(events=events), now)

    def redeliver(self, delivery_id: WebhookDeliveryId, event_id: EventId, now: datetime) -> None:
        """Note that one delivery is sent again.

        Raises:
            WebhookEndpointDisabled: nothing would be sent.
        """
        self._refuse_disabled()
        self.record(WebhookEndpointRedeliveredEvent(delivery_id=delivery_id, event_id=event_id), now)

    @override
    def delete(self, at: datetime, by: str) -> None:
        """Hide the endpoint and forget its secrets; doing it twice changes nothing."""
        if not self.is_deleted:
            self.disable(DisableReason.BY_HAND, at)
            self.secret, self.previous_secret, self.previous_secret_ends_at = "", None, None
        super().delete(at, by)

    def _refuse_disabled(self) -> None:
        if self.status is EndpointStatus.DISABLED:
            raise WebhookEndpointDisabled
