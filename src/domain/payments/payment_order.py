"""A payment order: one purchase, from the wish to buy to money collected or not, and given back or not."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Self

from attrs import define, field

from domain.payments import payment_order_events as events
from domain.payments.payment_attempt import (
    ATTENTION_AFTER,
    AttemptOutcome,
    AttemptStatus,
    Collected,
    PaymentAttempt,
)
from domain.payments.payment_link import PaymentLink
from domain.payments.payment_order_attempts import PaymentOrderAttempts
from domain.payments.payment_order_errors import (
    PaymentAttemptsExhausted,
    PaymentAwaitsApproval,
    PaymentInProgress,
    PaymentOrderExpired,
    PaymentPermanentlyDeclined,
)
from domain.payments.payment_order_status import IN_FLIGHT, TRANSITIONS, PaymentOrderStatus
from domain.shared.errors import InvalidTransition, ValidationError
from domain.shared.ids import (
    CustomerId,
    PaymentAttemptId,
    PaymentLinkId,
    PaymentMethodId,
    PaymentOrderId,
    PriceId,
    ProductId,
)
from domain.shared.metadata import check_metadata
from domain.shared.money import InvalidAmount, Money

MAX_ATTEMPTS = 5
LIFETIME = timedelta(hours=24)
"""How long an order waits to be paid, unless it says otherwise."""

FIRST_RETRY, LAST_RETRY = timedelta(minutes=1), timedelta(hours=6)
STUCK_AFTER = timedelta(hours=1)
"""Longer than that no attempt takes; whatever is in flight longer needs attention as well."""


# In minor units, as card networks have it: nine million orders of this size still sum up within 64 bits.
LARGEST_ORDER = 999_999_999_999


@define(kw_only=True, eq=False)
class PaymentOrder(PaymentOrderAttempts):
    """One purchase. Failure fields tell of the present state only; the attempts keep the history.

    ``kyc_status`` and ``risk_score`` are the customer's at the time of the purchase.
    """

    kind: ClassVar[str] = "payment_order"

    id: PaymentOrderId
    number: str
    payment_link_id: PaymentLinkId
    customer_id: CustomerId
    product_id: ProductId
    price_id: PriceId
    quantity: int
    payment_method_id: PaymentMethodId | None = None
    failure_code: str | None = None
    failure_permanent: bool = False
    kyc_status: str = "not_started"
    risk_score: int | None = None
    metadata: dict[str, str | int | bool] = field(factory=dict)
    expires_at: datetime | None = None
    next_retry_at: datetime | None = None
    attention_at: datetime | None = None

    @classmethod
    def open(
        cls, link: PaymentLink, *, id: PaymentOrderId, number: str, customer_id: CustomerId, quantity: int,
        amount: Money, now: datetime, metadata: Mapping[str, object] | None = None,
        expires_at: datetime | None = None, kyc_status: str = "not_started", risk_score: int | None = None,
    ) -> Self:  # fmt: skip
        """Note down what a customer wants to buy through a link, and for how much in all.

        Raises:
            ValidationError: the quantity is below one, or the expiry is over.
            InvalidAmount: the amount is not above zero, or above ``LARGEST_ORDER``.
            InvalidMetadata: the metadata is not acceptable.
        """
        if quantity < 1:
            raise ValidationError("The quantity is at least 1.", path="quantity")
        if not amount.is_positive:
            raise InvalidAmount("The amount must be above zero.", path="amount")
        if amount.minor > LARGEST_ORDER:
            raise InvalidAmount(f"The amount must be at most {LARGEST_ORDER} minor units.", path="amount")
        if expires_at is not None and expires_at <= now:
            raise ValidationError("The expiry must lie in the future.", path="expires_at")
        order = cls(
            id=id, organization_id=link.organization_id, created_at=now, updated_at=now, number=number,
            payment_link_id=link.id, customer_id=customer_id, product_id=link.product_id, price_id=link.price_id,
            quantity=quantity, amount=amount, metadata=check_metadata(metadata or {}),
            expires_at=expires_at or now + LIFETIME, kyc_status=kyc_status, risk_score=risk_score,
        )  # fmt: skip
        created = events.PaymentOrderCreatedEvent(
            number=number, payment_link_id=link.id, customer_id=customer_id, quantity=quantity, amount=amount
        )
        order.record(created, now)
        return order

    @property
    def retryable(self) -> bool:
        """Whether another attempt is allowed and can help; ``next_retry_at`` suggests when."""
        return self.next_retry_at is not None

    def method_to_retry(self, given: PaymentMethodId | None) -> PaymentMethodId:
        """Return the method another attempt uses: the one that is given, or the one that failed.

        Raises:
            InvalidTransition: nothing failed, so there is nothing to try again.
        """
        method = given or self.payment_method_id
        if self.status is not PaymentOrderStatus.FAILED or method is None:
            raise InvalidTransition(status=self.status.value)
        return method

    def pay(
        self, attempt_id: PaymentAttemptId, payment_method_id: PaymentMethodId | None, now: datetime, *,
        mandated: bool = False,
    ) -> None:  # fmt: skip
        """Begin an attempt to collect the money, ``mandated`` for an agent; raises as :meth:`ensure_payable`.

        Without a method the buyer has authorized a payment in a token, and the chain decides.
        """
        self.ensure_payable(now)
        self.mandated = mandated
        attempt = PaymentAttempt(
            id=attempt_id, number=len(self.attempts) + 1, payment_method_id=payment_method_id, started_at=now
        )
        self.attempts = [*self.attempts, attempt]
        self._forget_failure()
        if payment_method_id is None:
            self.update_status(PaymentOrderStatus.SETTLEMENT_PENDING, now)
            self.record(events.PaymentOrderSettlementPendingEvent(attempt_id=attempt_id, attempt=attempt.number), now)
            return
        self.update_status(PaymentOrderStatus.PROCESSING, now)
        self.payment_method_id = payment_method_id
        processing = events.PaymentOrderProcessingEvent(
            attempt_id=attempt_id, attempt=attempt.number, payment_method_id=payment_method_id
        )
        self.record(processing, now)

    def conclude(
        self, attempt_id: PaymentAttemptId, outcome: AttemptOutcome, now: datetime, *, sold_out: bool = False
    ) -> Collected | None:
        """Learn what became of an attempt, however late; returns what the books have to be told.

        Whatever is no news changes nothing, so it is safe to repeat. Late money of a ``sold_out`` link is surplus.

        Raises:
            PaymentAttemptNotFound: the order has no such attempt.
            CurrencyMismatch: the fee is in another currency.
        """
        attempt = self._attempt(attempt_id)
        if not attempt.learns_from(outcome):
            return None
        if attempt.status is AttemptStatus.SUCCEEDED:
            return self._learn_fee(attempt, outcome, now)
        arrived = outcome.status is AttemptStatus.SUCCEEDED
        surplus = arrived and (sold_out or PaymentOrderStatus.COMPLETED not in TRANSITIONS[self.status])
        concluded = self._replace(attempt, attempt.concluded(outcome, now, surplus=surplus))
        if concluded.is_final and concluded is self.attempts[-1]:
            self.attention_at = None
        match outcome.status:
            case AttemptStatus.SUCCEEDED:
                return self._collect(concluded, outcome, now)
            case AttemptStatus.DECLINED:
                self._fail(concluded, now)
            case _:
                self._wonder(concluded, now)
        return None

    def request_reconciliation(self, now: datetime) -> PaymentAttempt:
        """Return the attempt whose outcome somebody wants to know now.

        Raises:
            InvalidTransition: nothing is open.
        """
        if not self.attempts or self.attempts[-1].is_final:
            raise InvalidTransition(status=self.status.value)
        latest = self.attempts[-1]
        self.record(events.PaymentOrderReconciliationRequestedEvent(attempt_id=latest.id), now)
        return latest

    def cancel(self, now: datetime) -> None:
        """Give the order up.

        Raises:
            PaymentInProgress: an attempt is on its way or its outcome unknown.
            InvalidTransition: the order is at its end already.
        """
        if self.status in IN_FLIGHT:
            raise PaymentInProgress
        self.update_status(PaymentOrderStatus.CANCELLED, now)
        self.next_retry_at = None
        self.record(events.PaymentOrderCancelledEvent(number=self.number), now)

    def expire(self, now: datetime) -> bool:
        """Give up an order that nobody tried to pay; says whether it was one. Any other stays as it is."""
        if self.status is not PaymentOrderStatus.PENDING:
            return False
        self.update_status(PaymentOrderStatus.EXPIRED, now)
        self.record(events.PaymentOrderExpiredEvent(number=self.number), now)
        return True

    def ensure_payable(self, now: datetime) -> None:
        """Refuse what :meth:`pay` would refuse.

        Raises:
            PaymentInProgress: an attempt is on its way or its outcome unknown.
            PaymentPermanentlyDeclined: trying again cannot help.
            PaymentAttemptsExhausted: it was tried as often as it may be.
            PaymentOrderExpired: the order's time is over.
            InvalidTransition: the order is paid, cancelled or otherwise at its end.
            PaymentAwaitsApproval: a person is being asked whether it may be paid.
        """
        if self.approval_required:
            raise PaymentAwaitsApproval
        if self.status in IN_FLIGHT:
            raise PaymentInProgress
        if PaymentOrderStatus.PROCESSING not in TRANSITIONS[self.status]:
            raise InvalidTransition(status=self.status.value)
        if self.failure_permanent:
            raise PaymentPermanentlyDeclined
        if len(self.attempts) >= MAX_ATTEMPTS:
            raise PaymentAttemptsExhausted(attempts=MAX_ATTEMPTS)
        if self.expires_at is not None and self.expires_at <= now:
            raise PaymentOrderExpired

    def _collect(self, attempt: PaymentAttempt, outcome: AttemptOutcome, now: datetime) -> Collected:
        fee = self.add_fee(outcome.fee)
        if attempt.surplus:
            surplus = events.PaymentOrderSurplusCollectedEvent(attempt_id=attempt.id, amount=self.amount)
            self.record(surplus, now)
        else:
            self.update_status(PaymentOrderStatus.COMPLETED, now)
            self.captured_minor = self.amount.minor
            self._forget_failure()
            completed = events.PaymentOrderCompletedEvent(number=self.number, attempt_id=attempt.id, amount=self.amount)
            self.record(completed, now)
        return Collected(attempt=attempt, money=self.amount, fee=fee, surplus=attempt.surplus)

    def _learn_fee(self, attempt: PaymentAttempt, outcome: AttemptOutcome, now: datetime) -> Collected:
        fee = self.add_fee(outcome.fee)
        told = self._replace(attempt, attempt.with_fee(outcome))
        self.record(events.PaymentOrderFeeRecordedEvent(attempt_id=attempt.id, fee=outcome.fee or self.fee), now)
        return Collected(attempt=told, money=None, fee=fee, surplus=attempt.surplus)

    def _fail(self, attempt: PaymentAttempt, now: datetime) -> None:
        if self.status not in IN_FLIGHT:
            self.record(events.PaymentOrderAttemptDeclinedEvent(attempt_id=attempt.id), now)
            return
        self.update_status(PaymentOrderStatus.FAILED, now)
        self.failure_code = attempt.decline_code or "declined"
        self.failure_permanent = attempt.permanent
        if not attempt.permanent and attempt.number < MAX_ATTEMPTS:
            self.next_retry_at = now + min(FIRST_RETRY * (1 << 2 * (attempt.number - 1)), LAST_RETRY)
        self.record(events.PaymentOrderFailedEvent(attempt_id=attempt.id, failure_code=self.failure_code), now)

    def _wonder(self, attempt: PaymentAttempt, now: datetime) -> None:
        """Go on not knowing; from some number of look-ups on a person should look as well."""
        if self.status is PaymentOrderStatus.PROCESSING:
            self.update_status(PaymentOrderStatus.UNKNOWN, now)
            self.record(events.PaymentOrderUnknownEvent(attempt_id=attempt.id), now)
        else:
            self.record(events.PaymentOrderStillUnknownEvent(attempt_id=attempt.id, lookups=attempt.lookups), now)
        if attempt.lookups >= ATTENTION_AFTER and self.attention_at is None:
            self.attention_at = now
            needed = events.PaymentOrderNeedsAttentionEvent(attempt_id=attempt.id, lookups=attempt.lookups)
            self.record(needed, now)

    def _forget_failure(self) -> None:
        self.failure_code, self.failure_permanent, self.failed_at, self.next_retry_at = None, False, None, None
