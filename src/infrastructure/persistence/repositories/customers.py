"""Repositories of the customers context."""

from collections.abc import Callable
from typing import cast

from sqlalchemy import Column, Executable, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.customers.customer import Customer
from domain.customers.payment_method import PaymentMethod
from domain.customers.repositories import ICustomerRepository, IPaymentMethodRepository
from domain.shared.errors import EntityNotFoundError, InvalidReference
from domain.shared.ids import CustomerId, PaymentMethodId
from domain.shared.specification import Equal
from infrastructure.persistence import tenancy
from infrastructure.persistence.errors import StillReferenced
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.customers import ALIVE, CustomerRow, PaymentMethodRow
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.session import Session
from infrastructure.persistence.tracking import Change, Operation
from infrastructure.persistence.types import Guid

_METHODS = Mapper(PaymentMethod, PaymentMethodRow)


class _CustomerMapper(Mapper[Customer]):
    """Customers, of whom can also be asked whether they have a payment method, which no column says."""

    def column(self, path: str) -> Column[object]:
        if path != "has_payment_method":
            return super().column(path)
        methods, customers = _METHODS.table.c, self.table.c
        theirs = select(methods.id).where(
            methods.organization_id == customers.organization_id,
            methods.customer_id == customers.id,
            methods.deleted_at.is_(None),
        )
        # The compiler of specifications compares it, like a column.
        return cast("Column[object]", theirs.exists())


class SqlCustomerRepository(SqlRepository[Customer], ICustomerRepository):
    """Customers."""

    mapper = _CustomerMapper(Customer, CustomerRow)

    def __init__(self, session: Session) -> None:
        """Start empty."""
        super().__init__(session)
        self._made: list[tuple[Customer, tuple[object, ...]]] = []

    async def get_by_email(self, email: str) -> Customer | None:
        """Return the customer with this canonical address."""
        return await self.find_one(Equal("email", email))

    async def get_by_external_id(self, external_id: str) -> Customer | None:
        """Return the customer the organization knows under its own id."""
        return await self.find_one(Equal("external_id", external_id))

    async def get_or_create(self, customer: Customer) -> Customer:
        """Insert unless the address is taken, which waits for whoever is about to take it; then read."""
        customer.created_by = customer.updated_by = self._session.author
        row = self.mapper.dehydrate(customer)
        statement = self._prepare("get-or-create", lambda: self._insert_once(self._session.database.is_postgres))
        if not await self._session.rows(statement, self._named(row)):
            found = await self.get_by_email(customer.email)
            if found is None:
                # Whoever had the address gave it up between the two statements; it is free again.
                return await self.get_or_create(customer)
            return found
        self._track(customer)
        self._made.append((customer, row))
        return customer

    async def write_inserts(self) -> list[Change]:
        """Insert what was added, and note what ``get_or_create`` inserted before."""
        made, self._made = self._made, []
        names = self.mapper.column_names
        return [
            *(Change(e, Operation.CREATED, self.mapper.readable(dict(zip(names, r, strict=True)))) for e, r in made),
            *await super().write_inserts(),
        ]

    def _insert_once(self, postgres: bool) -> Executable:  # noqa: FBT001 - a private switch
        table = self.mapper.table
        insert: Callable[..., postgresql.Insert | sqlite.Insert] = postgresql.insert if postgres else sqlite.insert
        values = {n: bindparam(f"c_{n}", type_=table.c[n].type) for n in self.mapper.column_names}
        once = insert(table).values(values)
        return once.on_conflict_do_nothing(index_elements=["organization_id", "email"], index_where=ALIVE).returning(
            table.c.id
        )


class SqlPaymentMethodRepository(SqlRepository[PaymentMethod], IPaymentMethodRepository):
    """Payment methods."""

    mapper = _METHODS

    async def of_customer(self, customer_id: CustomerId) -> list[PaymentMethod]:
        """Return all of a customer's methods, oldest first."""
        return await self.find(Equal("customer_id", customer_id))

    async def get_default(self, customer_id: CustomerId) -> PaymentMethod | None:
        """Return the method that is used unless another is named."""
        return await self.find_one(Equal("customer_id", customer_id) & Equal("is_default", value=True))

    async def customer_of(self, id: PaymentMethodId) -> CustomerId:
        """Return whose method it is."""
        statement = self._prepare("customer-of", self._customer_of)
        rows = await self._session.rows(statement, {"this_id": id})
        if not rows:
            raise EntityNotFoundError
        return cast("CustomerId", rows[0][0])

    async def purge_of_customer(self, customer_id: CustomerId) -> int:
        """Delete the rows; that the methods went was recorded when each of them was removed."""
        statement = self._prepare("purge-of-customer", self._purge_of_customer)
        try:
            return len(await self._session.rows(statement, {"this_customer": customer_id}))
        except InvalidReference as error:
            raise StillReferenced from error

    def _customer_of(self) -> Executable:
        table = self.mapper.table
        this = table.c.id == bindparam("this_id", type_=Guid())
        return select(table.c.customer_id).where(tenancy.wall(table), this, table.c.deleted_at.is_(None))

    def _purge_of_customer(self) -> Executable:
        table = self.mapper.table
        of_customer = table.c.customer_id == bindparam("this_customer", type_=Guid())
        removed = table.c.deleted_at.is_not(None)
        return delete(table).where(tenancy.wall(table), of_customer, removed).returning(table.c.id)
