"""The facts a payment order records."""

from typing import ClassVar

from attrs import frozen

from domain.shared.events import DomainEvent
from domain.shared.ids import CustomerId, PaymentAttemptId, PaymentLinkId, PaymentMethodId, RefundId
from domain.shared.money import Money


@frozen(kw_only=True)
class PaymentOrderCreatedEvent(DomainEvent):
    """A customer wants to buy."""

    verb: ClassVar[str] = "created"
    number: str
    payment_link_id: PaymentLinkId
    customer_id: CustomerId
    quantity: int
    amount: Money


@frozen(kw_only=True)
class PaymentOrderProcessingEvent(DomainEvent):
    """The money is about to be collected; ``attempt`` counts from 1."""

    verb: ClassVar[str] = "processing"
    attempt_id: PaymentAttemptId
    attempt: int
    payment_method_id: PaymentMethodId


@frozen(kw_only=True)
class PaymentOrderSettlementPendingEvent(DomainEvent):
    """The buyer authorized a payment in a token, which is about to be executed; ``attempt`` counts from 1."""

    verb: ClassVar[str] = "settlement_pending"
    attempt_id: PaymentAttemptId
    attempt: int


@frozen(kw_only=True)
class PaymentOrderCompletedEvent(DomainEvent):
    """The money was collected."""

    verb: ClassVar[str] = "completed"
    number: str
    attempt_id: PaymentAttemptId
    amount: Money


@frozen(kw_only=True)
class PaymentOrderFailedEvent(DomainEvent):
    """The money was not collected, for certain."""

    verb: ClassVar[str] = "failed"
    attempt_id: PaymentAttemptId
    failure_code: str


@frozen(kw_only=True)
class PaymentOrderUnknownEvent(DomainEvent):
    """Nobody knows yet whether the money was collected; no further attempt is made until somebody does."""

    verb: ClassVar[str] = "unknown"
    attempt_id: PaymentAttemptId


@frozen(kw_only=True)
class PaymentOrderCancelledEvent(DomainEvent):
    """The order will not be paid."""

    verb: ClassVar[str] = "cancelled"
    number: str


@frozen(kw_only=True)
class PaymentOrderExpiredEvent(DomainEvent):
    """The order was not paid in time."""

    verb: ClassVar[str] = "expired"
    number: str


@frozen(kw_only=True)
class PaymentOrderStillUnknownEvent(DomainEvent):
    """The provider was asked once more what became of an attempt, in vain; ``lookups`` counts how often."""

    verb: ClassVar[str] = "still_unknown"
    attempt_id: PaymentAttemptId
    lookups: int


@frozen(kw_only=True)
class PaymentOrderNeedsAttentionEvent(DomainEvent):
    """Stoa goes on asking, but a person should look: the provider does not know what became of an attempt."""

    verb: ClassVar[str] = "needs_attention"
    attempt_id: PaymentAttemptId
    lookups: int


@frozen(kw_only=True)
class PaymentOrderReconciliationRequestedEvent(DomainEvent):
    """Somebody does not want to wait until the provider is asked again."""

    verb: ClassVar[str] = "reconciliation_requested"
    attempt_id: PaymentAttemptId


@frozen(kw_only=True)
class PaymentOrderFeeRecordedEvent(DomainEvent):
    """The provider said, later than it collected, what it keeps."""

    verb: ClassVar[str] = "fee_recorded"
    attempt_id: PaymentAttemptId
    fee: Money


@frozen(kw_only=True)
class PaymentOrderSurplusCollectedEvent(DomainEvent):
    """Money arrived for an order that no longer wanted it; it is given back."""

    verb: ClassVar[str] = "surplus_collected"
    attempt_id: PaymentAttemptId
    amount: Money


@frozen(kw_only=True)
class PaymentOrderAttemptDeclinedEvent(DomainEvent):
    """An attempt that the order no longer depends on was declined."""

    verb: ClassVar[str] = "attempt_declined"
    attempt_id: PaymentAttemptId


@frozen(kw_only=True)
class PaymentOrderRefundReservedEvent(DomainEvent):
    """Part of the collected money is about to be given back."""

    verb: ClassVar[str] = "refund_reserved"
    refund_id: RefundId
    amount: Money


@frozen(kw_only=True)
class PaymentOrderRefundReleasedEvent(DomainEvent):
    """A refund failed; its part of the money may be refunded again."""

    verb: ClassVar[str] = "refund_released"
    refund_id: RefundId
    amount: Money


@frozen(kw_only=True)
class PaymentOrderRefundedEvent(DomainEvent):
    """All of the money was given back; ``amount`` is what the last refund gave, ``refunded`` the sum."""

    verb: ClassVar[str] = "refunded"
    refund_id: RefundId
    amount: Money
    refunded: Money


@frozen(kw_only=True)
class PaymentOrderPartiallyRefundedEvent(DomainEvent):
    """Part of the money was given back; ``refunded`` is the sum of all refunds so far."""

    verb: ClassVar[str] = "partially_refunded"
    refund_id: RefundId
    amount: Money
    refunded: Money


@frozen(kw_only=True)
class PaymentOrderApprovalRequestedEvent(DomainEvent):
    """An agent wants to pay more than it may decide alone; a person is asked."""

    verb: ClassVar[str] = "approval_requested"
    amount: Money


@frozen(kw_only=True)
class PaymentOrderApprovalEndedEvent(DomainEvent):
    """A person decided, or is asked no longer; the approval says which."""

    verb: ClassVar[str] = "approval_ended"
    amount: Money
