"""Whether a payment method is real: the states of its verification.

    unverified ─→ pending ─→ verified
                  ↑     └──→ failed ─┐
                  └──────────────────┘  twice at most

A card is verified by an authorisation of zero. To an account two small deposits are sent, and whoever can say how much
they were has access to it. Of the amounts only a digest is kept.
"""

import hashlib
from enum import StrEnum
from typing import ClassVar

from attrs import frozen

from domain.shared.errors import BusinessRuleViolation, InvalidTransition
from domain.shared.events import DomainEvent

MAX_TRIES = 3
MAX_ROUNDS = 3
"""How often a method may be asked about, ever: else whoever guesses would begin again and again."""


class VerificationUnsupported(BusinessRuleViolation):
    """Nobody can verify this type of method."""

    code = "verification_unsupported"
    summary = "This type of payment method cannot be verified."


class PaymentMethodVerificationFailed(BusinessRuleViolation):
    """The provider found the method not to be real."""

    code = "payment_method_verification_failed"
    summary = "The payment method's verification failed."


class VerificationTransitionInvalid(InvalidTransition):
    """The verification is not in a state that allows this."""

    code = "verification_transition_invalid"
    summary = "The payment method's verification does not allow this now."


class VerificationExhausted(BusinessRuleViolation):
    """The verification failed as often as it may."""

    code = "verification_exhausted"
    summary = f"The payment method's verification failed {MAX_ROUNDS} times; add another method."


class VerificationStatus(StrEnum):
    """How far the verification of a payment method is."""

    UNVERIFIED = "unverified"
    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"


@frozen(kw_only=True)
class PaymentMethodVerificationUpdatedEvent(DomainEvent):
    """The verification of a payment method moved on; ``failure_code`` says why it failed."""

    verb: ClassVar[str] = "verification_updated"
    from_status: str
    to_status: str
    failure_code: str | None


@frozen(kw_only=True)
class PaymentMethodDepositsSentEvent(DomainEvent):
    """Two small deposits are on their way to the account; how much they are stays between bank and customer."""

    verb: ClassVar[str] = "deposits_sent"


def digest_of(check: str, amounts: tuple[int, int]) -> str:
    """Return what is kept of the deposits of one check; their order does not count."""
    low, high = sorted(amounts)
    return hashlib.sha256(f"{check}:{low}:{high}".encode()).hexdigest()
