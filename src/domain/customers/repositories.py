"""Ports to customers and how they pay."""

from typing import Protocol

from domain.customers.customer import Customer
from domain.customers.payment_method import PaymentMethod
from domain.shared.ids import CustomerId, PaymentMethodId
from domain.shared.repository import IRepository


class ICustomerRepository(IRepository[Customer], Protocol):
    """The organization's customers. Their specifications may also ask for ``has_payment_method``."""

    async def get_by_email(self, email: str) -> Customer | None:
        """Return the customer with this canonical address, unless deleted."""
        ...

    async def get_by_external_id(self, external_id: str) -> Customer | None:
        """Return the customer with this external id, unless deleted."""
        ...

    async def get_or_create(self, customer: Customer) -> Customer:
        """Return the customer who has this one's address already, or insert this one now.

        Two transactions at once agree on one customer: the later waits for the earlier one's end.

        Raises:
            ExternalIdTaken: nobody has the address, but somebody the external id.
        """
        ...


class IPaymentMethodRepository(IRepository[PaymentMethod], Protocol):
    """The payment methods of the organization's customers."""

    async def of_customer(self, customer_id: CustomerId) -> list[PaymentMethod]:
        """Return the customer's methods that are not removed, by id."""
        ...

    async def get_default(self, customer_id: CustomerId) -> PaymentMethod | None:
        """Return the method used when none is named, or None when the customer has no method."""
        ...

    async def customer_of(self, id: PaymentMethodId) -> CustomerId:
        """Return whose method it is, without loading it: the customer is locked before any of their methods.

        Raises:
            EntityNotFoundError: this tenant has no such method.
        """
        ...

    async def purge_of_customer(self, customer_id: CustomerId) -> int:
        """Delete the rows of a customer's removed methods at once; returns how many.

        Raises:
            StillReferenced: a payment was made with one of them.
        """
        ...
