"""Questions about payment links."""

from datetime import datetime
from typing import assert_never

from domain.payments.payment_link import PaymentLink, PaymentLinkAvailability, PaymentLinkStatus
from domain.shared.ids import PriceId, ProductId
from domain.shared.specification import Equal, Everything, GreaterThan, IsNull, LessOrEqual, Spec
from domain.shared.specification_fields import LessThanField
from domain.shared.specification_values import Now
from domain.shared.text import check_slug


def links_active() -> Spec[PaymentLink]:
    """Links that nobody switched off, whatever a buyer finds there."""
    return Equal("status", PaymentLinkStatus.ACTIVE)


def links_expired(now: datetime) -> Spec[PaymentLink]:
    """Links whose time is over, by the clock and not by any job."""
    return LessOrEqual("expires_at", Now.of(now))


def links_with_uses_left() -> Spec[PaymentLink]:
    """Links without a limit of uses, or below it."""
    unlimited: Spec[PaymentLink] = IsNull("max_uses")
    return unlimited | LessThanField("uses", "max_uses")


def links_available(availability: PaymentLinkAvailability, now: datetime) -> Spec[PaymentLink]:
    """Links of which :meth:`PaymentLink.availability` says this at this moment."""
    running: Spec[PaymentLink] = links_active() & (IsNull("expires_at") | GreaterThan("expires_at", Now.of(now)))
    match availability:
        case PaymentLinkAvailability.DEACTIVATED:
            return ~links_active()
        case PaymentLinkAvailability.EXPIRED:
            return links_active() & links_expired(now)
        case PaymentLinkAvailability.USED_UP:
            return running & ~links_with_uses_left()
        case PaymentLinkAvailability.OPEN:
            return running & links_with_uses_left()
    assert_never(availability)


def links_matching(
    *,
    slug: str | None = None,
    status: PaymentLinkStatus | None = None,
    product_id: ProductId | None = None,
    price_id: PriceId | None = None,
) -> Spec[PaymentLink]:
    """Links with exactly the values that are given.

    Raises:
        InvalidSlug: ``slug`` is none, in whatever spelling.
    """
    found: Spec[PaymentLink] = Everything() if slug is None else Equal("slug", check_slug(slug))
    for field, value in {"status": status, "product_id": product_id, "price_id": price_id}.items():
        if value is not None:
            found &= Equal(field, value)
    return found
