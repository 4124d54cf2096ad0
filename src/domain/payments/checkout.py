"""A checkout: what a buyer without an account did on the page of a payment link."""

import hashlib
import hmac
import re
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.shared.card_numbers import holds_card_number
from domain.shared.entity import Entity
from domain.shared.errors import BusinessRuleViolation, Conflict, DuplicateError, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import CheckoutId, CustomerId, PaymentLinkId, PaymentOrderId

# With a letter, since 22 digits alone are fewer than 128 random bits, and may be a card number and more.
_REFERENCE = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_-]{22,64}")


MAX_CHECKOUT_ATTEMPTS = 10
"""How often one purchase is tried to pay, whatever the number of orders: anybody may try cards here."""


class InvalidCheckoutReference(ValidationError):
    """The text cannot be a checkout's reference. It is never repeated."""

    code = "checkout_reference_invalid"
    summary = "A checkout reference has 22 to 64 letters, digits, - and _ chosen at random, letters among them."


class CheckoutTaken(DuplicateError):
    """Another checkout has this reference."""

    code = "checkout_taken"
    summary = "This checkout was already submitted."


class CheckoutReferenceUsed(Conflict):
    """The reference stands for a purchase that was submitted with something else than now."""

    code = "checkout_reference_used"
    summary = "This reference was used for another purchase; choose a new one, or read the checkout it stands for."


class CheckoutTotalChanged(Conflict):
    """The buyer agreed to another sum than the purchase costs."""

    code = "checkout_total_changed"
    summary = "The total is another than the one the buyer agreed to."


class CheckoutOutOfStep(Conflict):
    """The buyer answers an attempt that has not been made."""

    code = "checkout_out_of_step"
    summary = "There was no such attempt to pay; read the checkout again."


class CheckoutAttemptsExhausted(BusinessRuleViolation):
    """So many cards were tried that this is no buyer who mistypes."""

    code = "checkout_attempts_exhausted"
    summary = "The purchase was tried to pay as often as it may be; begin a new one."


class CheckoutStatus(StrEnum):
    """What the buyer is told."""

    PROCESSING = "processing"
    PAID = "paid"
    REFUNDED = "refunded"
    DECLINED = "declined"
    CANCELLED = "cancelled"


_STATUSES = {
    PaymentOrderStatus.COMPLETED: CheckoutStatus.PAID,
    PaymentOrderStatus.PARTIALLY_REFUNDED: CheckoutStatus.PAID,
    PaymentOrderStatus.REFUNDED: CheckoutStatus.REFUNDED,
    PaymentOrderStatus.FAILED: CheckoutStatus.DECLINED,
    PaymentOrderStatus.CANCELLED: CheckoutStatus.CANCELLED,
    PaymentOrderStatus.EXPIRED: CheckoutStatus.CANCELLED,
}


def status_of(order: PaymentOrder) -> CheckoutStatus:
    """Say of an order what its buyer needs to know; whatever is not decided is being processed."""
    return _STATUSES.get(order.status, CheckoutStatus.PROCESSING)


@frozen(kw_only=True)
class CheckoutSubmittedEvent(DomainEvent):
    """A buyer agreed to pay."""

    verb: ClassVar[str] = "submitted"
    payment_link_id: PaymentLinkId
    payment_order_id: PaymentOrderId
    customer_id: CustomerId


@frozen(kw_only=True)
class CheckoutRetriedEvent(DomainEvent):
    """After a decline the buyer tried again; ``attempt`` counts all tries of the checkout from 1."""

    verb: ClassVar[str] = "retried"
    payment_order_id: PaymentOrderId
    attempt: int


@define(kw_only=True, eq=False)
class Checkout(Entity):
    """One buyer's way through the page of a link.

    Whoever knows the reference may see and continue the checkout, so that it is a secret: only its ``digest`` is
    kept. It leads to the order being paid now; after a card was declined for good that is another one than before.
    ``fingerprint`` is of what was submitted, and None for checkouts older than fingerprints.
    """

    kind: ClassVar[str] = "checkout"

    id: CheckoutId
    digest: str
    payment_link_id: PaymentLinkId
    payment_order_id: PaymentOrderId
    customer_id: CustomerId
    locale: str
    attempts: int
    fingerprint: str | None = field(default=None, repr=False)

    @classmethod
    def submit(
        cls, order: PaymentOrder, *, id: CheckoutId, reference: str, submitted: str, locale: str, now: datetime
    ) -> Self:
        """Take down that the buyer of a fresh order agreed to pay it; ``submitted`` is all of what they sent.

        Raises:
            InvalidCheckoutReference: the reference is too short to be a secret, or none at all.
        """
        checkout = cls(
            id=id,
            organization_id=order.organization_id,
            created_at=now,
            updated_at=now,
            digest=digest_of(reference),
            payment_link_id=order.payment_link_id,
            payment_order_id=order.id,
            customer_id=order.customer_id,
            locale=locale,
            attempts=1,
            fingerprint=_sealed(submitted, reference),
        )
        checkout.record(
            CheckoutSubmittedEvent(
                payment_link_id=order.payment_link_id, payment_order_id=order.id, customer_id=order.customer_id
            ),
            now,
        )
        return checkout

    def refuse_other(self, submitted: str, reference: str) -> None:
        """Let the same submission pass once more, and no other.

        Raises:
            CheckoutReferenceUsed: this was not what the reference was submitted with.
        """
        if self.fingerprint is not None and not hmac.compare_digest(self.fingerprint, _sealed(submitted, reference)):
            raise CheckoutReferenceUsed

    def is_news(self, after: int) -> bool:
        """Say whether a try after that many others has yet to be made; one that was made is not made again.

        Raises:
            CheckoutOutOfStep: there were not that many.
            CheckoutAttemptsExhausted: there were as many as there may be, over all orders.
        """
        if after > self.attempts:
            raise CheckoutOutOfStep
        if after == self.attempts >= MAX_CHECKOUT_ATTEMPTS:
            raise CheckoutAttemptsExhausted(attempts=MAX_CHECKOUT_ATTEMPTS)
        return after == self.attempts

    def retry(self, order_id: PaymentOrderId, now: datetime) -> None:
        """Count another try, which may be at another order."""
        self.payment_order_id = order_id
        self.attempts += 1
        self.record(CheckoutRetriedEvent(payment_order_id=order_id, attempt=self.attempts), now)


def digest_of(reference: str) -> str:
    """Return what is kept of a reference.

    Raises:
        InvalidCheckoutReference: it cannot be one.
    """
    if _REFERENCE.fullmatch(reference) is None or holds_card_number(reference):
        raise InvalidCheckoutReference(path="reference")
    return hashlib.sha256(reference.encode("ascii")).hexdigest()


def _sealed(submitted: str, reference: str) -> str:
    """Return a fingerprint of which nobody can guess the content, for the reference is its key and is not kept."""
    return hmac.digest(reference.encode("ascii"), submitted.encode(), "sha256").hex()
