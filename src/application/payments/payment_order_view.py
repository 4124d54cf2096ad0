"""What is shown of a payment order."""

from dataclasses import dataclass
from datetime import datetime

from application.kernel.view import View
from domain.payments.payment_attempt import AttemptStatus, PaymentAttempt
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import PaymentOrderStatus
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
class PaymentAttemptView(View[PaymentAttempt]):
    """One try to collect the money; `reference` is the provider's name for it, or the hash of the transaction.

    Without a `payment_method_id` the buyer pays in a token.
    """

    id: PaymentAttemptId
    number: int
    payment_method_id: PaymentMethodId | None
    status: AttemptStatus
    provider: str | None
    reference: str | None
    decline_code: str | None
    permanent: bool
    started_at: datetime
    concluded_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOrderView(View[PaymentOrder]):
    """A payment order. With `failure_permanent` trying again cannot help; `next_retry_at` suggests when it may.

    Of the amount, `captured` was collected, `fee` kept by the provider, `refunded` given back, and `refundable` may
    still be. With `attention_at` the provider was asked in vain too often what became of the payment. An order that is
    `mandated` was paid by an agent under a mandate; with `approval_required` it waits until a person lets an agent pay.
    """

    id: PaymentOrderId
    version: int
    number: str
    payment_link_id: PaymentLinkId
    customer_id: CustomerId
    product_id: ProductId
    price_id: PriceId
    quantity: int
    amount: Money
    captured: Money
    fee: Money
    refunded: Money
    refundable: Money
    status: PaymentOrderStatus
    payment_method_id: PaymentMethodId | None
    failure_code: str | None
    failure_permanent: bool
    retryable: bool
    mandated: bool
    approval_required: bool
    next_retry_at: datetime | None
    kyc_status: str
    risk_score: int | None
    metadata: dict[str, str | int | bool]
    expires_at: datetime | None
    attention_at: datetime | None
    attempts: list[PaymentAttemptView]
    processing_at: datetime | None
    unknown_at: datetime | None
    completed_at: datetime | None
    failed_at: datetime | None
    cancelled_at: datetime | None
    expired_at: datetime | None
    refunded_at: datetime | None
    created_at: datetime
    updated_at: datetime
