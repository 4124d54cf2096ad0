"""A customer: somebody who buys from the organization."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.customers.countries import COUNTRIES
from domain.customers.kyc import (
    APPROVAL_LASTS,
    MOVES,
    REASON,
    CustomerKycUpdatedEvent,
    KycStatus,
    KycTransitionInvalid,
)
from domain.customers.payment_method import PaymentMethod
from domain.shared.card_numbers import refuse_card_number
from domain.shared.entity import SoftDeletable
from domain.shared.errors import BusinessRuleViolation, Conflict, DuplicateError, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import CustomerId, OrganizationId
from domain.shared.metadata import check_metadata
from domain.shared.text import NAME, TextRule, check_email

EXTERNAL_ID = TextRule(max_length=100)


class CustomerEmailTaken(DuplicateError):
    """Another customer of the organization has this address."""

    code = "customer_email_taken"
    summary = "Another customer has this e-mail address."


class ExternalIdTaken(DuplicateError):
    """Another customer of the organization has this external id."""

    code = "external_id_taken"
    summary = "Another customer has this external id."


class InvalidCountry(ValidationError):
    """The text is no assigned ISO 3166-1 alpha-2 code."""

    code = "country_invalid"
    summary = "A country is two upper-case letters (ISO 3166-1 alpha-2)."


class CustomerHasOpenOrders(Conflict):
    """A customer stays while money may still move."""

    code = "customer_has_open_orders"
    summary = "The customer has open payment orders."


class CustomerNotDeleted(BusinessRuleViolation):
    """Only what was deleted before can be purged."""

    code = "customer_not_deleted"
    summary = "Delete the customer before purging it."


@frozen(kw_only=True)
class CustomerCreatedEvent(DomainEvent):
    """The organization got a customer. Who it is stays out: events travel further than personal data should."""

    verb: ClassVar[str] = "created"


@define(kw_only=True, eq=False)
class Customer(SoftDeletable):
    """A buyer. ``external_id`` is what the organization calls them in its own system.

    ``risk_score`` is 0 (none) to 100, as the KYC provider last saw it. ``kyc_check`` names the latest check.
    """

    kind: ClassVar[str] = "customer"

    id: CustomerId
    email: str
    name: str
    external_id: str | None
    country: str | None
    metadata: dict[str, str | int | bool] = field(factory=dict)
    kyc_status: KycStatus = KycStatus.NOT_STARTED
    risk_score: int | None = None
    kyc_check: str | None = None
    kyc_reason: str | None = None
    kyc_updated_at: datetime | None = None
    kyc_expires_at: datetime | None = None

    @classmethod
    def create(
        cls,
        *,
        id: CustomerId,
        organization_id: OrganizationId,
        email: str,
        name: str,
        external_id: str | None = None,
        country: str | None = None,
        metadata: Mapping[str, object] | None = None,
        now: datetime,
    ) -> Self:
        """Get to know a customer.

        Raises:
            InvalidEmail: the address is not acceptable.
            InvalidText: the name or the external id is not acceptable.
            InvalidCountry: the country is no alpha-2 code.
            InvalidMetadata: the metadata is not acceptable.
        """
        customer = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            email=check_email(email),
            name=_check_name(name),
            external_id=_check_external_id(external_id),
            country=_check_country(country),
            metadata=check_metadata(metadata or {}),
        )
        customer.record(CustomerCreatedEvent(), now)
        return customer

    def edit(
        self,
        now: datetime,
        *,
        email: str,
        name: str,
        external_id: str | None,
        country: str | None,
        metadata: Mapping[str, object],
    ) -> None:
        """Describe the customer anew; the errors are those of :meth:`create`."""
        self.amend(
            now,
            email=check_email(email),
            name=_check_name(name),
            external_id=_check_external_id(external_id),
            country=_check_country(country),
            metadata=check_metadata(metadata),
        )

    def remove(self, methods: Iterable[PaymentMethod], now: datetime, by: str, *, has_open_orders: bool) -> None:
        """Hide the customer, together with their payment methods.

        Raises:
            CustomerHasOpenOrders: money may still move.
        """
        if has_open_orders:
            raise CustomerHasOpenOrders
        for method in methods:
            method.remove(now, by, in_use=False)
        self.delete(now, by)

    def ensure_purgeable(self) -> None:
        """Let the customer be erased, or refuse.

        Raises:
            CustomerNotDeleted: it was not deleted before.
        """
        if not self.is_deleted:
            raise CustomerNotDeleted

    def start_kyc(self, check: str, now: datetime) -> None:
        """Have the identity checked, under a name of the check; also again, after a rejection or an expiry.

        Raises:
            KycTransitionInvalid: a check is under way, or the customer is approved.
        """
        self._move_kyc(KycStatus.PENDING, now)
        self.kyc_check = check

    def conclude_kyc(
        self, check: str, verdict: KycStatus, *, risk_score: int, reason: str | None, now: datetime
    ) -> None:
        """Take what the provider said of one check; news of another, or news repeated, changes nothing.

        Raises:
            ValidationError: the score is not 0 to 100.
            KycTransitionInvalid: no check ends with this verdict.
        """
        if self.kyc_status is not KycStatus.PENDING or self.kyc_check != check:
            return
        if risk_score not in range(101):
            raise ValidationError("A risk score is 0 to 100.", path="risk_score")
        self.risk_score = risk_score
        self._move_kyc(verdict, now, reason)

    def review_kyc(self, verdict: KycStatus, *, reason: str | None, now: datetime) -> None:
        """Decide by hand: what the provider left open, or that an approval is taken back.

        Raises:
            KycTransitionInvalid: there is nothing to decide, or this is no decision.
            InvalidText: the reason is not acceptable.
        """
        open_question = self.kyc_status is KycStatus.NEEDS_REVIEW
        taken_back = self.kyc_status is KycStatus.APPROVED and verdict is KycStatus.REJECTED
        if not (open_question or taken_back):
            raise KycTransitionInvalid
        self._move_kyc(verdict, now, None if reason is None else REASON.check(reason))

    def expire_kyc(self, now: datetime) -> None:
        """End an approval whose time is over; before that, and in every other state, nothing changes."""
        if self.kyc_status is KycStatus.APPROVED and self.kyc_expires_at is not None and self.kyc_expires_at <= now:
            self._move_kyc(KycStatus.EXPIRED, now)

    def _move_kyc(self, to: KycStatus, now: datetime, reason: str | None = None) -> None:
        before = self.kyc_status
        if to not in MOVES[before]:
            raise KycTransitionInvalid
        self.kyc_status, self.kyc_reason, self.kyc_updated_at = to, reason, now
        self.kyc_expires_at = now + APPROVAL_LASTS if to is KycStatus.APPROVED else None
        event = CustomerKycUpdatedEvent(
            from_status=before.value, to_status=to.value, risk_score=self.risk_score, reason=reason
        )
        self.record(event, now)


def _check_name(value: str) -> str:
    refuse_card_number(value, "name")
    return NAME.check(value)


def _check_external_id(value: str | None) -> str | None:
    return None if value is None else EXTERNAL_ID.check(value)


def _check_country(value: str | None) -> str | None:
    if value is not None and value not in COUNTRIES:
        raise InvalidCountry(path="country")
    return value
