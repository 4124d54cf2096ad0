"""Payment orders in every state, reached by their own methods."""

from datetime import UTC, datetime
from uuid import UUID

from domain.payments.payment_attempt import AttemptOutcome, AttemptStatus
from domain.payments.payment_link import PaymentLink
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.shared.ids import (
    CustomerId,
    OrganizationId,
    PaymentAttemptId,
    PaymentLinkId,
    PaymentMethodId,
    PaymentOrderId,
    PriceId,
    ProductId,
    RefundId,
)
from domain.shared.money import Money

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
CUSTOMER = CustomerId(UUID(int=5))
METHOD = PaymentMethodId(UUID(int=6))
FIRST = PaymentAttemptId(UUID(int=101))
REFUND = RefundId(UUID(int=201))
SECOND = PaymentAttemptId(UUID(int=102))

SUCCEEDED = AttemptOutcome(status=AttemptStatus.SUCCEEDED, reference="ch_1")
DECLINED = AttemptOutcome(status=AttemptStatus.DECLINED, decline_code="insufficient_funds")
DECLINED_FOR_GOOD = AttemptOutcome(status=AttemptStatus.DECLINED, decline_code="stolen_card", permanent=True)
UNKNOWN = AttemptOutcome(status=AttemptStatus.UNKNOWN)


def an_order(minor: int = 3750, quantity: int = 3) -> PaymentOrder:
    link = PaymentLink.create(
        id=PaymentLinkId(UUID(int=1)),
        organization_id=OrganizationId(UUID(int=2)),
        slug="spring",
        product_id=ProductId(UUID(int=3)),
        price_id=PriceId(UUID(int=4)),
        now=NOW,
    )
    return PaymentOrder.open(
        link,
        id=PaymentOrderId(UUID(int=7)),
        number="20260314-000001",
        customer_id=CUSTOMER,
        quantity=quantity,
        amount=Money(minor, "EUR"),
        now=NOW,
    )


def an_order_after(*outcomes: AttemptOutcome) -> PaymentOrder:
    """An order whose first attempt went through the outcomes."""
    order = an_order()
    order.pay(FIRST, METHOD, NOW)
    for outcome in outcomes:
        order.conclude(FIRST, outcome, NOW)
    return order


def an_order_in(status: PaymentOrderStatus) -> PaymentOrder:
    match status:
        case PaymentOrderStatus.PENDING:
            order = an_order()
        case PaymentOrderStatus.PROCESSING:
            order = an_order_after()
        case PaymentOrderStatus.SETTLEMENT_PENDING:
            order = an_order()
            order.pay(FIRST, None, NOW)
        case PaymentOrderStatus.UNKNOWN:
            order = an_order_after(UNKNOWN)
        case PaymentOrderStatus.COMPLETED:
            order = an_order_after(SUCCEEDED)
        case PaymentOrderStatus.FAILED:
            order = an_order_after(DECLINED)
        case PaymentOrderStatus.CANCELLED:
            order = an_order()
            order.cancel(NOW)
        case PaymentOrderStatus.EXPIRED:
            order = an_order()
            order.expire(NOW)
        case _:  # refunded, wholly or in part
            order = an_order_after(SUCCEEDED)
            part = Money(1000, "EUR") if status is PaymentOrderStatus.PARTIALLY_REFUNDED else None
            order.settle_refund(REFUND, order.reserve_refund(REFUND, part, NOW), NOW)
    order.pull_events()
    return order
