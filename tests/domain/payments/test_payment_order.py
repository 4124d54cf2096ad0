"""A payment order collects its money once, or not at all."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.payments.order_number import order_number
from domain.payments.payment_attempt import ATTENTION_AFTER, AttemptOutcome, AttemptStatus, PaymentAttemptNotFound
from domain.payments.payment_order import LARGEST_ORDER, MAX_ATTEMPTS
from domain.payments.payment_order_errors import (
    PaymentAttemptsExhausted,
    PaymentOrderExpired,
    PaymentPermanentlyDeclined,
    RefundExceedsCaptured,
)
from domain.payments.payment_order_questions import orders_needing_attention
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.shared.errors import InvalidTransition, ValidationError
from domain.shared.ids import PaymentAttemptId, PaymentMethodId
from domain.shared.money import CurrencyMismatch, InvalidAmount, Money
from tests.domain.payments.builders import (
    DECLINED,
    DECLINED_FOR_GOOD,
    FIRST,
    METHOD,
    NOW,
    REFUND,
    SECOND,
    SUCCEEDED,
    UNKNOWN,
    an_order,
    an_order_after,
    an_order_in,
)

LATER = NOW + timedelta(minutes=1)
S = PaymentOrderStatus


def test_an_order_remembers_what_was_bought_through_which_link() -> None:
    """The amount is fixed when the order is opened."""
    order = an_order()
    assert (order.status, order.amount, order.quantity) == (S.PENDING, Money(3750, "EUR"), 3)
    assert [recorded.event.verb for recorded in order.pull_events()] == ["created"]


def test_an_order_of_nothing_is_not_opened() -> None:
    """Neither none of something nor something for nothing."""
    with pytest.raises(ValidationError):
        an_order(quantity=0)
    with pytest.raises(InvalidAmount):
        an_order(minor=0)


def test_a_failure_is_told_until_the_next_attempt_begins() -> None:
    """The attempts keep what the order forgets."""
    order = an_order_after(DECLINED)
    assert (order.failure_code, order.failed_at) == ("insufficient_funds", NOW)
    order.pay(SECOND, METHOD, LATER)
    assert (order.failure_code, order.failed_at, order.processing_at) == (None, None, LATER)
    assert [attempt.number for attempt in order.attempts] == [1, 2]
    assert order.attempts[0].decline_code == "insufficient_funds"


def test_a_decline_without_a_reason_still_has_a_code() -> None:
    """Programs always find one."""
    assert an_order_after(AttemptOutcome(status=AttemptStatus.DECLINED)).failure_code == "declined"


def test_what_was_declined_for_good_is_not_tried_again() -> None:
    """Cancelling is all that remains."""
    order = an_order_after(DECLINED_FOR_GOOD)
    with pytest.raises(PaymentPermanentlyDeclined):
        order.pay(SECOND, METHOD, LATER)
    order.cancel(LATER)
    assert (order.status, order.cancelled_at) == (S.CANCELLED, LATER)


def test_a_repeated_decline_does_not_disturb_the_present_attempt() -> None:
    """What is known already changes nothing."""
    order = an_order_after(DECLINED)
    order.pay(SECOND, METHOD, LATER)
    version = order.version
    assert order.conclude(FIRST, DECLINED, LATER) is None
    assert (order.status, order.version) == (S.PROCESSING, version)


def test_money_of_an_earlier_attempt_completes_the_order_and_that_of_the_next_is_a_surplus() -> None:
    """Both attempts collected; the order takes the first money that is told, and the other goes back."""
    order = an_order_after(DECLINED)
    order.pay(SECOND, METHOD, LATER)
    first = order.conclude(FIRST, SUCCEEDED, LATER)
    assert (order.status, order.captured) == (S.COMPLETED, order.amount)
    second = order.conclude(SECOND, SUCCEEDED, LATER)
    assert first is not None
    assert second is not None
    assert (first.surplus, second.surplus) == (False, True)
    assert (order.status, order.captured) == (S.COMPLETED, order.amount)
    assert [attempt.surplus for attempt in order.attempts] == [False, True]


def test_an_attempt_nobody_depends_on_may_be_declined_in_peace() -> None:
    """The order stays completed."""
    order = an_order_after(DECLINED)
    order.pay(SECOND, METHOD, LATER)
    order.conclude(FIRST, SUCCEEDED, LATER)
    assert order.conclude(SECOND, DECLINED, LATER) is None
    assert (order.status, order.failure_code) == (S.COMPLETED, None)


def test_nothing_undoes_a_success() -> None:
    """Neither a decline nor doubt that arrives later."""
    order = an_order_after(SUCCEEDED)
    version = order.version
    for outcome in (DECLINED, UNKNOWN, SUCCEEDED):
        assert order.conclude(FIRST, outcome, LATER) is None
    assert (order.status, order.version) == (S.COMPLETED, version)


def test_a_fee_may_come_with_the_money_or_later_and_counts_once() -> None:
    """It is added to the order when it is told, and told again it is no news."""
    with_fee = AttemptOutcome(status=AttemptStatus.SUCCEEDED, fee=Money(78, "EUR"))
    together, later = an_order(), an_order_after(SUCCEEDED)
    together.pay(FIRST, METHOD, NOW)
    collected = together.conclude(FIRST, with_fee, NOW)
    told = later.conclude(FIRST, with_fee, LATER)
    assert collected is not None
    assert told is not None
    assert (collected.money, collected.fee) == (Money(3750, "EUR"), Money(78, "EUR"))
    assert (told.money, told.fee) == (None, Money(78, "EUR"))
    assert together.conclude(FIRST, with_fee, LATER) is None
    assert later.conclude(FIRST, with_fee, LATER) is None
    assert together.fee == later.fee == Money(78, "EUR")


def test_a_fee_is_in_the_orders_currency() -> None:
    """And never negative."""
    order = an_order_after()
    with pytest.raises(CurrencyMismatch):
        order.conclude(FIRST, AttemptOutcome(status=AttemptStatus.SUCCEEDED, fee=Money(1, "SEK")), NOW)
    with pytest.raises(ValidationError):
        AttemptOutcome(status=AttemptStatus.SUCCEEDED, fee=Money(-1, "EUR"))


def test_an_order_is_tried_so_often_and_suggests_ever_later_when() -> None:
    """A minute, four, sixteen, an hour and a little; after the last failure there is no suggestion."""
    order, pauses = an_order(), []
    for number in range(1, MAX_ATTEMPTS + 1):
        order.pay(PaymentAttemptId(UUID(int=number)), METHOD, NOW)
        assert not order.retryable
        order.conclude(PaymentAttemptId(UUID(int=number)), DECLINED, NOW)
        pauses.append(order.next_retry_at and order.next_retry_at - NOW)
    assert pauses == [*(timedelta(minutes=minutes) for minutes in (1, 4, 16, 64)), None]
    with pytest.raises(PaymentAttemptsExhausted):
        order.pay(SECOND, METHOD, NOW)
    assert not order.retryable


def test_another_attempt_uses_the_failed_method_unless_another_is_given() -> None:
    """Only what failed is tried again."""
    order, other = an_order_after(DECLINED), PaymentMethodId(UUID(int=61))
    assert order.method_to_retry(None) == METHOD
    assert order.method_to_retry(other) == other
    for status in set(S) - {S.FAILED}:
        with pytest.raises(InvalidTransition):
            an_order_in(status).method_to_retry(METHOD)


def test_an_order_waits_a_day_and_is_then_neither_paid_nor_tried_again() -> None:
    """An attempt that is on its way then may still succeed."""
    order = an_order()
    assert order.expires_at == NOW + timedelta(days=1)
    too_late = NOW + timedelta(days=1)
    for each in (order, an_order_after(DECLINED)):
        with pytest.raises(PaymentOrderExpired):
            each.pay(SECOND, METHOD, too_late)
    paying = an_order_after()
    paying.conclude(FIRST, SUCCEEDED, too_late)
    assert paying.status is S.COMPLETED


def test_looking_up_in_vain_asks_for_attention_and_goes_on() -> None:
    """What was not asked for does not count, and the outcome ends the worry."""
    order, in_vain = an_order_after(UNKNOWN), AttemptOutcome(status=AttemptStatus.UNKNOWN, looked_up=True)
    for lookups in range(1, ATTENTION_AFTER + 3):
        order.conclude(FIRST, UNKNOWN, LATER)
        order.conclude(FIRST, in_vain, LATER)
        assert order.attempts[0].lookups == lookups
        assert (order.attention_at is not None) is (lookups >= ATTENTION_AFTER)
    verbs = [recorded.event.verb for recorded in order.pull_events()]
    assert verbs.count("needs_attention") == 1
    assert verbs.count("still_unknown") == ATTENTION_AFTER + 2
    assert orders_needing_attention(NOW).is_satisfied_by(order)
    order.conclude(FIRST, SUCCEEDED, LATER)
    assert order.attention_at is None


def test_refunds_never_exceed_what_was_collected() -> None:
    """Neither done nor under way; what failed may be refunded again."""
    order, sixty = an_order_after(SUCCEEDED), Money(2250, "EUR")
    order.reserve_refund(REFUND, sixty, LATER)
    with pytest.raises(RefundExceedsCaptured):
        order.reserve_refund(REFUND, sixty, LATER)
    order.release_refund(REFUND, sixty, LATER)
    order.reserve_refund(REFUND, sixty, LATER)
    order.settle_refund(REFUND, sixty, LATER)
    assert (order.status, order.refunded, order.refundable) == (S.PARTIALLY_REFUNDED, sixty, Money(1500, "EUR"))
    with pytest.raises(RefundExceedsCaptured):
        order.reserve_refund(REFUND, Money(1501, "EUR"), LATER)
    order.settle_refund(REFUND, order.reserve_refund(REFUND, None, LATER), LATER)
    assert (order.status, order.refunded, order.refunded_at) == (S.REFUNDED, order.amount, LATER)


def test_a_refund_of_nothing_or_in_other_money_is_refused() -> None:
    """Also of all that is left when nothing is."""
    order = an_order_after(SUCCEEDED)
    for amount, error in ((Money(0, "EUR"), InvalidAmount), (Money(-1, "EUR"), InvalidAmount)):
        with pytest.raises(error):
            order.reserve_refund(REFUND, amount, LATER)
    with pytest.raises(CurrencyMismatch):
        order.reserve_refund(REFUND, Money(1, "SEK"), LATER)
    order.reserve_refund(REFUND, None, LATER)
    with pytest.raises(RefundExceedsCaptured):
        order.reserve_refund(REFUND, None, LATER)


def test_an_unknown_outcome_is_concluded_when_it_becomes_known() -> None:
    """Until then the attempt has no end."""
    order = an_order_after(UNKNOWN)
    (waiting,) = order.attempts
    assert waiting.concluded_at is None
    assert order.attempt_in(AttemptStatus.UNKNOWN) is waiting
    order.conclude(FIRST, SUCCEEDED, LATER)
    (concluded,) = order.attempts
    assert order.completed_at == concluded.concluded_at == LATER
    assert order.attempt_in(AttemptStatus.UNKNOWN) is None


def test_submitted_is_no_outcome() -> None:
    """Nobody can send an attempt back to where it began."""
    with pytest.raises(ValidationError):
        AttemptOutcome(status=AttemptStatus.SUBMITTED)


def test_an_attempt_of_another_order_is_not_found() -> None:
    """Ids are looked up within the order only."""
    with pytest.raises(PaymentAttemptNotFound):
        an_order_after().conclude(PaymentAttemptId(UUID(int=999)), SUCCEEDED, LATER)


@pytest.mark.parametrize(
    ("n", "text"),
    [(1, "20260314-000001"), (999_999, "20260314-999999"), (1_000_000, "20260314-1000000")],
)
def test_numbers_have_six_digits_until_they_need_more(n: int, text: str) -> None:
    """The day comes first, and no day ever runs out."""
    assert order_number(datetime(2026, 3, 14, 23, 59, tzinfo=UTC), n) == text


def test_numbers_start_at_one() -> None:
    """A counter that hands out zero is broken."""
    with pytest.raises(ValueError, match="start at 1"):
        order_number(NOW, 0)


def test_an_order_has_a_largest_amount() -> None:
    """Sums over all orders of an organization stay within 64 bits, because no single order comes near them."""
    assert an_order(LARGEST_ORDER).amount.minor == 999_999_999_999
    with pytest.raises(InvalidAmount, match="at most 999999999999"):
        an_order(LARGEST_ORDER + 1)
