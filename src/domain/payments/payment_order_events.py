"""The facts a payment order records."""

from typing import ClassVar

from attrs import frozen

from domain.shared.events import DomainEvent
from domain.shared.ids import CustomerId, PaymentAttemptId, PaymentLinkId, PaymentMethodId
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
