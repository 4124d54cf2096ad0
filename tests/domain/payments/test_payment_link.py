"""Payment links sell while they are open."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from domain.payments.link_specifications import links_available, links_matching
from domain.payments.link_statistics import LinkStatistics
from domain.payments.payment_link import (
    PaymentLink,
    PaymentLinkAvailability,
    PaymentLinkDeactivated,
    PaymentLinkExpired,
    PaymentLinkStatus,
    PaymentLinkUsedUp,
)
from domain.payments.success_url import InvalidUrl, check_success_url
from domain.shared.errors import ValidationError
from domain.shared.ids import OrganizationId, PaymentLinkId, PriceId, ProductId
from domain.shared.text import InvalidSlug, InvalidText

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
        edit(link, LATER)
    with pytest.raises(PaymentLinkDeactivated):
        link.expire(LATER)


def test_a_release_reaches_a_deactivated_link() -> None:
    """An order cancelled later still gives its use back."""
    link = a_link(max_uses=1)
    link.redeem(NOW)
    link.deactivate(NOW)
    link.release(LATER)
    assert link.uses == 0


def edit(link: PaymentLink, at: datetime, **changes: Any) -> None:  # reason: any of the editable attributes
    """Edit a link, leaving the rest as it is."""
    present = {name: getattr(link, name) for name in ("max_uses", "expires_at", "title", "description", "success_url")}
    link.edit(at, **{**present, **changes})


def test_limits_are_edited_around_what_was_used() -> None:
    """An expired link may get more uses, but a new expiry lies in the future."""
    link = a_link(max_uses=2, expires_at=LATER)
    link.redeem(NOW)
    link.redeem(NOW)
    edit(link, LATER, max_uses=3)
    assert link.max_uses == 3
    with pytest.raises(ValidationError):
        edit(link, LATER, max_uses=1, expires_at=None)
    with pytest.raises(ValidationError):
        edit(link, LATER, expires_at=NOW)
    edit(link, LATER, max_uses=None, expires_at=None)
    assert link.availability(LATER) is PaymentLinkAvailability.OPEN


def test_a_link_is_ended_now_and_can_be_reopened() -> None:
    """Ending it twice is one fact, one that is over by itself is none, and a later expiry opens it again."""
    link = a_link(expires_at=LATER)
    link.expire(NOW)
    link.expire(NOW)
    assert link.availability(NOW) is PaymentLinkAvailability.EXPIRED
    assert [recorded.event.verb for recorded in link.pull_events()] == ["created", "expired"]
    edit(link, NOW, expires_at=LATER)
    link.redeem(NOW)
    link.pull_events()
    link.expire(LATER)
    assert link.pull_events() == []


def test_what_the_buyer_is_told_is_checked() -> None:
    """Title and description by the rules of names and descriptions, the URL by its own."""
    link = a_link()
    edit(link, NOW, title=" Spring roast ", description="A bag.", success_url="https://harbour.example/thanks?a=1#b")
    assert (link.title, link.description) == ("Spring roast", "A bag.")
    with pytest.raises(InvalidText):
        edit(link, NOW, title="<b>")
    with pytest.raises(InvalidUrl):
        edit(link, NOW, success_url="http://harbour.example")


@pytest.mark.parametrize(
    "url",
    [
        "https://harbour.example", "https://harbour.example/", "https://xn--caf-dma.example:8443/a/b.html?x=%20&y=[1]",
        "https://localhost?x", "https://a.b#c", "https://127.0.0.1/",
    ],
)  # fmt: skip
def test_a_plain_https_address_is_kept_as_it_is(url: str) -> None:
    """Port, path, query and fragment belong to it."""
    assert check_success_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "", "harbour.example", "//harbour.example", "http://harbour.example", "javascript:alert(1)", "https://",
        "https:///path", "https://user@harbour.example", "https://user:pass@harbour.example/", "https://a b.example",
        "https://harbour.example/\n", "https://harbour.example\\@evil.example", "https://caf\u00e9.example",
        "https://-a.example", "https://a..b", "https://a.example:", "https://a.example:x", 'https://a.example/"',
        "https://a.example/<b>", "https://[::1]/", "data:text/html,x", "https://a.example/" + "a" * 2000,
    ],
)  # fmt: skip
def test_whatever_is_no_plain_https_address_is_refused(url: str) -> None:
    """Other schemes, credentials, white space and what browsers read in their own way."""
    with pytest.raises(InvalidUrl):
        check_success_url(url)


def test_links_are_found_by_what_is_asked() -> None:
    """What is not asked excludes nothing."""
    link = a_link()
    assert links_matching().is_satisfied_by(link)
    assert links_matching(slug="SPRING", status=PaymentLinkStatus.ACTIVE, product_id=PRODUCT).is_satisfied_by(link)
    assert links_matching(price_id=link.price_id).is_satisfied_by(link)
    assert not links_matching(status=PaymentLinkStatus.DEACTIVATED).is_satisfied_by(link)
    assert not links_matching(slug="summer").is_satisfied_by(link)
    with pytest.raises(InvalidSlug):
        links_matching(slug="a b")


@given(
    st.sampled_from(PaymentLinkStatus), st.none() | st.integers(1, 3), st.integers(0, 3),
    st.none() | st.sampled_from([NOW, LATER]), st.sampled_from([NOW, LATER]),
)  # fmt: skip
def test_every_link_is_found_by_exactly_the_availability_it_has(
    status: PaymentLinkStatus, max_uses: int | None, uses: int, expires_at: datetime | None, now: datetime
) -> None:
    """The specification and the link's own answer agree at every moment, so that lists show what buyers find."""
    link = evolve(a_link(), status=status, max_uses=max_uses, uses=uses, expires_at=expires_at)
    found = [each for each in PaymentLinkAvailability if links_available(each, now).is_satisfied_by(link)]
    assert found == [link.availability(now)]


def test_rates_are_exact_decimals_and_absent_without_anything_to_divide_by() -> None:
    """No binary fraction is involved."""
    none = LinkStatistics(views=0, orders=0, completed=0, gross=())
    assert (none.conversion_rate, none.payment_rate) == (None, None)
    some = LinkStatistics(views=300, orders=7, completed=2, gross=())
    assert (some.conversion_rate, some.payment_rate) == ("0.0067", "0.2857")
