"""The attempts of a payment order: finding them, and putting what became known of one in its place."""

from attrs import define, field

from domain.payments.payment_attempt import AttemptOutcome, AttemptStatus, PaymentAttempt, PaymentAttemptNotFound
from domain.payments.payment_order_money import PaymentOrderMoney
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.shared.ids import PaymentAttemptId


@define(kw_only=True, eq=False)
class PaymentOrderAttempts(PaymentOrderMoney):
    """The part of a payment order that knows every try to collect its money, the latest one last."""

    attempts: list[PaymentAttempt] = field(factory=list)

    def attempt_in(self, status: AttemptStatus) -> PaymentAttempt | None:
        """Return the latest attempt if that is what is known of it."""
        latest = self.attempts[-1] if self.attempts else None
        return latest if latest is not None and latest.status is status else None

    def is_late_money(self, attempt_id: PaymentAttemptId, outcome: AttemptOutcome) -> bool:
        """Say whether it is money for an order that counted as failed, and so gave its link's use back."""
        failed = self.status is PaymentOrderStatus.FAILED and outcome.status is AttemptStatus.SUCCEEDED
        return failed and self._attempt(attempt_id).status is not AttemptStatus.SUCCEEDED

    def _attempt(self, attempt_id: PaymentAttemptId) -> PaymentAttempt:
        attempt = next((attempt for attempt in self.attempts if attempt.id == attempt_id), None)
        if attempt is not None:
            return attempt
        raise PaymentAttemptNotFound

    def _replace(self, old: PaymentAttempt, new: PaymentAttempt) -> PaymentAttempt:
        self.attempts = [new if each is old else each for each in self.attempts]
        return new
