"""Questions that Stoa's own care of orders and refunds asks; the business's questions are in ``specifications``."""

from datetime import datetime

from domain.payments.payment_order import STUCK_AFTER, PaymentOrder
from domain.payments.payment_order_status import IN_FLIGHT
from domain.payments.refund import FINAL, Refund, RefundStatus
from domain.payments.specifications import RetryablePaymentOrdersSpec
from domain.shared.ids import PaymentOrderId
from domain.shared.specification import Equal, Everything, In, IsNotNull, LessOrEqual, LessThan, Spec
from domain.shared.specification_values import Now

_OPEN_REFUNDS = tuple(sorted({RefundStatus.PENDING, RefundStatus.PROCESSING, RefundStatus.UNKNOWN}))


def orders_in_flight() -> Spec[PaymentOrder]:
    """Orders of whose present attempt nobody knows the outcome."""
    return In("status", tuple(sorted(IN_FLIGHT)))


def refunds_open() -> Spec[Refund]:
    """Refunds of which nobody knows the outcome."""
    return In("status", tuple(sorted(frozenset(RefundStatus) - FINAL)))


def orders_due_for_retry(now: datetime) -> Spec[PaymentOrder]:
    """Failed orders for which another attempt is allowed, can help, and is due."""
    return RetryablePaymentOrdersSpec() & LessOrEqual("next_retry_at", Now.of(now))


def orders_needing_attention(now: datetime) -> Spec[PaymentOrder]:
    """Orders whose provider was asked in vain too often, and those in flight for longer than any attempt takes."""
    in_flight_too_long = orders_in_flight() & LessThan("processing_at", Now.of(now - STUCK_AFTER))
    return IsNotNull("attention_at") | in_flight_too_long


def refunds_matching(
    now: datetime, *, payment_order_id: PaymentOrderId | None, status: RefundStatus | None, needs_attention: bool | None
) -> Spec[Refund]:
    """Refunds with exactly the values that are given; those that never come to an end need attention too."""
    found: Spec[Refund] = Everything()
    if payment_order_id is not None:
        found &= Equal("payment_order_id", payment_order_id)
    if status is not None:
        found &= Equal("status", status)
    if needs_attention is not None:
        open_too_long = In("status", _OPEN_REFUNDS) & LessThan("created_at", Now.of(now - STUCK_AFTER))
        wanted = IsNotNull("attention_at") | open_too_long
        found &= wanted if needs_attention else ~wanted
    return found
