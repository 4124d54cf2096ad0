"""Finding customers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.customers.customer_view import CustomerView, CustomerWithPaymentMethodsView, KycView
from application.customers.method_view import PaymentMethodView
from application.kernel.actor import Scope
from application.kernel.fields import Email
from application.kernel.page import PageQuery
from application.kernel.ports import IClock
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.customers.customer import EXTERNAL_ID, Customer
from domain.customers.kyc import KycStatus
from domain.customers.specifications import customers_matching, customers_with_payment_method
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import CustomerId
from domain.shared.specification import Spec
from domain.shared.text import check_email

Country = Annotated[str, Len(2, 2)]
Score = Annotated[int, Interval(ge=0, le=100)]
Sort = Literal["created_at", "-created_at", "name", "-name", "email", "-email"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCustomers(PageQuery):
    """Which customers: `text` looks into name and address, the others are exact."""

    text: Annotated[str, Len(1, 200)] | None = None
    email: Email | None = None
    external_id: Annotated[str, EXTERNAL_ID] | None = None
    country: Country | None = None
    sort: Sort = "-created_at"


def _listed(cmd: ListCustomers) -> Spec[Customer]:
    return customers_matching(text=cmd.text, email=cmd.email, external_id=cmd.external_id, country=cmd.country)


list_use_case(
    "customers.list", ListCustomers, lambda uow: uow.customers, CustomerView,
    "List the customers that are not deleted.\n\nErrors: `email_invalid`.",
    where=_listed, scope=Scope.CUSTOMERS_READ, example={"limit": 20, "country": "SE"}, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCustomers(ListCustomers):
    """Which customers: everything that is given has to hold.

    `name` and `text` (name or address) are contained, whatever the case. `created_from` belongs to the range and
    `created_before` does not. Who has no risk score is in no range of scores.
    """

    name: Annotated[str, Len(1, 200)] | None = None
    kyc_status: KycStatus | None = None
    min_risk_score: Score | None = None
    max_risk_score: Score | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    has_payment_method: bool | None = None
    sort: Sort = "-created_at"


def _searched(cmd: SearchCustomers) -> Spec[Customer]:
    found = customers_matching(
        text=cmd.text, email=cmd.email, name=cmd.name, external_id=cmd.external_id, country=cmd.country,
        kyc_status=cmd.kyc_status, min_risk_score=cmd.min_risk_score, max_risk_score=cmd.max_risk_score,
        created_from=cmd.created_from, created_before=cmd.created_before,
    )  # fmt: skip
    if cmd.has_payment_method is None:
        return found
    return found & customers_with_payment_method(present=cmd.has_payment_method)


list_use_case(
    "customers.search", SearchCustomers, lambda uow: uow.customers, CustomerView,
    "Search the customers that are not deleted.\n\nErrors: `email_invalid`.",
    where=_searched, scope=Scope.CUSTOMERS_READ, statements=2,
    example={"name": "lind", "country": "SE", "kyc_status": "approved", "has_payment_method": True},
)  # fmt: skip

get_use_case(
    "customers.get", lambda uow: uow.customers, CustomerView, "Return one customer that is not deleted.",
    scope=Scope.CUSTOMERS_READ,
)  # fmt: skip
get_use_case(
    "customers.get_kyc", lambda uow: uow.customers, KycView, "Return how far a customer's identity check is.",
    scope=Scope.CUSTOMERS_READ,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCustomerByEmail:
    """Whose address it is, in any spelling."""

    email: Email


@use_case(
    "customers.get_by_email",
    scope=Scope.CUSTOMERS_READ,
    example={"email": "mara.lind@example.org"},
    read_only=True,
    statements=1,
)
async def get_customer_by_email(cmd: GetCustomerByEmail, uow: IUnitOfWork) -> CustomerView:
    """Return the customer with an e-mail address.

    Errors: `not_found`, `email_invalid`.
    """
    return _there(await uow.customers.get_by_email(check_email(cmd.email)))


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCustomerByExternalId:
    """What the organization calls the customer in its own system."""

    external_id: Annotated[str, EXTERNAL_ID]


@use_case(
    "customers.get_by_external_id",
    scope=Scope.CUSTOMERS_READ,
    example={"external_id": "crm-20817"},
    read_only=True,
    statements=1,
)
async def get_customer_by_external_id(cmd: GetCustomerByExternalId, uow: IUnitOfWork) -> CustomerView:
    """Return the customer with an external id.

    Errors: `not_found`, `text_invalid`.
    """
    return _there(await uow.customers.get_by_external_id(EXTERNAL_ID.check(cmd.external_id)))


def _there(customer: Customer | None) -> CustomerView:
    if customer is None:
        raise EntityNotFoundError
    return CustomerView.of(customer)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCustomerWithPaymentMethods:
    """Which customer."""

    id: CustomerId


@use_case("customers.get_with_payment_methods", scope=Scope.CUSTOMERS_READ, example={}, read_only=True, statements=2)
async def get_customer_with_payment_methods(
    cmd: GetCustomerWithPaymentMethods, uow: IUnitOfWork, *, clock: IClock
) -> CustomerWithPaymentMethodsView:
    """Return a customer together with all their payment methods.

    Errors: `not_found`.
    """
    customer = await uow.customers.get(cmd.id)
    methods = await uow.payment_methods.of_customer(customer.id)
    shown = [PaymentMethodView.at(clock.now(), method) for method in methods]
    return CustomerWithPaymentMethodsView(customer=CustomerView.of(customer), payment_methods=shown)
