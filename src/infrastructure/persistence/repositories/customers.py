"""Repositories of the customers context."""

from domain.customers.customer import Customer
from domain.customers.payment_method import PaymentMethod
from domain.customers.repositories import ICustomerRepository, IPaymentMethodRepository
from domain.shared.ids import CustomerId
from domain.shared.specification import Equal
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.customers import CustomerRow, PaymentMethodRow
from infrastructure.persistence.repository import SqlRepository


class SqlCustomerRepository(SqlRepository[Customer], ICustomerRepository):
    """Customers."""

    mapper = Mapper(Customer, CustomerRow)

    async def get_by_email(self, email: str) -> Customer | None:
        """Return the customer with this canonical address."""
        return await self.find_one(Equal("email", email))

    async def get_by_external_id(self, external_id: str) -> Customer | None:
        """Return the customer the organization knows under its own id."""
        return await self.find_one(Equal("external_id", external_id))


class SqlPaymentMethodRepository(SqlRepository[PaymentMethod], IPaymentMethodRepository):
    """Payment methods."""

    mapper = Mapper(PaymentMethod, PaymentMethodRow)

    async def of_customer(self, customer_id: CustomerId) -> list[PaymentMethod]:
        """Return all of a customer's methods, oldest first."""
        return await self.find(Equal("customer_id", customer_id))

    async def get_default(self, customer_id: CustomerId) -> PaymentMethod | None:
        """Return the method that is used unless another is named."""
        return await self.find_one(Equal("customer_id", customer_id) & Equal("is_default", value=True))
