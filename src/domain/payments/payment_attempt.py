"""An attempt: one try to collect the money of a payment order, the part of it that a provider sees."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from attrs import evolve, frozen

from domain.shared.errors import NotFound, ValidationError
from domain.shared.ids import PaymentAttemptId, PaymentMethodId
from domain.shared.money import Money


class PaymentAttemptNotFound(NotFound):
    """The order has no such attempt."""

    code = "payment_attempt_not_found"


class AttemptStatus(StrEnum):
    """What is known of an attempt. Succeeded is final; a decline is too, unless the money arrives after all."""

    SUBMITTED = "submitted"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    UNKNOWN = "unknown"


FINAL = frozenset({AttemptStatus.SUCCEEDED, AttemptStatus.DECLINED})
ATTENTION_AFTER = 6
"""So many look-ups in vain, of an attempt or of a refund, and a person should look as well."""


@frozen(kw_only=True)
class AttemptOutcome:
    """What the provider said.

    Attributes:
        provider: which provider said it.
        reference: the provider's own name for the charge.
        decline_code: why it was declined, in the provider's words.
        permanent: trying again cannot help.
        fee: what the provider keeps of a success; None when it does not say, or not yet.
        looked_up: we asked; an answer of "unknown" counts as one more try to find out.
    """

    status: AttemptStatus
    provider: str | None = None
    reference: str | None = None
    decline_code: str | None = None
    permanent: bool = False
    fee: Money | None = None
    looked_up: bool = False

    def __attrs_post_init__(self) -> None:
        if self.status is AttemptStatus.SUBMITTED:
            raise ValidationError("Submitted is not an outcome.", path="status")
        if self.fee is not None and self.fee.is_negative:
            raise ValidationError("A fee is not negative.", path="fee")


@frozen(kw_only=True)
class PaymentAttempt:
    """One try. Its id is the provider's idempotency key, so repeating the call never collects twice.

    Attributes:
        payment_method_id: what is charged; None when the buyer authorized a payment in a token.
        lookups: how often the provider was asked in vain what became of it.
        surplus: its money arrived for an order that no longer wanted it, and is given back.
        fee_minor: what the provider keeps, in the order's currency; None while that is not known.
    """

    id: PaymentAttemptId
    number: int
    payment_method_id: PaymentMethodId | None
    status: AttemptStatus = AttemptStatus.SUBMITTED
    provider: str | None = None
    reference: str | None = None
    decline_code: str | None = None
    permanent: bool = False
    fee_minor: int | None = None
    surplus: bool = False
    lookups: int = 0
    started_at: datetime
    concluded_at: datetime | None = None

    @property
    def in_token(self) -> bool:
        """Whether a chain decides about it, and no payment provider."""
        return self.payment_method_id is None

    @property
    def is_final(self) -> bool:
        """Whether nobody needs to be asked about it any more."""
        return self.status in FINAL

    def learns_from(self, outcome: AttemptOutcome) -> bool:
        """Say whether the outcome is news. Nothing undoes a success; money that arrives late undoes a decline.

        Of a payment in a token nothing is unknown: it is pending until the chain has decided.
        """
        match self.status:
            case AttemptStatus.SUCCEEDED:
                return outcome.status is AttemptStatus.SUCCEEDED and self.fee_minor is None and outcome.fee is not None
            case AttemptStatus.DECLINED:
                return outcome.status is AttemptStatus.SUCCEEDED
            case AttemptStatus.UNKNOWN:
                return outcome.status is not AttemptStatus.UNKNOWN or outcome.looked_up
        return not self.in_token or outcome.status is not AttemptStatus.UNKNOWN

    def concluded(self, outcome: AttemptOutcome, now: datetime, *, surplus: bool = False) -> Self:
        """Return the attempt with its outcome; ``concluded_at`` stays empty while that is unknown."""
        asked_in_vain = outcome.looked_up and outcome.status is AttemptStatus.UNKNOWN
        return evolve(
            self,
            status=outcome.status,
            provider=outcome.provider or self.provider,
            reference=outcome.reference or self.reference,
            decline_code=outcome.decline_code,
            permanent=outcome.permanent,
            fee_minor=None if outcome.fee is None else outcome.fee.minor,
            surplus=surplus,
            lookups=self.lookups + asked_in_vain,
            concluded_at=now if outcome.status in FINAL else None,
        )

    def with_fee(self, outcome: AttemptOutcome) -> Self:
        """Return the successful attempt with the fee that its provider told later."""
        return evolve(self, fee_minor=None if outcome.fee is None else outcome.fee.minor)


@frozen(kw_only=True)
class Collected:
    """What an outcome newly tells of money: the books are told the same.

    Attributes:
        money: what was collected just now; None when only the fee is news.
        fee: what the provider keeps of it; None when it did not say, zero included.
        surplus: the order did not want the money any more.
    """

    attempt: PaymentAttempt
    money: Money | None
    fee: Money | None
    surplus: bool
