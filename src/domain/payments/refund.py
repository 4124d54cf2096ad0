"""A refund: collected money on its way back to the customer."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.payments.payment_attempt import ATTENTION_AFTER, AttemptStatus, PaymentAttempt
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_errors import RefundInTokenUnsupported
from domain.shared.entity import Entity
from domain.shared.errors import InvalidTransition, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import PaymentAttemptId, PaymentOrderId, RefundId
from domain.shared.money import Money
from domain.shared.text import TextRule

REASON = TextRule(max_length=500, min_length=0)


class RefundStatus(StrEnum):
    """Where a refund is. Succeeded and failed are final; unknown waits for reconciliation."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


FINAL = frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED})
_TIMESTAMPS: Mapping[RefundStatus, str] = {
    status: f"{status.value}_at" for status in RefundStatus if status is not RefundStatus.PENDING
}


@frozen(kw_only=True)
class RefundOutcome:
    """What the provider said; ``looked_up`` when we asked what became of the refund."""

    status: RefundStatus
    provider: str | None = None
    reference: str | None = None
    decline_code: str | None = None
    looked_up: bool = False

    def __attrs_post_init__(self) -> None:
        if self.status in (RefundStatus.PENDING, RefundStatus.PROCESSING):
            raise ValidationError("That is not an outcome.", path="status")


@frozen(kw_only=True)
class RefundCreatedEvent(DomainEvent):
    """Money is to be given back; of a surplus nobody asked for it."""

    verb: ClassVar[str] = "created"
    payment_order_id: PaymentOrderId
    amount: Money
    surplus: bool


@frozen(kw_only=True)
class RefundProcessingEvent(DomainEvent):
    """The provider is about to be asked."""

    verb: ClassVar[str] = "processing"


@frozen(kw_only=True)
class RefundSucceededEvent(DomainEvent):
    """The money was given back."""

    verb: ClassVar[str] = "succeeded"
    payment_order_id: PaymentOrderId
    amount: Money


@frozen(kw_only=True)
class RefundFailedEvent(DomainEvent):
    """The money was not given back, for certain."""

    verb: ClassVar[str] = "failed"
    payment_order_id: PaymentOrderId
    failure_code: str


@frozen(kw_only=True)
class RefundUnknownEvent(DomainEvent):
    """Nobody knows yet whether the money was given back; ``lookups`` counts how often we asked in vain."""

    verb: ClassVar[str] = "unknown"
    lookups: int


@frozen(kw_only=True)
class RefundNeedsAttentionEvent(DomainEvent):
    """A person should look: the provider does not know, or said two things that exclude each other."""

    verb: ClassVar[str] = "needs_attention"
    why: str


@frozen(kw_only=True)
class RefundReconciliationRequestedEvent(DomainEvent):
    """Somebody does not want to wait until the provider is asked again."""

    verb: ClassVar[str] = "reconciliation_requested"


