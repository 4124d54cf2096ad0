"""A payment method: a provider's token for a customer's card or account, or a wallet's address; never a number."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

import attrs
from attrs import define, field, frozen

from domain.customers.method_details import (
    CardFunding,
    MethodDetails,
    PaymentMethodType,
    WalletNetwork,
    check_billing_name,
    check_expiry,
    check_token,
)
from domain.customers.verification import (
    MAX_ROUNDS,
    MAX_TRIES,
    PaymentMethodDepositsSentEvent,
    PaymentMethodVerificationFailed,
    PaymentMethodVerificationUpdatedEvent,
    VerificationExhausted,
    VerificationStatus,
    VerificationTransitionInvalid,
    VerificationUnsupported,
    digest_of,
)
from domain.shared.entity import SoftDeletable
from domain.shared.errors import BusinessRuleViolation, Conflict, Invalid, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import CustomerId, OrganizationId, PaymentMethodId
from domain.shared.metadata import check_metadata

MAX_METHODS = 20
"""How many methods a customer may have at a time: all of them are read whenever one changes."""

EXPIRES_SOON = timedelta(days=30)
_STARTABLE = frozenset({VerificationStatus.UNVERIFIED, VerificationStatus.FAILED})


class PaymentMethodInUse(Conflict):
    """A payment on its way uses the method."""

    code = "payment_method_in_use"
    summary = "A payment in progress uses this payment method."


class PaymentMethodExpired(BusinessRuleViolation):
    """The method's last month is over."""

    code = "payment_method_expired"
    summary = "The payment method has expired."


class PaymentMethodLimit(BusinessRuleViolation):
    """The customer has as many methods as a customer can have."""

    code = "payment_method_limit"
    summary = f"A customer has at most {MAX_METHODS} payment methods."


class PaymentMethodMismatch(Invalid):
    """The method is another customer's."""

    code = "payment_method_mismatch"
    summary = "The payment method belongs to another customer."


@frozen(kw_only=True)
class PaymentMethodAddedEvent(DomainEvent):
    """A customer can pay in one more way."""

    verb: ClassVar[str] = "added"
    customer_id: CustomerId
    type: str


