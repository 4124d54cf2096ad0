"""An organization: the tenant everything else belongs to."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.identity.organization_settings import OrganizationSettings
from domain.shared.entity import Entity
from domain.shared.errors import BusinessRuleViolation, DuplicateError, Forbidden, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, UserId
from domain.shared.metadata import MetadataValue, check_metadata
from domain.shared.money import Money
from domain.shared.text import NAME, TextRule, check_slug

REASON = TextRule(max_length=500)


class OrganizationSlugTaken(DuplicateError):
    """Another organization answers to this slug."""

    code = "organization_slug_taken"
    summary = "Another organization uses this slug."


class OrganizationSuspended(Forbidden):
    """The operator stopped the organization until further notice."""

    code = "organization_suspended"
    summary = "The organization is suspended."


class OrganizationClosed(Forbidden):
    """The organization was closed by its owner and opens nothing any more."""

    code = "organization_closed"
    summary = "The organization is closed."


class OrganizationEnded(BusinessRuleViolation):
    """A closed organization stays closed."""

    code = "organization_ended"
    summary = "The organization is closed for good."


class OrganizationHasOpenPayments(BusinessRuleViolation):
    """Money is on its way to or from the organization's customers, and somebody has to be there when it arrives."""

    code = "organization_has_open_payments"
    summary = "Payments or refunds of the organization are on their way; wait for their outcome."


class SlugMismatch(ValidationError):
    """The slug is not that of the organization, so that another one was meant."""

    code = "slug_mismatch"
    summary = "The slug is not that of the organization."