@define(kw_only=True, eq=False)
class Refund(Entity):
    """One refund. Its id is the provider's idempotency key, so repeating the call never gives back twice.

    ``surplus`` is money that arrived for an order that did not want it any more; all of it goes back.
    """

    kind: ClassVar[str] = "refund"

    id: RefundId
    payment_order_id: PaymentOrderId
    attempt_id: PaymentAttemptId
    amount: Money
    reason: str
    surplus: bool = False
    status: RefundStatus = RefundStatus.PENDING
    charge_reference: str
    provider: str | None = None
    reference: str | None = None
    failure_code: str | None = None
    lookups: int = 0
    attention_at: datetime | None = None
    processing_at: datetime | None = None
    unknown_at: datetime | None = None
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None

    @classmethod
    def request(
        cls, order: PaymentOrder, *, id: RefundId, amount: Money | None, reason: str = "", now: datetime
    ) -> Self:
        """Set part of an order's money aside, by default all that is left, and begin to give it back.

        Raises:
            InvalidTransition: the order has no collected money.
            InvalidAmount: the amount is not above zero.
            CurrencyMismatch: the amount is in another currency.
            RefundExceedsCaptured: that much is not left.
            RefundInTokenUnsupported: the order was paid in a token.
            InvalidText: the reason is not acceptable.
        """
        reason = REASON.check(reason)
        reserved = order.reserve_refund(id, amount, now)
        paid = next(a for a in order.attempts if a.status is AttemptStatus.SUCCEEDED and not a.surplus)
        if paid.in_token:
            raise RefundInTokenUnsupported
        return cls._begin(order, paid, id=id, amount=reserved, reason=reason, surplus=False, now=now)

    @classmethod
    def of_surplus(cls, order: PaymentOrder, attempt: PaymentAttempt, *, id: RefundId, now: datetime) -> Self:
        """Begin to give back the money of an attempt that the order did not want any more."""
        return cls._begin(order, attempt, id=id, amount=order.amount, reason="", surplus=True, now=now)

    @classmethod
    def _begin(
        cls, order: PaymentOrder, attempt: PaymentAttempt, *, id: RefundId, amount: Money, reason: str, surplus: bool,
        now: datetime,
    ) -> Self:  # fmt: skip
        refund = cls(
            id=id, organization_id=order.organization_id, created_at=now, updated_at=now, payment_order_id=order.id,
            attempt_id=attempt.id, amount=amount, reason=reason, surplus=surplus, provider=attempt.provider,
            charge_reference=attempt.reference or str(attempt.id),
        )  # fmt: skip
        refund.record(RefundCreatedEvent(payment_order_id=order.id, amount=amount, surplus=surplus), now)
        return refund

    @property
    def is_final(self) -> bool:
        """Whether nobody needs to be asked about it any more."""
        return self.status in FINAL

    def submit(self, now: datetime) -> None:
        """Note that the provider is about to be asked; what is on its way already stays as it is."""
        if self.status is RefundStatus.PENDING:
            self._update_status(RefundStatus.PROCESSING, now)
            self.record(RefundProcessingEvent(), now)

    def conclude(self, outcome: RefundOutcome, now: datetime) -> bool:
        """Learn what became of it; says whether it is certain now and was not before. Repeating changes nothing."""
        if self.is_final:
            self._notice_contradiction(outcome, now)
            return False
        if outcome.status is RefundStatus.UNKNOWN and self.status is RefundStatus.UNKNOWN and not outcome.looked_up:
            return False
        self.provider, self.reference = outcome.provider or self.provider, outcome.reference or self.reference
        if outcome.status is RefundStatus.UNKNOWN:
            self._wonder(outcome, now)
            return False
        self._update_status(outcome.status, now)
        self.attention_at = None
        if outcome.status is RefundStatus.SUCCEEDED:
            self.record(RefundSucceededEvent(payment_order_id=self.payment_order_id, amount=self.amount), now)
        else:
            self.failure_code = outcome.decline_code or "declined"
            failed = RefundFailedEvent(payment_order_id=self.payment_order_id, failure_code=self.failure_code)
            self.record(failed, now)
        return True

    def request_reconciliation(self, now: datetime) -> None:
        """Note that somebody wants to know now.

        Raises:
            InvalidTransition: it is certain already what became of it.
        """
        if self.is_final:
            raise InvalidTransition(status=self.status.value)
        self.record(RefundReconciliationRequestedEvent(), now)

    def _wonder(self, outcome: RefundOutcome, now: datetime) -> None:
        self.lookups += outcome.looked_up
        if self.status is not RefundStatus.UNKNOWN:
            self._update_status(RefundStatus.UNKNOWN, now)
        self.record(RefundUnknownEvent(lookups=self.lookups), now)
        if self.lookups >= ATTENTION_AFTER and self.attention_at is None:
            self.attention_at = now
            self.record(RefundNeedsAttentionEvent(why="outcome_unknown"), now)

    def _notice_contradiction(self, outcome: RefundOutcome, now: datetime) -> None:
        if outcome.status in FINAL and outcome.status is not self.status and self.attention_at is None:
            self.attention_at = now
            self.record(RefundNeedsAttentionEvent(why=f"{self.status.value}_then_{outcome.status.value}"), now)

    def _update_status(self, to: RefundStatus, now: datetime) -> None:
        """Change the status and note the time; nothing else does either."""
        self.status = to
        setattr(self, _TIMESTAMPS[to], now)
