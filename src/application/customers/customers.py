"""Customers: who buys from the organization."""

from dataclasses import dataclass, field
from typing import Annotated

from application.customers.customer_reads import Country
from application.customers.customer_view import CustomerView
from application.kernel.actor import Scope
from application.kernel.fields import Email, Version
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.customers.customer import EXTERNAL_ID, Customer
from domain.customers.payment_method import MAX_METHODS
from domain.payments.specifications import orders_open_for_customer
from domain.shared.ids import CustomerId
from domain.shared.text import NAME


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
    statements=5,
)
async def create_customer(cmd: CreateCustomer, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> CustomerView:
    """Create a customer.

    Errors: `customer_email_taken`, `external_id_taken`, `email_invalid`, `country_invalid`, `text_invalid`,
    `metadata_invalid`.
    """
    customer = customer_of(cmd, uow, clock, ids)
    uow.customers.add(customer)
    return CustomerView.of(customer)


def customer_of(cmd: CreateCustomer, uow: IUnitOfWork, clock: IClock, ids: IIds) -> Customer:
    """Make the customer that a command describes, in the caller's organization."""
    return Customer.create(
        id=CustomerId(ids.new()),
        organization_id=uow.actor.organization_id,
        email=cmd.email,
        name=cmd.name,
        external_id=cmd.external_id,
        country=cmd.country,
        metadata=cmd.metadata,
        now=clock.now(),
    )


@use_case(
    "customers.get_or_create",
    scope=Scope.CUSTOMERS_WRITE,
    example={"email": "mara.lind@example.org", "name": "Mara Lind", "country": "SE"},
    statements=5,
)
async def get_or_create_customer(cmd: CreateCustomer, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> CustomerView:
    """Return the customer with this e-mail address as they are, or create them; at once, too, there is only one.

    Errors: `external_id_taken`, `email_invalid`, `country_invalid`, `text_invalid`, `metadata_invalid`.
    """
    return CustomerView.of(await uow.customers.get_or_create(customer_of(cmd, uow, clock, ids)))


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
    statements=6,
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


@use_case(
    "customers.delete",
    scope=Scope.CUSTOMERS_WRITE,
    example={},
    destructive=True,
    # Their methods are removed one by one; there are at most MAX_METHODS.
    statements=8 + MAX_METHODS,
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreCustomer:
    """Which deleted customer, and optionally the version the caller read."""

    id: CustomerId
    expected_version: Version | None = None


@use_case("customers.restore", scope=Scope.CUSTOMERS_WRITE, example={}, statements=6)
async def restore_customer(cmd: RestoreCustomer, uow: IUnitOfWork, *, clock: IClock) -> CustomerView:
    """Bring a deleted customer back. Their payment methods stay removed: no token is used again without their word.

    Errors: `not_found`, `version_stale`, `transition_invalid` when the customer is not deleted,
    `customer_email_taken` and `external_id_taken` when somebody else has the address or the id by now.
    """
    customer = await uow.customers.get(cmd.id, lock=True, with_deleted=True)
    customer.expect_version(cmd.expected_version)
    customer.undelete(clock.now())
    return CustomerView.of(customer)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeCustomer:
    """Which deleted customer, and optionally the version the caller read."""

    id: CustomerId
    expected_version: Version | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgedCustomerView:
    """What went for good."""

    id: CustomerId
    payment_methods: int


@use_case("customers.purge", scope=Scope.CUSTOMERS_PURGE, example={}, destructive=True, statements=7)
async def purge_customer(cmd: PurgeCustomer, uow: IUnitOfWork) -> PurgedCustomerView:
    """Erase a deleted customer and their payment methods for good. Who ever ordered something stays in the books.

    Errors: `not_found`, `version_stale`, `customer_not_deleted`, `still_referenced`.
    """
    customer = await uow.customers.get(cmd.id, lock=True, with_deleted=True)
    customer.expect_version(cmd.expected_version)
    customer.ensure_purgeable()
    methods = await uow.payment_methods.purge_of_customer(customer.id)
    uow.customers.purge(customer)
    return PurgedCustomerView(id=customer.id, payment_methods=methods)
