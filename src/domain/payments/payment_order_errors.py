"""Why a payment order refuses something."""

from domain.shared.errors import BusinessRuleViolation, Conflict, ValidationError


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


class PaymentMethodMissing(ValidationError):
    """The order can be paid with a payment method only, and none is named."""

    code = "payment_method_missing"
    summary = "Name a payment method; no token is accepted for this order."


class PaymentMeansAmbiguous(ValidationError):
    """A payment method is named and a payment in a token presented: only one of them can be meant."""

    code = "payment_means_ambiguous"
    summary = "Pay either with a payment method or with a token, not both."


class RefundInTokenUnsupported(BusinessRuleViolation):
    """The order was paid in a token, which nobody takes back by itself; send it to the payer from the wallet."""

    code = "refund_in_token_unsupported"
    summary = "What was paid in a token is given back by a transaction of the wallet that was paid."
