"""A payment order collects its money once, or not at all."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.payments.payment_attempt import AttemptOutcome, AttemptStatus, PaymentAttemptNotFound
from domain.payments.payment_order import (
    TRANSITIONS,
    PaymentInProgress,
    PaymentOrder,
    PaymentOrderStatus,
    PaymentPermanentlyDeclined,
    order_number,
)
from domain.payments.specifications import (
    HighValuePaymentOrdersSpec,
    RetryablePaymentOrdersSpec,
    orders_in_flight_on_method,
    orders_matching,
    orders_open_for_customer,
)
from domain.shared.errors import InvalidTransition, StoaError, ValidationError
from domain.shared.ids import CustomerId, PaymentAttemptId, PaymentMethodId
from domain.shared.money import InvalidAmount, Money
from tests.domain.payments.builders import (
    CUSTOMER,
    DECLINED,
    DECLINED_FOR_GOOD,
    FIRST,
    METHOD,
    NOW,
    SECOND,
    SUCCEEDED,
    UNKNOWN,
    an_order,
    an_order_after,
    an_order_in,
)

LATER = NOW + timedelta(minutes=1)
S = PaymentOrderStatus
Action = Callable[[PaymentOrder], None]


def pay(order: PaymentOrder) -> None:
    order.pay(SECOND, METHOD, LATER)


def cancel(order: PaymentOrder) -> None:
    order.cancel(LATER)


def learn(outcome: AttemptOutcome) -> Action:
    return lambda order: order.conclude(FIRST, outcome, LATER)


ACTIONS: dict[str, Action] = {
    "pay": pay,
    "cancel": cancel,
    "succeed": learn(SUCCEEDED),
    "decline": learn(DECLINED),
    "lose": learn(UNKNOWN),
}

# State and action to the next state, the error, or None for "nothing changes".
TABLE: dict[tuple[PaymentOrderStatus, str], PaymentOrderStatus | type[StoaError] | None] = {
    (S.PENDING, "pay"): S.PROCESSING,
    (S.PENDING, "cancel"): S.CANCELLED,
    (S.PENDING, "succeed"): PaymentAttemptNotFound,
    (S.PENDING, "decline"): PaymentAttemptNotFound,
    (S.PENDING, "lose"): PaymentAttemptNotFound,
    (S.PROCESSING, "pay"): PaymentInProgress,
    (S.PROCESSING, "cancel"): PaymentInProgress,
    (S.PROCESSING, "succeed"): S.COMPLETED,
    (S.PROCESSING, "decline"): S.FAILED,
    (S.PROCESSING, "lose"): S.UNKNOWN,
    (S.UNKNOWN, "pay"): PaymentInProgress,
    (S.UNKNOWN, "cancel"): PaymentInProgress,
    (S.UNKNOWN, "succeed"): S.COMPLETED,
    (S.UNKNOWN, "decline"): S.FAILED,
    (S.UNKNOWN, "lose"): None,
    (S.FAILED, "pay"): S.PROCESSING,
    (S.FAILED, "cancel"): S.CANCELLED,
    (S.CANCELLED, "pay"): InvalidTransition,
    (S.CANCELLED, "cancel"): InvalidTransition,
    (S.CANCELLED, "succeed"): PaymentAttemptNotFound,
    (S.CANCELLED, "decline"): PaymentAttemptNotFound,
    (S.CANCELLED, "lose"): PaymentAttemptNotFound,
}
for paid in (S.COMPLETED, S.EXPIRED, S.REFUNDED, S.PARTIALLY_REFUNDED):
    TABLE |= {(paid, "pay"): InvalidTransition, (paid, "cancel"): InvalidTransition}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("status", PaymentOrderStatus)
def test_every_action_in_every_state(status: PaymentOrderStatus, action: str) -> None:
    """What is not a move is refused or, for news that is no news, changes nothing."""
    order = an_order_in(status)
    version, expected = order.version, TABLE.get((status, action))
    if isinstance(expected, type):
        with pytest.raises(expected):
            ACTIONS[action](order)
    else:
        ACTIONS[action](order)
    if isinstance(expected, PaymentOrderStatus):
        assert (order.status, order.version) == (expected, version + 1)
        assert [recorded.event.verb for recorded in order.pull_events()] == [expected.value]
    else:
        assert (order.status, order.version, order.pull_events()) == (status, version, [])


def test_the_table_of_moves_knows_every_state() -> None:
    """And nothing moves back to pending."""
    assert set(TRANSITIONS) == set(PaymentOrderStatus)
    assert not [status for status, targets in TRANSITIONS.items() if S.PENDING in targets or status in targets]


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


def test_a_late_word_on_an_earlier_attempt_does_not_disturb_the_present_one() -> None:
    """A final outcome is final, whoever repeats or contradicts it."""
    order = an_order_after(DECLINED)
    order.pay(SECOND, METHOD, LATER)
    version = order.version
    order.conclude(FIRST, SUCCEEDED, LATER)
    assert (order.status, order.version) == (S.PROCESSING, version)
    assert order.attempts[0].status is AttemptStatus.DECLINED


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


@pytest.mark.parametrize("status", PaymentOrderStatus)
def test_open_orders_are_those_where_money_may_still_move(status: PaymentOrderStatus) -> None:
    """In flight are those with an attempt on its way."""
    order = an_order_in(status)
    open_, in_flight = {S.PENDING, S.PROCESSING, S.UNKNOWN}, {S.PROCESSING, S.UNKNOWN}
    assert orders_open_for_customer(CUSTOMER).is_satisfied_by(order) is (status in open_)
    assert orders_in_flight_on_method(METHOD).is_satisfied_by(order) is (status in in_flight)
    assert not orders_open_for_customer(CustomerId(UUID(int=99))).is_satisfied_by(order)
    assert not orders_in_flight_on_method(PaymentMethodId(UUID(int=99))).is_satisfied_by(order)


def test_only_failures_that_can_be_helped_are_retryable() -> None:
    """Permanent ones and other states are not."""
    assert RetryablePaymentOrdersSpec().is_satisfied_by(an_order_after(DECLINED))
    assert not RetryablePaymentOrdersSpec().is_satisfied_by(an_order_after(DECLINED_FOR_GOOD))
    assert not RetryablePaymentOrdersSpec().is_satisfied_by(an_order())


def test_high_values_are_compared_within_one_currency() -> None:
    """The limit itself is high."""
    assert HighValuePaymentOrdersSpec(Money(3750, "EUR")).is_satisfied_by(an_order())
    assert not HighValuePaymentOrdersSpec(Money(3751, "EUR")).is_satisfied_by(an_order())
    assert not HighValuePaymentOrdersSpec(Money(1, "SEK")).is_satisfied_by(an_order())


def test_orders_are_found_by_what_is_asked() -> None:
    """What is not asked excludes nothing; the range of time is open at its end."""
    order = an_order()
    assert orders_matching().is_satisfied_by(order)
    assert orders_matching(status=S.PENDING, number=order.number, currency="EUR", since=NOW).is_satisfied_by(order)
    assert not orders_matching(customer_id=CUSTOMER, until=NOW).is_satisfied_by(order)
    assert not orders_matching(payment_link_id=order.payment_link_id, currency="SEK").is_satisfied_by(order)
