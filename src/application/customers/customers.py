"""Customers: who buys from the organization."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.fields import Email, Version
from application.kernel.page import ListView, PageQuery
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.customers.customer import EXTERNAL_ID, Customer
from domain.customers.specifications import customers_matching
from domain.payments.specifications import orders_open_for_customer
from domain.shared.ids import CustomerId
from domain.shared.text import NAME

Country = Annotated[str, Len(2, 2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView(View[Customer]):
    """A customer."""

    id: CustomerId
    version: int
    email: str
    name: str
    external_id: str | None
    country: str | None
    metadata: dict[str, str | int | bool]
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCustomer:
    """A customer. Address and external id are unique among the organization's customers."""

    email: Email
    name: Annotated[str, NAME]
    external_id: Annotated[str, EXTERNAL_ID] | None = None
    country: Country | None = None
    metadata: dict[str, str | int | bool] = field(default_factory=dict)


@use_case(
    "customers.create",
    scope=Scope.CUSTOMERS_WRITE,
    example={
        "email": "mara.lind@example.org",
        "name": "Mara Lind",
        "external_id": "crm-20817",
        "country": "SE",
        "metadata": {"segment": "retail"},
    },
)
async def create_customer(cmd: CreateCustomer, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> CustomerView:
    """Create a customer.

    Errors: `customer_email_taken`, `external_id_taken`, `email_invalid`, `country_invalid`, `text_invalid`,
    `metadata_invalid`.
    """
    customer = Customer.create(
        id=CustomerId(ids.new()),
        organization_id=uow.actor.organization_id,
        email=cmd.email,
        name=cmd.name,
        external_id=cmd.external_id,
        country=cmd.country,
        metadata=cmd.metadata,
        now=clock.now(),
    )
    uow.customers.add(customer)
    return CustomerView.of(customer)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCustomers(PageQuery):
    """Which customers: `text` looks into name and address, the others are exact."""

    text: Annotated[str, Len(1, 200)] | None = None
    email: Email | None = None
    external_id: Annotated[str, EXTERNAL_ID] | None = None
    country: Country | None = None
    sort: Literal["created_at", "-created_at", "name", "-name", "email", "-email"] = "-created_at"


@use_case("customers.list", scope=Scope.CUSTOMERS_READ, example={"limit": 20, "country": "SE"}, read_only=True)
async def list_customers(cmd: ListCustomers, uow: IUnitOfWork) -> ListView[CustomerView]:
    """List the customers that are not deleted.

    Errors: `email_invalid`.
    """
    wanted = customers_matching(
        text=cmd.text, email=cmd.email, external_id=cmd.external_id, country=cmd.country
    )  # fmt: skip
    return ListView.of(await uow.customers.page(wanted, cmd.request(cmd.sort)), CustomerView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCustomer:
    """Which customer."""

    id: CustomerId


@use_case("customers.get", scope=Scope.CUSTOMERS_READ, example={}, read_only=True)
async def get_customer(cmd: GetCustomer, uow: IUnitOfWork) -> CustomerView:
    """Return one customer that is not deleted.

    Errors: `not_found`.
    """
    return CustomerView.of(await uow.customers.get(cmd.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateCustomer:
    """New values for what is mentioned; the rest stays."""

    id: CustomerId
    expected_version: Version
    email: Maybe[Email] = UNSET
    name: Maybe[Annotated[str, NAME]] = UNSET
    external_id: Maybe[Annotated[str, EXTERNAL_ID] | None] = UNSET
    country: Maybe[Country | None] = UNSET
    metadata: Maybe[dict[str, str | int | bool]] = UNSET


@use_case(
    "customers.update",
    scope=Scope.CUSTOMERS_WRITE,
    example={"expected_version": 1, "name": "Mara Lindqvist", "country": "NO"},
)
async def update_customer(cmd: UpdateCustomer, uow: IUnitOfWork, *, clock: IClock) -> CustomerView:
    """Change a customer; fields left out stay as they are, and metadata is replaced as a whole.

    Errors: `not_found`, `version_stale`, `customer_email_taken`, `external_id_taken`, `email_invalid`,
    `country_invalid`, `text_invalid`, `metadata_invalid`.
    """
    customer = await uow.customers.get(cmd.id)
    customer.expect_version(cmd.expected_version)
    customer.edit(
        clock.now(),
        email=given(cmd.email, customer.email),
        name=given(cmd.name, customer.name),
        external_id=given(cmd.external_id, customer.external_id),
        country=given(cmd.country, customer.country),
        metadata=given(cmd.metadata, customer.metadata),
    )
    return CustomerView.of(customer)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCustomer:
    """Which customer, and optionally the version the caller read."""

    id: CustomerId
    expected_version: Version | None = None


@use_case("customers.delete", scope=Scope.CUSTOMERS_WRITE, example={}, destructive=True)
async def delete_customer(cmd: DeleteCustomer, uow: IUnitOfWork, *, clock: IClock) -> CustomerView:
    """Delete a customer together with their payment methods; refused while payment orders are open.

    Errors: `not_found`, `version_stale`, `customer_has_open_orders`.
    """
    customer = await uow.customers.get(cmd.id, lock=True)
    customer.expect_version(cmd.expected_version)
    open_orders = await uow.payment_orders.exists(orders_open_for_customer(customer.id))
    methods = await uow.payment_methods.of_customer(customer.id)
    customer.remove(methods, clock.now(), uow.actor.id, has_open_orders=open_orders)
    return CustomerView.of(customer)
