"""What is shown of a payment order."""

from dataclasses import dataclass
from datetime import datetime

from domain.payments.payment_attempt import AttemptStatus, PaymentAttempt
from domain.payments.payment_order import PaymentOrder, PaymentOrderStatus
from domain.shared.ids import (
    CustomerId,
    PaymentAttemptId,
    PaymentLinkId,
    PaymentMethodId,
    PaymentOrderId,
    PriceId,
    ProductId,
)
from domain.shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAttemptView:
    """One try to collect the money; `reference` is the provider's name for it."""

    id: PaymentAttemptId
    number: int
    payment_method_id: PaymentMethodId
    status: AttemptStatus
    reference: str | None
    decline_code: str | None
    permanent: bool
    started_at: datetime
    concluded_at: datetime | None

    @classmethod
    def of(cls, attempt: PaymentAttempt) -> "PaymentAttemptView":
        """Show an attempt."""
        return cls(
            id=attempt.id,
            number=attempt.number,
            payment_method_id=attempt.payment_method_id,
            status=attempt.status,
            reference=attempt.reference,
            decline_code=attempt.decline_code,
            permanent=attempt.permanent,
            started_at=attempt.started_at,
            concluded_at=attempt.concluded_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOrderView:
    """A payment order. With `failure_permanent` trying again cannot help."""

    id: PaymentOrderId
    version: int
    number: str
    payment_link_id: PaymentLinkId
    customer_id: CustomerId
    product_id: ProductId
    price_id: PriceId
    quantity: int
    amount: Money
    status: PaymentOrderStatus
    payment_method_id: PaymentMethodId | None
    failure_code: str | None
    failure_permanent: bool
    attempts: list[PaymentAttemptView]
    processing_at: datetime | None
    completed_at: datetime | None
    failed_at: datetime | None
    cancelled_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, order: PaymentOrder) -> "PaymentOrderView":
        """Show a payment order."""
        return cls(
            id=order.id,
            version=order.version,
            number=order.number,
            payment_link_id=order.payment_link_id,
            customer_id=order.customer_id,
            product_id=order.product_id,
            price_id=order.price_id,
            quantity=order.quantity,
            amount=order.amount,
            status=order.status,
            payment_method_id=order.payment_method_id,
            failure_code=order.failure_code,
            failure_permanent=order.failure_permanent,
            attempts=[PaymentAttemptView.of(attempt) for attempt in order.attempts],
            processing_at=order.processing_at,
            completed_at=order.completed_at,
            failed_at=order.failed_at,
            cancelled_at=order.cancelled_at,
            created_at=order.created_at,
            updated_at=order.updated_at,
        )
