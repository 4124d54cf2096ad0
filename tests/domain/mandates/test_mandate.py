"""What a mandate allows and refuses, to the last minor unit."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.mandates import errors
from domain.mandates.mandate import MandateStatus, Purchase
from domain.mandates.mandate_hold import HoldStatus, Windows
from domain.shared.errors import InvalidTransition
from domain.shared.ids import PaymentLinkId, ProductId
from domain.shared.money import InvalidCurrency, Money
from tests.domain.mandates.builders import LINK, NOTHING, NOW, PRODUCT, a_mandate, a_purchase, hold_id, limits

LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize(("currency", "minor"), [("EUR", 29), ("JPY", 29), ("KWD", 29), ("EUR", 10_000)])
def test_exactly_what_is_left_can_be_spent(currency: str, minor: int) -> None:
    """The last unit fits and one more does not, whatever the currency's decimals."""
    mandate = a_mandate(currency, total=minor)
    with pytest.raises(errors.MandateExceeded) as refused:
        mandate.reserve(a_purchase(minor + 1, currency), NOTHING, id=hold_id(), now=NOW)
    assert refused.value.details == {"limit": "total", "left": minor, "currency": currency}
    mandate.reserve(a_purchase(minor, currency), NOTHING, id=hold_id(), now=NOW)
    assert (mandate.reserved_minor, mandate.left(NOTHING)) == (minor, Money(0, currency))
    with pytest.raises(errors.MandateExceeded):
        mandate.reserve(a_purchase(1, currency, n=2), NOTHING, id=hold_id(2), now=NOW)


def test_the_message_says_what_is_left_in_the_currency_s_own_decimals() -> None:
    """1.000 KWD are 1,000 of its units."""
    with pytest.raises(errors.MandateExceeded, match=r"total leaves 1\.000 KWD"):
        a_mandate("KWD", total=1000).reserve(a_purchase(1001, "KWD"), NOTHING, id=hold_id(), now=NOW)


@pytest.mark.parametrize(
    ("limit", "windows"),
    [
        ("per_payment", NOTHING),
        ("per_day", Windows(day_minor=60, rolling_minor=60)),
        ("per_30_days", Windows(day_minor=0, rolling_minor=60)),
    ],
)
def test_every_limit_binds_by_itself(limit: str, windows: Windows) -> None:
    """The limit that leaves least is the one that is named."""
    mandate = a_mandate(total=10_000, **{limit: 100})  # type: ignore[arg-type]  # reason: one of its limits
    left = 100 if limit == "per_payment" else 40
    with pytest.raises(errors.MandateExceeded) as refused:
        mandate.reserve(a_purchase(left + 1), windows, id=hold_id(), now=NOW)
    assert (refused.value.details["limit"], refused.value.details["left"]) == (limit, left)
    assert mandate.reserve(a_purchase(left), windows, id=hold_id(), now=NOW).amount == Money(left, "EUR")


def test_a_hold_is_spent_or_given_back_once() -> None:
    """Counters follow the holds, and repeating changes nothing."""
    mandate = a_mandate()
    kept = mandate.reserve(a_purchase(29), NOTHING, id=hold_id(), now=NOW)
    lost = mandate.reserve(a_purchase(71, n=2), NOTHING, id=hold_id(2), now=NOW)
    for _ in range(2):
        mandate.spend(kept, LATER)
        mandate.release(lost, LATER)
    mandate.release(kept, LATER)
    assert (mandate.spent_minor, mandate.reserved_minor) == (29, 0)
    assert (kept.status, lost.status) == (HoldStatus.COMMITTED, HoldStatus.RELEASED)
    with pytest.raises(InvalidTransition):
        mandate.spend(lost, LATER)


def test_above_the_threshold_a_hold_waits_and_keeps_its_money() -> None:
    """At the threshold the agent decides alone; above it the money is set aside until a person agrees."""
    mandate = a_mandate(total=10_000, approval_threshold=5000)
    assert not mandate.reserve(a_purchase(5000), NOTHING, id=hold_id(), now=NOW).waiting
    hold = mandate.reserve(a_purchase(5000 - 1, n=2), NOTHING, id=hold_id(2), now=NOW)
    assert not hold.waiting
    mandate.release(hold, NOW)
    mandate.approval_threshold_minor = 10
    waiting = mandate.reserve(a_purchase(5000, n=3), NOTHING, id=hold_id(3), now=NOW)
    assert (waiting.waiting, waiting.counted_at, mandate.reserved_minor) == (True, None, 10_000)
    with pytest.raises(InvalidTransition):
        mandate.spend(waiting, LATER)
    mandate.begin(waiting, LATER)
    assert (waiting.waiting, waiting.counted_at) == (False, LATER)
    with pytest.raises(InvalidTransition):
        mandate.begin(waiting, LATER)
    mandate.spend(waiting, LATER)
    assert mandate.spent_minor == 5000


