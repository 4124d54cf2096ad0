"""Payment methods: how customers pay."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.customers.payment_method import BRAND, PaymentMethod, PaymentMethodType, keep_a_default
from domain.customers.specifications import methods_of
from domain.payments.specifications import orders_in_flight_on_method
from domain.shared.ids import CustomerId, PaymentMethodId


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethodView(View[PaymentMethod]):
    """A payment method. The provider's token is never shown."""

    id: PaymentMethodId
    version: int
    customer_id: CustomerId
    type: PaymentMethodType
    brand: str | None
    last_four: str | None
    expiry_month: int | None
    expiry_year: int | None
    is_default: bool
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPaymentMethod:
    """A provider's token and what may be shown of the thing behind it. Card numbers are refused everywhere."""

    customer_id: CustomerId
    type: PaymentMethodType
    provider_token: Annotated[str, Len(8, 255)]
    brand: Annotated[str, BRAND] | None = None
    last_four: Annotated[str, Len(4, 4)] | None = None
    expiry_month: Annotated[int, Interval(ge=1, le=12)] | None = None
    expiry_year: Annotated[int, Interval(ge=2000, le=2100)] | None = None


@use_case(
    "payment_methods.add",
    scope=Scope.PAYMENT_METHODS_WRITE,
    example={
        "type": "card",
        "provider_token": "tok_visa_ok_k3v9",
        "brand": "visa",
        "last_four": "4242",
        "expiry_month": 11,
        "expiry_year": 2031,
    },
)
async def add_payment_method(cmd: AddPaymentMethod, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> PaymentMethodView:
    """Add a payment method to a customer by its provider token; the first one becomes the default.

    Errors: `not_found` for the customer, `provider_token_invalid`, `payment_method_expired`, `validation_error`,
    `text_invalid`.
    """
    customer = await uow.customers.get(cmd.customer_id, lock=True)
    method = PaymentMethod.add(
        await uow.payment_methods.of_customer(customer.id),
        id=PaymentMethodId(ids.new()), organization_id=uow.actor.organization_id, customer_id=customer.id,
        type=cmd.type, provider_token=cmd.provider_token, brand=cmd.brand, last_four=cmd.last_four,
        expiry_month=cmd.expiry_month, expiry_year=cmd.expiry_year, now=clock.now(),
    )  # fmt: skip
    uow.payment_methods.add(method)
    return PaymentMethodView.of(method)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPaymentMethods(PageQuery):
    """Whose payment methods."""

    customer_id: CustomerId
    sort: Literal["created_at", "-created_at"] = "-created_at"


@use_case("payment_methods.list", scope=Scope.PAYMENT_METHODS_READ, example={"limit": 20}, read_only=True)
async def list_payment_methods(cmd: ListPaymentMethods, uow: IUnitOfWork) -> ListView[PaymentMethodView]:
    """List a customer's payment methods.

    Errors: `not_found` for the customer.
    """
    customer = await uow.customers.get(cmd.customer_id)
    page = await uow.payment_methods.page(methods_of(customer.id), cmd.request(cmd.sort))
    return ListView.of(page, PaymentMethodView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPaymentMethod:
    """Which payment method."""

    id: PaymentMethodId


@use_case("payment_methods.get", scope=Scope.PAYMENT_METHODS_READ, example={}, read_only=True)
async def get_payment_method(cmd: GetPaymentMethod, uow: IUnitOfWork) -> PaymentMethodView:
    """Return one payment method that is not removed.

    Errors: `not_found`.
    """
    return PaymentMethodView.of(await uow.payment_methods.get(cmd.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePaymentMethod:
    """Which payment method, and optionally the version the caller read."""

    id: PaymentMethodId
    expected_version: Version | None = None


@use_case("payment_methods.remove", scope=Scope.PAYMENT_METHODS_WRITE, example={}, destructive=True)
async def remove_payment_method(cmd: RemovePaymentMethod, uow: IUnitOfWork, *, clock: IClock) -> PaymentMethodView:
    """Remove a payment method; if it was the default, the customer's newest remaining one takes its place.

    Errors: `not_found`, `version_stale`, `payment_method_in_use`.
    """
    method = await uow.payment_methods.get(cmd.id, lock=True)
    method.expect_version(cmd.expected_version)
    # The customer's row is what payments and other changes of their methods wait for.
    await uow.customers.get(method.customer_id, lock=True)
    in_use = await uow.payment_orders.exists(orders_in_flight_on_method(method.id))
    method.remove(clock.now(), uow.actor.id, in_use=in_use)
    await uow.flush()  # The place of the default is free before another takes it.
    keep_a_default(await uow.payment_methods.of_customer(method.customer_id), clock.now())
    return PaymentMethodView.of(method)
