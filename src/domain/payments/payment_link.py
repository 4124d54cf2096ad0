"""A payment link: a public address where one product can be bought at one price."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.payments.success_url import check_success_url
from domain.shared.entity import Entity
from domain.shared.errors import BusinessRuleViolation, DuplicateError, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, PaymentLinkId, PriceId, ProductId
from domain.shared.text import DESCRIPTION, NAME, check_slug


class SlugTaken(DuplicateError):
    """Another link, of whatever organization, has this slug."""

    code = "slug_taken"
    summary = "The slug is taken."


class PaymentLinkExpired(BusinessRuleViolation):
    """The link's time is over."""

    code = "payment_link_expired"
    summary = "The payment link has expired."


class PaymentLinkUsedUp(BusinessRuleViolation):
    """The link was used as often as it may be."""

    code = "payment_link_used_up"
    summary = "The payment link is used up."


class PaymentLinkDeactivated(BusinessRuleViolation):
    """The link was switched off for good."""

    code = "payment_link_deactivated"
    summary = "The payment link is deactivated."


class PaymentLinkStatus(StrEnum):
    """What the organization wants of the link."""

    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class PaymentLinkAvailability(StrEnum):
    """What a buyer finds behind the link at some moment."""

    OPEN = "open"
    EXPIRED = "expired"
    USED_UP = "used_up"
    DEACTIVATED = "deactivated"


_REFUSALS = {
    PaymentLinkAvailability.EXPIRED: PaymentLinkExpired,
    PaymentLinkAvailability.USED_UP: PaymentLinkUsedUp,
    PaymentLinkAvailability.DEACTIVATED: PaymentLinkDeactivated,
}


@frozen(kw_only=True)
class PaymentLinkCreatedEvent(DomainEvent):
    """A product can be bought under a public address."""

    verb: ClassVar[str] = "created"
    slug: str
    product_id: ProductId
    price_id: PriceId


@frozen(kw_only=True)
class PaymentLinkRedeemedEvent(DomainEvent):
    """An order took one use, or took one again after it had failed; ``uses`` counts it."""

    verb: ClassVar[str] = "redeemed"
    uses: int


@frozen(kw_only=True)
class PaymentLinkReleasedEvent(DomainEvent):
    """An order that failed, expired or was cancelled gave its use back; ``uses`` no longer counts it."""

    verb: ClassVar[str] = "released"
    uses: int


@frozen(kw_only=True)
class PaymentLinkDeactivatedEvent(DomainEvent):
    """The link was switched off for good."""

    verb: ClassVar[str] = "deactivated"


@frozen(kw_only=True)
class PaymentLinkExpiredEvent(DomainEvent):
    """The link's time was ended before it was over by itself, of which there is no event."""

    verb: ClassVar[str] = "expired"