def test_what_ended_meanwhile_cannot_begin() -> None:
    """A revoked mandate, an expired one and a lower limit for one payment stop what still waits."""
    for ending, error in (("revoke", errors.MandateRevoked), ("limit", errors.MandateExceeded)):
        mandate = a_mandate(total=10_000, approval_threshold=10)
        waiting = mandate.reserve(a_purchase(5000), NOTHING, id=hold_id(), now=NOW)
        if ending == "revoke":
            mandate.revoke("usr_ana", LATER)
        else:
            mandate.update_limits(limits(total=10_000, per_payment=4999), NOTHING, LATER)
        with pytest.raises(error):
            mandate.begin(waiting, LATER)
        assert mandate.reserved_minor == 5000


def test_a_tool_that_costs_more_than_the_threshold_is_refused() -> None:
    """Nobody could approve it in time; below, it spends like a payment, whatever products the mandate names."""
    mandate = a_mandate(total=10_000, approval_threshold=100, products=[PRODUCT])
    tool = mandate.reserve(Purchase(amount=Money(100, "EUR")), NOTHING, id=hold_id(), now=NOW)
    assert tool.counted_at == NOW
    with pytest.raises(errors.MandateExceeded, match="approval_threshold"):
        mandate.reserve(Purchase(amount=Money(101, "EUR")), NOTHING, id=hold_id(2), now=NOW)


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"products": [ProductId(UUID(int=99))]}, errors.MandateProductNotAllowed),
        ({"links": [PaymentLinkId(UUID(int=99))]}, errors.MandateLinkNotAllowed),
        ({"currency": "USD"}, errors.MandateCurrencyMismatch),
        ({"expires_at": NOW + timedelta(seconds=1)}, errors.MandateExpired),
    ],
)
def test_what_a_mandate_does_not_cover_is_refused(terms: dict[str, object], error: type[Exception]) -> None:
    """Other products, links and currencies, and any time after the expiry."""
    mandate = a_mandate(**terms)  # type: ignore[arg-type]  # reason: one of its keywords each
    with pytest.raises(error):
        mandate.reserve(a_purchase(1), NOTHING, id=hold_id(), now=NOW + timedelta(seconds=1))
    assert mandate.reserved_minor == 0


def test_named_products_and_links_are_covered() -> None:
    """Both lists have to agree when both are there."""
    mandate = a_mandate(products=[PRODUCT, PRODUCT], links=[LINK])
    assert (mandate.product_ids, mandate.payment_link_ids) == ([PRODUCT], [LINK])
    mandate.reserve(a_purchase(1), NOTHING, id=hold_id(), now=NOW)


@pytest.mark.parametrize(
    "terms", [{"approval_threshold": 5}, {"total": 0}, {"total": 10**18 + 1}, {"total": 5, "approval_threshold": -1}]
)
def test_terms_that_make_no_mandate_are_refused(terms: dict[str, int]) -> None:
    """A threshold alone limits nothing, and a limit of nothing is none."""
    with pytest.raises(errors.InvalidMandate):
        a_mandate(**terms)  # type: ignore[arg-type]  # reason: one of its limits


def test_a_mandate_is_in_one_real_currency_and_ends_in_the_future() -> None:
    """Limits cannot be in another one."""
    with pytest.raises(InvalidCurrency):
        a_mandate("XXQ")
    with pytest.raises(errors.InvalidMandate):
        a_mandate(expires_at=NOW)
    with pytest.raises(errors.InvalidMandate):
        a_mandate().update_limits(limits("USD", total=5), NOTHING, NOW)


@pytest.mark.parametrize("limit", ["per_day", "per_30_days", "total"])
def test_no_limit_falls_below_what_is_spent(limit: str) -> None:
    """What is reserved counts as well; exactly as much is still possible."""
    mandate = a_mandate()
    mandate.spend(mandate.reserve(a_purchase(40), NOTHING, id=hold_id(), now=NOW), NOW)
    mandate.reserve(a_purchase(20, n=2), NOTHING, id=hold_id(2), now=NOW)
    windows = Windows(day_minor=60, rolling_minor=60)
    with pytest.raises(errors.LimitBelowSpent) as refused:
        mandate.update_limits(limits(**{limit: 59}), windows, LATER)  # type: ignore[arg-type]  # reason: one of its limits
    assert refused.value.details == {"limit": limit, "least": 60, "currency": "EUR"}
    mandate.update_limits(limits(**{limit: 60}), windows, LATER)  # type: ignore[arg-type]  # reason: one of its limits
    assert mandate.left(windows).is_zero


def test_an_ended_mandate_stays_as_it_ended() -> None:
    """Revoking twice, and revoking what expired, change nothing; neither can be given other limits."""
    revoked, expired = a_mandate(), a_mandate(expires_at=LATER)
    expired.expire(NOW)
    assert (expired.status, expired.is_over(NOW), expired.is_over(LATER)) == (MandateStatus.ACTIVE, False, True)
    expired.expire(LATER)
    for mandate in (revoked, expired):
        for _ in range(2):
            mandate.revoke("usr_ana", LATER)
    assert (revoked.status, expired.status) == (MandateStatus.REVOKED, MandateStatus.EXPIRED)
    for mandate, error in ((revoked, errors.MandateRevoked), (expired, errors.MandateExpired)):
        with pytest.raises(error):
            mandate.update_limits(limits(total=20_000), NOTHING, LATER)
