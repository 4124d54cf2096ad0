"""Payment links sell while they are open."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.payments.payment_link import (
    PaymentLink,
    PaymentLinkAvailability,
    PaymentLinkDeactivated,
    PaymentLinkExpired,
    PaymentLinkStatus,
    PaymentLinkUsedUp,
)
from domain.payments.specifications import links_matching
from domain.shared.errors import ValidationError
from domain.shared.ids import OrganizationId, PaymentLinkId, PriceId, ProductId
from domain.shared.text import InvalidSlug

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
PRODUCT = ProductId(UUID(int=3))


def a_link(max_uses: int | None = None, expires_at: datetime | None = None, slug: str = "Spring") -> PaymentLink:
    return PaymentLink.create(
        id=PaymentLinkId(UUID(int=1)),
        organization_id=OrganizationId(UUID(int=2)),
        slug=slug,
        product_id=PRODUCT,
        price_id=PriceId(UUID(int=4)),
        max_uses=max_uses,
        expires_at=expires_at,
        now=NOW,
    )


def test_a_link_has_one_spelling_of_its_slug() -> None:
    """And no spelling at all where none can be read."""
    assert a_link().slug == "spring"
    with pytest.raises(InvalidSlug):
        a_link(slug="a b")


@pytest.mark.parametrize(("max_uses", "expires_at"), [(0, None), (None, NOW), (None, NOW - timedelta(days=1))])
def test_a_link_that_could_sell_nothing_is_not_created(max_uses: int | None, expires_at: datetime | None) -> None:
    """No use, or no time: both are mistakes of the caller."""
    with pytest.raises(ValidationError):
        a_link(max_uses, expires_at)


def test_the_last_use_closes_the_link_and_a_cancelled_order_opens_it_again() -> None:
    """Uses are counted, not remembered."""
    link = a_link(max_uses=1)
    link.redeem(NOW)
    assert link.availability(NOW) is PaymentLinkAvailability.USED_UP
    with pytest.raises(PaymentLinkUsedUp):
        link.redeem(NOW)
    link.release(NOW)
    link.redeem(NOW)
    assert [recorded.event.verb for recorded in link.pull_events()] == ["created", "redeemed", "released", "redeemed"]


def test_a_link_without_limit_never_runs_out() -> None:
    """Every use is counted all the same."""
    link = a_link()
    for _ in range(50):
        link.redeem(NOW)
    assert link.uses == 50


def test_releasing_never_counts_below_zero() -> None:
    """Nothing was taken, so nothing changes."""
    link = a_link()
    link.release(NOW)
    assert (link.uses, link.version) == (0, 1)


def test_a_link_sells_until_the_moment_it_expires() -> None:
    """The moment of expiry itself is too late."""
    link = a_link(expires_at=LATER)
    link.redeem(LATER - timedelta(microseconds=1))
    with pytest.raises(PaymentLinkExpired):
        link.redeem(LATER)


def test_deactivating_is_final_and_repeatable() -> None:
    """Whatever else holds of the link, deactivated comes first."""
    link = a_link(max_uses=1, expires_at=LATER)
    link.redeem(NOW)
    link.deactivate(NOW)
    link.deactivate(LATER)
    assert link.status is PaymentLinkStatus.DEACTIVATED
    assert link.availability(LATER) is PaymentLinkAvailability.DEACTIVATED
    with pytest.raises(PaymentLinkDeactivated):
        link.redeem(LATER)
    with pytest.raises(PaymentLinkDeactivated):
        link.edit(LATER, max_uses=None, expires_at=None)


def test_a_release_reaches_a_deactivated_link() -> None:
    """An order cancelled later still gives its use back."""
    link = a_link(max_uses=1)
    link.redeem(NOW)
    link.deactivate(NOW)
    link.release(LATER)
    assert link.uses == 0


def test_limits_are_edited_around_what_was_used() -> None:
    """An expired link may get more uses, but a new expiry lies in the future."""
    link = a_link(max_uses=2, expires_at=LATER)
    link.redeem(NOW)
    link.redeem(NOW)
    link.edit(LATER, max_uses=3, expires_at=LATER)
    assert link.max_uses == 3
    with pytest.raises(ValidationError):
        link.edit(LATER, max_uses=1, expires_at=None)
    with pytest.raises(ValidationError):
        link.edit(LATER, max_uses=3, expires_at=NOW)
    link.edit(LATER, max_uses=None, expires_at=None)
    assert link.availability(LATER) is PaymentLinkAvailability.OPEN


def test_links_are_found_by_what_is_asked() -> None:
    """What is not asked excludes nothing."""
    link = a_link()
    assert links_matching().is_satisfied_by(link)
    assert links_matching(status=PaymentLinkStatus.ACTIVE, product_id=PRODUCT).is_satisfied_by(link)
    assert not links_matching(status=PaymentLinkStatus.DEACTIVATED).is_satisfied_by(link)