@define(kw_only=True, eq=False)
class PaymentLink(Entity):
    """A public address. Every order takes one of ``max_uses`` until it fails or is given up; None is no limit.

    ``title`` and ``description`` are for the buyer, in place of the product's; ``success_url`` is where a browser goes
    once the order is paid.
    """

    kind: ClassVar[str] = "payment_link"

    id: PaymentLinkId
    slug: str
    product_id: ProductId
    price_id: PriceId
    status: PaymentLinkStatus
    max_uses: int | None
    uses: int
    expires_at: datetime | None
    title: str | None = None
    description: str = ""
    success_url: str | None = None

    @classmethod
    def create(
        cls,
        *,
        id: PaymentLinkId,
        organization_id: OrganizationId,
        slug: str,
        product_id: ProductId,
        price_id: PriceId,
        max_uses: int | None = None,
        expires_at: datetime | None = None,
        title: str | None = None,
        description: str = "",
        success_url: str | None = None,
        now: datetime,
    ) -> Self:
        """Open a public address for a product at a price.

        Raises:
            InvalidSlug: the slug is not acceptable.
            InvalidText: title or description is not acceptable.
            InvalidUrl: the success URL is not acceptable.
            ValidationError: not even one use, or an expiry that is over.
        """
        _check_max_uses(max_uses, at_least=1)
        _check_future(expires_at, now)
        link = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, slug=check_slug(slug),
            product_id=product_id, price_id=price_id, status=PaymentLinkStatus.ACTIVE, max_uses=max_uses, uses=0,
            expires_at=expires_at, title=_title(title), description=DESCRIPTION.check(description),
            success_url=_url(success_url),
        )  # fmt: skip
        link.record(PaymentLinkCreatedEvent(slug=link.slug, product_id=product_id, price_id=price_id), now)
        return link

    def availability(self, now: datetime) -> PaymentLinkAvailability:
        """Say what a buyer finds; it is the only place that decides whether the link can be used."""
        if self.status is PaymentLinkStatus.DEACTIVATED:
            return PaymentLinkAvailability.DEACTIVATED
        if self.expires_at is not None and self.expires_at <= now:
            return PaymentLinkAvailability.EXPIRED
        if self.max_uses is not None and self.uses >= self.max_uses:
            return PaymentLinkAvailability.USED_UP
        return PaymentLinkAvailability.OPEN

    def redeem(self, now: datetime) -> None:
        """Take one use; raises as :meth:`ensure_open`."""
        self.ensure_open(now)
        self.uses += 1
        self.record(PaymentLinkRedeemedEvent(uses=self.uses), now)

    def ensure_open(self, now: datetime) -> None:
        """Refuse what :meth:`redeem` would refuse.

        Raises:
            PaymentLinkDeactivated: the link is switched off.
            PaymentLinkExpired: its time is over.
            PaymentLinkUsedUp: no use is left.
        """
        refusal = _REFUSALS.get(self.availability(now))
        if refusal is not None:
            raise refusal

    def reclaim(self, now: datetime) -> bool:
        """Take a use for money that arrived after all, and say whether one was left.

        The link's end does not matter, for the buyer came before it.
        """
        if self.max_uses is not None and self.uses >= self.max_uses:
            return False
        self.uses += 1
        self.record(PaymentLinkRedeemedEvent(uses=self.uses), now)
        return True

    def release(self, now: datetime) -> None:
        """Give one use back, whatever became of the link since; with none taken nothing changes."""
        if self.uses > 0:
            self.uses -= 1
            self.record(PaymentLinkReleasedEvent(uses=self.uses), now)

    def deactivate(self, now: datetime) -> None:
        """Switch the link off for good; doing it twice changes nothing."""
        if self.status is PaymentLinkStatus.ACTIVE:
            self.status = PaymentLinkStatus.DEACTIVATED
            self.record(PaymentLinkDeactivatedEvent(), now)

    def expire(self, now: datetime) -> None:
        """End the link's time now; ending it twice changes nothing, and a later expiry may be set afterwards.

        Raises:
            PaymentLinkDeactivated: the link is switched off.
        """
        if self.status is PaymentLinkStatus.DEACTIVATED:
            raise PaymentLinkDeactivated
        if self.expires_at is None or self.expires_at > now:
            self.expires_at = now
            self.record(PaymentLinkExpiredEvent(), now)

    def edit(
        self,
        now: datetime,
        *,
        max_uses: int | None,
        expires_at: datetime | None,
        title: str | None,
        description: str,
        success_url: str | None,
    ) -> None:
        """Set new limits and texts; an expiry that is over may stay but not be chosen.

        Raises:
            PaymentLinkDeactivated: the link is switched off.
            ValidationError: fewer uses than were taken, or an expiry that is over.
            InvalidText: title or description is not acceptable.
            InvalidUrl: the success URL is not acceptable.
        """
        if self.status is PaymentLinkStatus.DEACTIVATED:
            raise PaymentLinkDeactivated
        _check_max_uses(max_uses, at_least=max(self.uses, 1))
        if expires_at != self.expires_at:
            _check_future(expires_at, now)
        self.amend(
            now, max_uses=max_uses, expires_at=expires_at, title=_title(title),
            description=DESCRIPTION.check(description), success_url=_url(success_url),
        )  # fmt: skip


def _title(value: str | None) -> str | None:
    return None if value is None else NAME.check(value)


def _url(value: str | None) -> str | None:
    return None if value is None else check_success_url(value)


def _check_max_uses(max_uses: int | None, *, at_least: int) -> None:
    if max_uses is not None and max_uses < at_least:
        raise ValidationError(f"The link needs at least {at_least} uses.", path="max_uses", at_least=at_least)


def _check_future(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise ValidationError("The expiry must lie in the future.", path="expires_at")