class OrganizationStatus(StrEnum):
    """Where an organization is in its life."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


_REFUSALS: Mapping[str, type[Forbidden]] = {
    OrganizationStatus.SUSPENDED: OrganizationSuspended,
    OrganizationStatus.CLOSED: OrganizationClosed,
}


def refuse_inactive(status: str) -> None:
    """Let the credentials of an organization with this status pass, or say why not.

    Raises:
        OrganizationSuspended: the operator stopped it.
        OrganizationClosed: it was closed.
    """
    refusal = _REFUSALS.get(status)
    if refusal is not None:
        raise refusal


@frozen(kw_only=True)
class OrganizationCreatedEvent(DomainEvent):
    """A tenant came into being."""

    verb: ClassVar[str] = "created"
    name: str
    slug: str
    default_currency: str


@frozen(kw_only=True)
class OrganizationSuspendedEvent(DomainEvent):
    """The operator stopped every key and session of the organization; the reason stays with the organization."""

    verb: ClassVar[str] = "suspended"


@frozen(kw_only=True)
class OrganizationReactivatedEvent(DomainEvent):
    """Keys and sessions of the organization work again."""

    verb: ClassVar[str] = "reactivated"


@frozen(kw_only=True)
class OrganizationClosedEvent(DomainEvent):
    """The organization was given up for good."""

    verb: ClassVar[str] = "closed"


@frozen(kw_only=True)
class OwnershipTransferredEvent(DomainEvent):
    """One person handed the organization over to another."""

    verb: ClassVar[str] = "ownership_transferred"
    from_user_id: UserId
    to_user_id: UserId


@define(kw_only=True, eq=False)
class Organization(Entity):
    """A tenant. It belongs to itself: ``organization_id`` equals ``id``."""

    kind: ClassVar[str] = "organization"

    id: OrganizationId
    name: str
    slug: str
    default_currency: str
    status: OrganizationStatus
    time_zone: str
    locale: str
    support_email: str | None
    statement_descriptor: str | None
    order_expiry_minutes: int
    metadata: dict[str, str | int | bool] = field(factory=dict)
    suspended_reason: str | None = None
    closed_at: datetime | None = None

    @classmethod
    def create(cls, *, id: OrganizationId, name: str, slug: str, default_currency: str, now: datetime) -> Self:
        """Found an organization with the settings nobody has chosen yet.

        Raises:
            InvalidText: the name is not acceptable.
            InvalidSlug: the slug is not acceptable.
            InvalidCurrency: the currency is no active ISO 4217 code.
        """
        settings = OrganizationSettings()
        organization = cls(
            id=id,
            organization_id=id,
            created_at=now,
            updated_at=now,
            name=NAME.check(name),
            slug=check_slug(slug),
            default_currency=Money.zero(default_currency).currency,
            status=OrganizationStatus.ACTIVE,
            time_zone=settings.time_zone,
            locale=settings.locale,
            support_email=settings.support_email,
            statement_descriptor=settings.statement_descriptor,
            order_expiry_minutes=settings.order_expiry_minutes,
        )
        organization.record(
            OrganizationCreatedEvent(
                name=organization.name, slug=organization.slug, default_currency=organization.default_currency
            ),
            now,
        )
        return organization

    @property
    def settings(self) -> OrganizationSettings:
        """How the organization works, as one value."""
        return OrganizationSettings(
            time_zone=self.time_zone,
            locale=self.locale,
            support_email=self.support_email,
            statement_descriptor=self.statement_descriptor,
            order_expiry_minutes=self.order_expiry_minutes,
        )

    def edit(
        self,
        now: datetime,
        *,
        name: str,
        default_currency: str,
        settings: OrganizationSettings,
        metadata: Mapping[str, MetadataValue],
    ) -> None:
        """Rename the organization and choose how it works; the slug is part of addresses and stays.

        Raises:
            InvalidText: the name is not acceptable.
            InvalidCurrency: the currency is no active ISO 4217 code.
            InvalidMetadata: the metadata is not acceptable.
        """
        self.amend(
            now,
            name=NAME.check(name),
            default_currency=Money.zero(default_currency).currency,
            time_zone=settings.time_zone,
            locale=settings.locale,
            support_email=settings.support_email,
            statement_descriptor=settings.statement_descriptor,
            order_expiry_minutes=settings.order_expiry_minutes,
            metadata=check_metadata(metadata),
        )

    def suspend(self, now: datetime, *, reason: str) -> None:
        """Stop every key and session until :meth:`reactivate`; doing it twice changes nothing.

        Raises:
            OrganizationEnded: it is closed.
            InvalidText: the reason is not acceptable.
        """
        self._refuse_ended()
        if self.status is OrganizationStatus.ACTIVE:
            self.status, self.suspended_reason = OrganizationStatus.SUSPENDED, REASON.check(reason)
            self.record(OrganizationSuspendedEvent(), now)

    def reactivate(self, now: datetime) -> None:
        """Let keys and sessions work again; an active organization stays as it is.

        Raises:
            OrganizationEnded: it is closed.
        """
        self._refuse_ended()
        if self.status is OrganizationStatus.SUSPENDED:
            self.status, self.suspended_reason = OrganizationStatus.ACTIVE, None
            self.record(OrganizationReactivatedEvent(), now)

    def close(self, now: datetime, *, slug: str, has_open_payments: bool) -> None:
        """Give the organization up for good: what it did stays, its keys and sessions stop. Twice changes nothing.

        Raises:
            SlugMismatch: whoever closes it did not spell out its slug.
            OrganizationHasOpenPayments: payments or refunds have no outcome yet.
        """
        if slug != self.slug:
            raise SlugMismatch(path="slug")
        if self.status is not OrganizationStatus.CLOSED:
            if has_open_payments:
                raise OrganizationHasOpenPayments
            self.status, self.closed_at = OrganizationStatus.CLOSED, now
            self.record(OrganizationClosedEvent(), now)

    def hand_over(self, now: datetime, *, from_user_id: UserId, to_user_id: UserId) -> None:
        """Note who owns the organization now; the memberships change their roles themselves."""
        self.record(OwnershipTransferredEvent(from_user_id=from_user_id, to_user_id=to_user_id), now)

    def _refuse_ended(self) -> None:
        if self.status is OrganizationStatus.CLOSED:
            raise OrganizationEnded
