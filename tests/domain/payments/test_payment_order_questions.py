"""Which payment orders are found: due for retry, needing attention, open, or what else is asked."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.payments.payment_order_questions import orders_due_for_retry, orders_needing_attention
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.payments.specifications import (
    HighValuePaymentOrdersSpec,
    RetryablePaymentOrdersSpec,
    orders_in_flight_on_method,
    orders_matching,
    orders_open_for_customer,
)
from domain.shared.ids import CustomerId, PaymentMethodId
from domain.shared.money import Money
from tests.domain.payments.builders import (
    CUSTOMER,
    DECLINED,
    DECLINED_FOR_GOOD,
    METHOD,
    NOW,
    SUCCEEDED,
    an_order,
    an_order_after,
    an_order_in,
)

LATER = NOW + timedelta(minutes=1)
S = PaymentOrderStatus


def test_orders_for_retry_are_due_and_not_declined_for_good() -> None:
    """The moment itself is due."""
    failed, hopeless = an_order_after(DECLINED), an_order_after(DECLINED_FOR_GOOD)
    due = orders_due_for_retry(NOW + timedelta(minutes=1))
    assert due.is_satisfied_by(failed)
    assert not orders_due_for_retry(NOW + timedelta(seconds=59)).is_satisfied_by(failed)
    assert not due.is_satisfied_by(hopeless)
    assert not hopeless.retryable


def test_what_is_in_flight_for_longer_than_any_attempt_needs_attention_too() -> None:
    """Whatever became of its job."""
    order = an_order_after()
    assert not orders_needing_attention(NOW + timedelta(minutes=59)).is_satisfied_by(order)
    assert orders_needing_attention(NOW + timedelta(minutes=61)).is_satisfied_by(order)
    assert not orders_needing_attention(NOW + timedelta(days=9)).is_satisfied_by(an_order_after(SUCCEEDED))


@pytest.mark.parametrize("status", PaymentOrderStatus)
def test_open_orders_are_those_where_money_may_still_move(status: PaymentOrderStatus) -> None:
    """In flight are those with an attempt on its way."""
    order = an_order_in(status)
    in_flight = {S.PROCESSING, S.SETTLEMENT_PENDING, S.UNKNOWN}
    open_ = in_flight | {S.PENDING}
    assert orders_open_for_customer(CUSTOMER).is_satisfied_by(order) is (status in open_)
    on_method = in_flight - {S.SETTLEMENT_PENDING}
    assert orders_in_flight_on_method(METHOD).is_satisfied_by(order) is (status in on_method)
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
