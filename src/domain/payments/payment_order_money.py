"""The money of a payment order: what was collected, what the provider kept, and what was given back."""

from datetime import datetime

from attrs import define

from domain.payments import payment_order_events as events
from domain.payments.payment_order_errors import RefundExceedsCaptured
from domain.payments.payment_order_status import REFUNDABLE, TIMESTAMPS, TRANSITIONS, WITHOUT_USE, PaymentOrderStatus
from domain.shared.entity import Entity
from domain.shared.errors import InvalidTransition
from domain.shared.ids import RefundId
from domain.shared.money import InvalidAmount, Money


@define(kw_only=True, eq=False)
class PaymentOrderMoney(Entity):
    """The half of a payment order that counts: its amounts, its status and the times of its moves.

    Amounts are minor units of the order's currency: 0 ≤ refunded + refund_pending ≤ captured ≤ amount.
    ``mandated`` says that an agent pays under a mandate, which follows what becomes of the payment.
    """

    amount: Money
    captured_minor: int = 0
    fee_minor: int = 0
    refund_pending_minor: int = 0
    refunded_minor: int = 0
    status: PaymentOrderStatus = PaymentOrderStatus.PENDING
    processing_at: datetime | None = None
    unknown_at: datetime | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    cancelled_at: datetime | None = None
    expired_at: datetime | None = None
    refunded_at: datetime | None = None
    mandated: bool = False
    approval_required: bool = False

    @property
    def holds_use(self) -> bool:
        """Whether one of the payment link's uses is this order's; what failed or was given up has none."""
        return self.status not in WITHOUT_USE

    @property
    def captured(self) -> Money:
        return Money(self.captured_minor, self.amount.currency)

    @property
    def fee(self) -> Money:
        return Money(self.fee_minor, self.amount.currency)

    @property
    def refunded(self) -> Money:
        return Money(self.refunded_minor, self.amount.currency)

    @property
    def refundable(self) -> Money:
        """What may still be refunded: neither given back nor about to be."""
        left = self.captured_minor - self.refunded_minor - self.refund_pending_minor
        return Money(left, self.amount.currency)

    def update_status(self, to: PaymentOrderStatus, now: datetime) -> None:
        """Make a move of the table and note its time; nothing else does either."""
        if to not in TRANSITIONS[self.status]:
            raise InvalidTransition(status=self.status.value)
        self.status = to
        setattr(self, TIMESTAMPS[to], now)

    def await_approval(self, now: datetime) -> None:
        """Let nobody pay before a person has decided whether an agent may."""
        self.approval_required = True
        self.record(events.PaymentOrderApprovalRequestedEvent(amount=self.amount), now)

    def end_approval(self, now: datetime) -> None:
        """Note that a person decided, or is asked no longer; the order may be paid as before."""
        self.approval_required = False
        self.record(events.PaymentOrderApprovalEndedEvent(amount=self.amount), now)

    def reserve_refund(self, refund_id: RefundId, amount: Money | None, now: datetime) -> Money:
        """Set part of the collected money aside for a refund, by default all that is left, and return it.

        Raises:
            InvalidTransition: no money was collected, or all of it was refunded.
            InvalidAmount: the amount is not above zero.
            CurrencyMismatch: the amount is in another currency.
            RefundExceedsCaptured: that much is not left.
        """
        if self.status not in REFUNDABLE:
            raise InvalidTransition(status=self.status.value)
        wanted = self.refundable if amount is None else amount
        if amount is not None and not amount.is_positive:
            raise InvalidAmount("The amount must be above zero.", path="amount")
        if wanted > self.refundable or wanted.is_zero:
            raise RefundExceedsCaptured(refundable=self.refundable.minor, currency=self.amount.currency)
        self.refund_pending_minor += wanted.minor
        self.record(events.PaymentOrderRefundReservedEvent(refund_id=refund_id, amount=wanted), now)
        return wanted

    def release_refund(self, refund_id: RefundId, amount: Money, now: datetime) -> None:
        """Take back what was set aside for a refund that failed."""
        self.refund_pending_minor -= amount.minor
        self.record(events.PaymentOrderRefundReleasedEvent(refund_id=refund_id, amount=amount), now)

    def settle_refund(self, refund_id: RefundId, amount: Money, now: datetime) -> None:
        """Note that what was set aside for a refund was given back."""
        self.refund_pending_minor -= amount.minor
        self.refunded_minor += amount.minor
        whole = self.refunded_minor == self.captured_minor
        self.update_status(PaymentOrderStatus.REFUNDED if whole else PaymentOrderStatus.PARTIALLY_REFUNDED, now)
        settled = events.PaymentOrderRefundedEvent if whole else events.PaymentOrderPartiallyRefundedEvent
        self.record(settled(refund_id=refund_id, amount=amount, refunded=self.refunded), now)

    def add_fee(self, fee: Money | None) -> Money | None:
        """Add to what the provider keeps, and return it unless it is nothing."""
        if fee is None or fee.is_zero:
            return None
        self.fee_minor = (self.fee + fee).minor
        return fee
