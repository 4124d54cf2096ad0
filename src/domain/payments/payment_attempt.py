"""An attempt: one try to collect the money of a payment order, the part of it that a provider sees."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from attrs import evolve, frozen

from domain.shared.errors import NotFound, ValidationError
from domain.shared.ids import PaymentAttemptId, PaymentMethodId


class PaymentAttemptNotFound(NotFound):
    """The order has no such attempt."""

    code = "payment_attempt_not_found"


class AttemptStatus(StrEnum):
    """What is known of an attempt. Succeeded and declined are final; unknown waits for reconciliation."""

    SUBMITTED = "submitted"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    UNKNOWN = "unknown"


FINAL = frozenset({AttemptStatus.SUCCEEDED, AttemptStatus.DECLINED})


@frozen(kw_only=True)
class AttemptOutcome:
    """What the provider said.

    Attributes:
        reference: the provider's own name for the charge.
        decline_code: why it was declined, in the provider's words.
        permanent: trying again cannot help.
    """

    status: AttemptStatus
    reference: str | None = None
    decline_code: str | None = None
    permanent: bool = False

    def __attrs_post_init__(self) -> None:
        if self.status is AttemptStatus.SUBMITTED:
            raise ValidationError("Submitted is not an outcome.", path="status")


@frozen(kw_only=True)
class PaymentAttempt:
    """One try. Its id is the provider's idempotency key, so repeating the call never collects twice."""

    id: PaymentAttemptId
    number: int
    payment_method_id: PaymentMethodId
    status: AttemptStatus = AttemptStatus.SUBMITTED
    reference: str | None = None
    decline_code: str | None = None
    permanent: bool = False
    started_at: datetime
    concluded_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing can be learnt about it any more."""
        return self.status in FINAL

    def learns_from(self, outcome: AttemptOutcome) -> bool:
        """Say whether the outcome is news; a final attempt never changes its mind."""
        return not self.is_final and outcome.status is not self.status

    def concluded(self, outcome: AttemptOutcome, now: datetime) -> Self:
        """Return the attempt with its outcome; ``concluded_at`` stays empty while that is unknown."""
        return evolve(
            self,
            status=outcome.status,
            reference=outcome.reference,
            decline_code=outcome.decline_code,
            permanent=outcome.permanent,
            concluded_at=now if outcome.status in FINAL else None,
        )
