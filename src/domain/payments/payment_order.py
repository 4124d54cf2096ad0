"""A payment order: one purchase, from the wish to buy to money collected or not."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field

from domain.payments.payment_attempt import AttemptOutcome, AttemptStatus, PaymentAttempt, PaymentAttemptNotFound
from domain.payments.payment_link import PaymentLink
from domain.payments.payment_order_events import (
    PaymentOrderCancelledEvent,
    PaymentOrderCompletedEvent,
    PaymentOrderCreatedEvent,
    PaymentOrderFailedEvent,
    PaymentOrderProcessingEvent,
    PaymentOrderUnknownEvent,
)
from domain.shared.entity import Entity
from domain.shared.errors import BusinessRuleViolation, Conflict, InvalidTransition, ValidationError
from domain.shared.ids import (
    CustomerId,
    PaymentAttemptId,
    PaymentLinkId,
    PaymentMethodId,
    PaymentOrderId,
    PriceId,
    ProductId,
)
from domain.shared.money import InvalidAmount, Money


class PaymentInProgress(Conflict):
    """An attempt is on its way or its outcome unknown; a second one could collect the money twice."""

    code = "payment_in_progress"
    summary = "A payment attempt is in progress; wait for its outcome."


class PaymentPermanentlyDeclined(BusinessRuleViolation):
    """The provider said that trying again cannot help."""

    code = "payment_permanently_declined"
    summary = "The payment was declined for good."


class PaymentOrderStatus(StrEnum):
    """Where an order is in its life."""

    PENDING = "pending"
    PROCESSING = "processing"
    UNKNOWN = "unknown"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


_S = PaymentOrderStatus

TRANSITIONS: Mapping[PaymentOrderStatus, frozenset[PaymentOrderStatus]] = {
    _S.PENDING: frozenset({_S.PROCESSING, _S.CANCELLED}),
    _S.PROCESSING: frozenset({_S.COMPLETED, _S.FAILED, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset({_S.COMPLETED, _S.FAILED}),
    _S.FAILED: frozenset({_S.PROCESSING, _S.CANCELLED}),
    _S.COMPLETED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.REFUNDED: frozenset(),
    _S.PARTIALLY_REFUNDED: frozenset(),
}
"""Every move there is; whatever is not here is refused."""

IN_FLIGHT = frozenset({_S.PROCESSING, _S.UNKNOWN})
OPEN = IN_FLIGHT | {_S.PENDING}


@define(kw_only=True, eq=False)
class PaymentOrder(Entity):
    """One purchase. Failure fields tell of the present state only; the attempts keep the history."""

    kind: ClassVar[str] = "payment_order"

    id: PaymentOrderId
    number: str
    payment_link_id: PaymentLinkId
    customer_id: CustomerId
    product_id: ProductId
    price_id: PriceId
    quantity: int
    amount: Money
    status: PaymentOrderStatus = PaymentOrderStatus.PENDING
    payment_method_id: PaymentMethodId | None = None
    failure_code: str | None = None
    failure_permanent: bool = False
    processing_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    cancelled_at: datetime | None = None
    attempts: list[PaymentAttempt] = field(factory=list)

    @classmethod
    def open(
        cls,
        link: PaymentLink,
        *,
        id: PaymentOrderId,
        number: str,
        customer_id: CustomerId,
        quantity: int,
        amount: Money,
        now: datetime,
    ) -> Self:
        """Note down what a customer wants to buy through a link, and for how much in all.

        Raises:
            ValidationError: the quantity is below one.
            InvalidAmount: the amount is not above zero.
        """
        if quantity < 1:
            raise ValidationError("The quantity is at least 1.", path="quantity")
        if not amount.is_positive:
            raise InvalidAmount("The amount must be above zero.", path="amount")
        order = cls(
            id=id,
            organization_id=link.organization_id,
            created_at=now,
            updated_at=now,
            number=number,
            payment_link_id=link.id,
            customer_id=customer_id,
            product_id=link.product_id,
            price_id=link.price_id,
            quantity=quantity,
            amount=amount,
        )
        created = PaymentOrderCreatedEvent(
            number=number, payment_link_id=link.id, customer_id=customer_id, quantity=quantity, amount=amount
        )
        order.record(created, now)
        return order

    def attempt_in(self, status: AttemptStatus) -> PaymentAttempt | None:
        """Return the latest attempt if that is what is known of it."""
        latest = self.attempts[-1] if self.attempts else None
        return latest if latest is not None and latest.status is status else None

    def pay(self, attempt_id: PaymentAttemptId, payment_method_id: PaymentMethodId, now: datetime) -> None:
        """Begin an attempt to collect the money.

        Raises:
            PaymentInProgress: an attempt is on its way or its outcome unknown.
            PaymentPermanentlyDeclined: trying again cannot help.
            InvalidTransition: the order is paid, cancelled or otherwise at its end.
        """
        if self.status in IN_FLIGHT:
            raise PaymentInProgress
        if self.failure_permanent and self.status is PaymentOrderStatus.FAILED:
            raise PaymentPermanentlyDeclined
        self._move(PaymentOrderStatus.PROCESSING)
        attempt = PaymentAttempt(
            id=attempt_id, number=len(self.attempts) + 1, payment_method_id=payment_method_id, started_at=now
        )
        self.attempts = [*self.attempts, attempt]
        self.payment_method_id = payment_method_id
        self.processing_at = now
        self.failure_code, self.failure_permanent, self.failed_at = None, False, None
        self.record(
            PaymentOrderProcessingEvent(
                attempt_id=attempt_id, attempt=attempt.number, payment_method_id=payment_method_id
            ),
            now,
        )

    def conclude(self, attempt_id: PaymentAttemptId, outcome: AttemptOutcome, now: datetime) -> None:
        """Learn what became of an attempt. Whatever is no news changes nothing, so it is safe to repeat.

        Raises:
            PaymentAttemptNotFound: the order has no such attempt.
        """
        attempt = next((attempt for attempt in self.attempts if attempt.id == attempt_id), None)
        if attempt is None:
            raise PaymentAttemptNotFound
        if not attempt.learns_from(outcome):
            return
        concluded = attempt.concluded(outcome, now)
        self.attempts = [concluded if each is attempt else each for each in self.attempts]
        match outcome.status:
            case AttemptStatus.SUCCEEDED:
                self._complete(concluded, now)
            case AttemptStatus.DECLINED:
                self._fail(concluded, now)
            case _:
                self._move(PaymentOrderStatus.UNKNOWN)
                self.record(PaymentOrderUnknownEvent(attempt_id=attempt_id), now)

    def cancel(self, now: datetime) -> None:
        """Give the order up.

        Raises:
            PaymentInProgress: an attempt is on its way or its outcome unknown.
            InvalidTransition: the order is at its end already.
        """
        if self.status in IN_FLIGHT:
            raise PaymentInProgress
        self._move(PaymentOrderStatus.CANCELLED)
        self.cancelled_at = now
        self.record(PaymentOrderCancelledEvent(number=self.number), now)

    def _complete(self, attempt: PaymentAttempt, now: datetime) -> None:
        self._move(PaymentOrderStatus.COMPLETED)
        self.completed_at = now
        completed = PaymentOrderCompletedEvent(number=self.number, attempt_id=attempt.id, amount=self.amount)
        self.record(completed, now)

    def _fail(self, attempt: PaymentAttempt, now: datetime) -> None:
        self._move(PaymentOrderStatus.FAILED)
        self.failed_at = now
        self.failure_code = attempt.decline_code or "declined"
        self.failure_permanent = attempt.permanent
        self.record(PaymentOrderFailedEvent(attempt_id=attempt.id, failure_code=self.failure_code), now)

    def _move(self, to: PaymentOrderStatus) -> None:
        if to not in TRANSITIONS[self.status]:
            raise InvalidTransition(status=self.status.value)
        self.status = to


def order_number(day: datetime, n: int) -> str:
    """Write the day's n-th number, from 1: ``20260314-000001``, and wider after the 999,999th."""
    if n < 1:
        raise ValueError("numbers start at 1")
    return f"{day:%Y%m%d}-{n:06d}"
