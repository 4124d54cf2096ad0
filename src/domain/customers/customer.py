"""A customer: somebody who buys from the organization."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.customers.countries import COUNTRIES
from domain.customers.payment_method import PaymentMethod
from domain.shared.entity import SoftDeletable
from domain.shared.errors import Conflict, DuplicateError, ValidationError
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


@frozen(kw_only=True)
class CustomerCreatedEvent(DomainEvent):
    """The organization got a customer. Who it is stays out: events travel further than personal data should."""

    verb: ClassVar[str] = "created"


@define(kw_only=True, eq=False)
class Customer(SoftDeletable):
    """A buyer. ``external_id`` is what the organization calls them in its own system."""

    kind: ClassVar[str] = "customer"

    id: CustomerId
    email: str
    name: str
    external_id: str | None
    country: str | None
    metadata: dict[str, str | int | bool] = field(factory=dict)

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
            name=NAME.check(name),
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
            name=NAME.check(name),
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


def _check_external_id(value: str | None) -> str | None:
    return None if value is None else EXTERNAL_ID.check(value)


def _check_country(value: str | None) -> str | None:
    if value is not None and value not in COUNTRIES:
        raise InvalidCountry(path="country")
    return value
