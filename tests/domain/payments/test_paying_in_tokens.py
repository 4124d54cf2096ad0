"""An order that is paid in a token waits for the chain."""

import pytest

from domain.payments.payment_order_errors import PaymentInProgress, RefundInTokenUnsupported
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.payments.refund import Refund
from domain.shared.errors import InvalidTransition
from tests.domain.payments.builders import DECLINED, FIRST, METHOD, NOW, REFUND, SECOND, SUCCEEDED, an_order


def test_a_payment_in_a_token_is_pending_until_the_chain_has_decided() -> None:
    """Meanwhile nobody pays, cancels or expires the order, and nothing is collected."""
    order = an_order()
    order.pay(FIRST, None, NOW)
    assert (order.status, order.captured_minor) == (PaymentOrderStatus.SETTLEMENT_PENDING, 0)
    assert [event.event.verb for event in order.pull_events()][-1] == "settlement_pending"
    with pytest.raises(PaymentInProgress):
        order.pay(SECOND, METHOD, NOW)
    with pytest.raises(PaymentInProgress):
        order.cancel(NOW)
    assert not order.expire(NOW)
    order.conclude(FIRST, SUCCEEDED, NOW)
    assert (order.status, order.captured) == (PaymentOrderStatus.COMPLETED, order.amount)


def test_an_order_that_failed_on_the_chain_may_be_paid_with_a_method_and_the_other_way_round() -> None:
    """Attempts of both kinds follow each other; only those with a method name one."""
    order = an_order()
    order.pay(FIRST, None, NOW)
    order.conclude(FIRST, DECLINED, NOW)
    assert (order.status, order.payment_method_id) == (PaymentOrderStatus.FAILED, None)
    with pytest.raises(InvalidTransition):
        order.method_to_retry(None)
    order.pay(SECOND, METHOD, NOW)
    assert [attempt.in_token for attempt in order.attempts] == [True, False]


def test_what_was_paid_in_a_token_is_no_refund_of_a_provider() -> None:
    """The wallet that was paid gives it back."""
    order = an_order()
    order.pay(FIRST, None, NOW)
    order.conclude(FIRST, SUCCEEDED, NOW)
    with pytest.raises(RefundInTokenUnsupported):
        Refund.request(order, id=REFUND, amount=None, now=NOW)
