"""Ports to customers and how they pay."""

from typing import Protocol

from domain.customers.customer import Customer
from domain.customers.payment_method import PaymentMethod
from domain.shared.ids import CustomerId
from domain.shared.repository import IRepository


class ICustomerRepository(IRepository[Customer], Protocol):
    """The organization's customers."""

    async def get_by_email(self, email: str) -> Customer | None:
        """Return the customer with this canonical address, unless deleted."""
        ...

    async def get_by_external_id(self, external_id: str) -> Customer | None:
        """Return the customer with this external id, unless deleted."""
        ...


class IPaymentMethodRepository(IRepository[PaymentMethod], Protocol):
    """The payment methods of the organization's customers."""

    async def of_customer(self, customer_id: CustomerId) -> list[PaymentMethod]:
        """Return the customer's methods that are not removed, by id."""
        ...

    async def get_default(self, customer_id: CustomerId) -> PaymentMethod | None:
        """Return the method used when none is named, or None when the customer has no method."""
        ...
