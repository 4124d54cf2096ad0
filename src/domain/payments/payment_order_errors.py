"""Why a payment order refuses something."""

from domain.shared.errors import BusinessRuleViolation, Conflict


class PaymentInProgress(Conflict):
    """An attempt is on its way or its outcome unknown; a second one could collect the money twice."""

    code = "payment_in_progress"
    summary = "A payment attempt is in progress; wait for its outcome."


class PaymentPermanentlyDeclined(BusinessRuleViolation):
    """The provider said that trying again cannot help."""

    code = "payment_permanently_declined"
    summary = "The payment was declined for good."


class PaymentAttemptsExhausted(BusinessRuleViolation):
    """The order was tried as often as it may be."""

    code = "payment_attempts_exhausted"
    summary = "The payment was tried as often as it may be."


class PaymentOrderExpired(BusinessRuleViolation):
    """The order's time is over; a new one has to be opened."""

    code = "payment_order_expired"
    summary = "The payment order has expired."


class RefundExceedsCaptured(BusinessRuleViolation):
    """Refunds, those under way included, would give back more than was collected."""

    code = "refund_exceeds_captured"
    summary = "The refund exceeds what is left of the collected amount."


class PaymentAwaitsApproval(Conflict):
    """A person is being asked whether an agent may pay the order; until they answer nobody else pays it."""

    code = "payment_awaits_approval"
    summary = "The payment waits for somebody's approval."