@define(kw_only=True, eq=False)
class PaymentMethod(SoftDeletable):
    """A way a customer pays. A card is good until the end of its expiry month, in UTC."""

    kind: ClassVar[str] = "payment_method"

    id: PaymentMethodId
    customer_id: CustomerId
    type: PaymentMethodType
    provider_token: str = field(repr=False)
    brand: str | None
    funding: CardFunding | None = None
    last_four: str | None
    expiry_month: int | None
    expiry_year: int | None
    bank_name: str | None = None
    country: str | None = None
    network: WalletNetwork | None = None
    address: str | None = None
    billing_name: str | None = None
    is_default: bool
    verification: VerificationStatus = VerificationStatus.UNVERIFIED
    verification_check: str | None = None
    verification_failure: str | None = None
    verification_tries: int = 0
    verification_rounds: int = 0
    deposits_digest: str | None = field(default=None, repr=False)
    verified_at: datetime | None = None
    metadata: dict[str, str | int | bool] = field(factory=dict)

    @classmethod
    def add(
        cls,
        siblings: Sequence["PaymentMethod"],
        *,
        id: PaymentMethodId,
        organization_id: OrganizationId,
        customer_id: CustomerId,
        type: PaymentMethodType,
        provider_token: str | None = None,
        details: MethodDetails | None = None,
        billing_name: str | None = None,
        metadata: Mapping[str, object] | None = None,
        now: datetime,
    ) -> Self:
        """Add a method beside the customer's present ones; the first becomes the default.

        Raises:
            InvalidProviderToken: no token, or a card number in its place.
            ValidationError: a detail is missing, does not belong to the type, or is not acceptable.
            PaymentMethodExpired: the expiry is over.
            PaymentMethodLimit: the customer has enough of them.
        """
        details = (details or MethodDetails()).checked(type)
        method = cls(
            id=id, organization_id=organization_id, created_at=now, updated_at=now, customer_id=customer_id, type=type,
            provider_token=check_token(type, provider_token, details), billing_name=check_billing_name(billing_name),
            metadata=check_metadata(metadata or {}), is_default=not any(each.is_default for each in siblings),
            **attrs.asdict(details),
        )  # fmt: skip
        method._refuse_expired(now)
        if len(siblings) >= MAX_METHODS:
            raise PaymentMethodLimit
        method.record(PaymentMethodAddedEvent(customer_id=customer_id, type=type.value), now)
        return method

    @property
    def expires_at(self) -> datetime | None:
        """Return the first moment at which it is no longer good, None for a method that does not expire."""
        if self.expiry_year is None or self.expiry_month is None:
            return None
        months = 12 * self.expiry_year + self.expiry_month
        return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)

    @property
    def verification_tries_left(self) -> int | None:
        """Return how often the deposits may still be named; None when nobody is asked."""
        return None if self.deposits_digest is None else MAX_TRIES - self.verification_tries

    def is_expired(self, now: datetime) -> bool:
        """Say whether the expiry month is over."""
        return self.expires_at is not None and self.expires_at <= now

    def expires_soon(self, now: datetime) -> bool:
        """Say whether it is good now and will not be in thirty days."""
        return self.expires_at is not None and now < self.expires_at <= now + EXPIRES_SOON

    def is_usable(self, now: datetime) -> bool:
        """Say whether a payment with it could succeed, as far as we know."""
        return not self.is_deleted and not self.is_expired(now) and self.verification_failure is None

    def ensure_usable_by(self, customer_id: CustomerId, now: datetime) -> None:
        """Let the customer pay with this method, or say why not.

        Raises:
            PaymentMethodMismatch: it is another customer's.
            PaymentMethodExpired: its last month is over.
            PaymentMethodVerificationFailed: it is not real.
        """
        if self.customer_id != customer_id:
            raise PaymentMethodMismatch
        self._refuse_unusable(now)

    def edit(
        self, now: datetime, *, expiry_month: int | None, expiry_year: int | None, billing_name: str | None,
        metadata: Mapping[str, object],
    ) -> None:  # fmt: skip
        """Describe the method anew.

        Raises:
            ValidationError: an expiry on something else than a card, or one that is not acceptable.
            PaymentMethodExpired: the new expiry is over.
        """
        if self.type is not PaymentMethodType.CARD and (expiry_month, expiry_year) != (None, None):
            raise ValidationError("Only a card expires.", path="expiry_month")
        check_expiry(expiry_month, expiry_year)
        moved = (expiry_month, expiry_year) != (self.expiry_month, self.expiry_year)
        self.amend(
            now, expiry_month=expiry_month, expiry_year=expiry_year, billing_name=check_billing_name(billing_name),
            metadata=check_metadata(metadata),
        )  # fmt: skip
        if moved:
            self._refuse_expired(now)

    def remove(self, now: datetime, by: str, *, in_use: bool) -> None:
        """Stop using the method, which gives up being the default.

        Raises:
            PaymentMethodInUse: a payment on its way uses it.
        """
        if in_use:
            raise PaymentMethodInUse
        self.is_default = False
        self.delete(now, by)

    def make_default(self, siblings: Sequence["PaymentMethod"], now: datetime) -> None:
        """Become the one that is used when none is named; whichever was it gives its place up first.

        Raises:
            PaymentMethodExpired: its last month is over.
            PaymentMethodVerificationFailed: it is not real.
        """
        self._refuse_unusable(now)
        for other in siblings:
            if other is not self:
                other.amend(now, is_default=False)
        self.amend(now, is_default=True)

    def begin_verification(self, check: str, now: datetime) -> None:
        """Ask whether the method is real, under a key of the asking.

        Raises:
            VerificationUnsupported: nobody can say so of a wallet.
            VerificationTransitionInvalid: it is asked already, or known.
            VerificationExhausted: it failed as often as it may.
            PaymentMethodExpired: its last month is over.
        """
        if self.type is PaymentMethodType.WALLET:
            raise VerificationUnsupported
        if self.verification not in _STARTABLE:
            raise VerificationTransitionInvalid
        if self.verification_rounds >= MAX_ROUNDS:
            raise VerificationExhausted
        self._refuse_expired(now)
        self.verification_check, self.verification_tries = check, 0
        self.verification_rounds += 1
        self._verify(VerificationStatus.PENDING, now)

    def conclude_verification(
        self, check: str, now: datetime, *, failure_code: str | None = None, deposits: tuple[int, int] | None = None
    ) -> None:
        """Take what the provider said of one asking; news of another, or news repeated, changes nothing."""
        if self.verification is not VerificationStatus.PENDING or self.verification_check != check:
            return
        if failure_code is not None:
            self._verify(VerificationStatus.FAILED, now, failure_code)
        elif deposits is None:
            self._verify(VerificationStatus.VERIFIED, now)
        elif self.deposits_digest is None:
            self.deposits_digest = digest_of(check, deposits)
            self.record(PaymentMethodDepositsSentEvent(), now)

    def confirm_deposits(self, amounts: tuple[int, int], now: datetime) -> None:
        """Compare what the customer found on the account; the third wrong answer is the last.

        Raises:
            VerificationTransitionInvalid: no deposits are waiting to be named.
        """
        check, expected = self.verification_check, self.deposits_digest
        if self.verification is not VerificationStatus.PENDING or check is None or expected is None:
            raise VerificationTransitionInvalid
        if hmac.compare_digest(digest_of(check, amounts), expected):
            self._verify(VerificationStatus.VERIFIED, now)
            return
        self.amend(now, verification_tries=self.verification_tries + 1)
        if self.verification_tries >= MAX_TRIES:
            self._verify(VerificationStatus.FAILED, now, "deposits_mismatch")

    def _verify(self, to: VerificationStatus, now: datetime, failure_code: str | None = None) -> None:
        before, self.verification, self.deposits_digest = self.verification, to, None
        if to is not VerificationStatus.PENDING:
            self.verification_failure = failure_code
        if to is VerificationStatus.VERIFIED:
            self.verified_at = now
        event = PaymentMethodVerificationUpdatedEvent(
            from_status=before.value, to_status=to.value, failure_code=failure_code
        )
        self.record(event, now)

    def _refuse_unusable(self, now: datetime) -> None:
        self._refuse_expired(now)
        # Asking again takes nothing back: the failure stays until the method is verified.
        if self.verification_failure is not None:
            raise PaymentMethodVerificationFailed

    def _refuse_expired(self, now: datetime) -> None:
        if self.is_expired(now):
            raise PaymentMethodExpired
