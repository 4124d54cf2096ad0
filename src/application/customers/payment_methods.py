"""Payment methods: how customers pay.

The customer's row is the lock of all their methods: payments and every change of a method wait for it, and it is
taken before any method is read.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.customers.method_view import PaymentMethodView
from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.page import ListView, PageQuery
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.customers.default_method import keep_a_default
from domain.customers.method_details import (
    BANK_NAME,
    BILLING_NAME,
    BRAND,
    CardFunding,
    MethodDetails,
    PaymentMethodType,
    WalletNetwork,
)
from domain.customers.payment_method import PaymentMethod
from domain.customers.specifications import methods_of
from domain.payments.specifications import orders_in_flight_on_method
from domain.shared.errors import EntityNotFoundError, ValidationError
from domain.shared.ids import CustomerId, PaymentMethodId

Month = Annotated[int, Interval(ge=1, le=12)]
Year = Annotated[int, Interval(ge=2000, le=2100)]


async def locked_with_siblings(uow: IUnitOfWork, id: PaymentMethodId) -> tuple[PaymentMethod, list[PaymentMethod]]:
    """Lock the customer, then return the method and all of the customer's methods, itself among them.

    Raises:
        EntityNotFoundError: the method, or its customer, is not there, or went while waiting.
    """
    customer_id = await uow.payment_methods.customer_of(id)
    await uow.customers.get(customer_id, lock=True)
    methods = await uow.payment_methods.of_customer(customer_id)
    found = next((method for method in methods if method.id == id), None)
    if found is None:
        raise EntityNotFoundError
    return found, methods


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPaymentMethod:
    """A provider's token and what may be shown of the thing behind it. Card numbers are refused everywhere.

    A card may have `brand`, `funding`, `last_four` and an expiry. A bank account has `bank_name`, `country` and
    `last_four`. A wallet has `network` and `address`, and no token.
    """

    customer_id: CustomerId
    type: PaymentMethodType
    provider_token: Annotated[str, Len(8, 255)] | None = None
    brand: Annotated[str, BRAND] | None = None
    funding: CardFunding | None = None
    last_four: Annotated[str, Len(4, 4)] | None = None
    expiry_month: Month | None = None
    expiry_year: Year | None = None
    bank_name: Annotated[str, BANK_NAME] | None = None
    country: Annotated[str, Len(2, 2)] | None = None
    network: WalletNetwork | None = None
    address: Annotated[str, Len(42, 42)] | None = None
    billing_name: Annotated[str, BILLING_NAME] | None = None
    metadata: dict[str, str | int | bool] = field(default_factory=dict)


@use_case(
    "payment_methods.add",
    scope=Scope.PAYMENT_METHODS_WRITE,
    example={
        "type": "card",
        "provider_token": "tok_sandbox_success",
        "brand": "visa",
        "funding": "debit",
        "last_four": "4242",
        "expiry_month": 11,
        "expiry_year": 2031,
        "billing_name": "Mara Lind",
    },
    statements=7,
)
async def add_payment_method(cmd: AddPaymentMethod, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> PaymentMethodView:
    """Add a payment method to a customer; the first one becomes the default.

    Errors: `not_found` for the customer, `provider_token_invalid`, `wallet_address_invalid`, `payment_method_expired`,
    `payment_method_limit`, `validation_error`, `text_invalid`, `metadata_invalid`.
    """
    customer = await uow.customers.get(cmd.customer_id, lock=True)
    method = PaymentMethod.add(
        await uow.payment_methods.of_customer(customer.id),
        id=PaymentMethodId(ids.new()), organization_id=customer.organization_id, customer_id=customer.id,
        type=cmd.type, provider_token=cmd.provider_token, details=_details(cmd), billing_name=cmd.billing_name,
        metadata=cmd.metadata, now=clock.now(),
    )  # fmt: skip
    uow.payment_methods.add(method)
    return PaymentMethodView.at(clock.now(), method)


def _details(cmd: AddPaymentMethod) -> MethodDetails:
    return MethodDetails(
        brand=cmd.brand, funding=cmd.funding, last_four=cmd.last_four, expiry_month=cmd.expiry_month,
        expiry_year=cmd.expiry_year, bank_name=cmd.bank_name, country=cmd.country, network=cmd.network,
        address=cmd.address,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPaymentMethods(PageQuery):
    """Whose payment methods, and optionally of which type."""

    customer_id: CustomerId
    type: PaymentMethodType | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


@use_case(
    "payment_methods.list",
    scope=Scope.PAYMENT_METHODS_READ,
    example={"limit": 20, "type": "card"},
    read_only=True,
    statements=3,
)
async def list_payment_methods(
    cmd: ListPaymentMethods, uow: IUnitOfWork, *, clock: IClock
) -> ListView[PaymentMethodView]:
    """List a customer's payment methods.

    Errors: `not_found` for the customer.
    """
    customer = await uow.customers.get(cmd.customer_id)
    page = await uow.payment_methods.page(methods_of(customer.id, cmd.type), cmd.request(cmd.sort))
    return ListView.of(page, partial(PaymentMethodView.at, clock.now()))


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPaymentMethod:
    """Which payment method."""

    id: PaymentMethodId


@use_case("payment_methods.get", scope=Scope.PAYMENT_METHODS_READ, example={}, read_only=True, statements=1)
async def get_payment_method(cmd: GetPaymentMethod, uow: IUnitOfWork, *, clock: IClock) -> PaymentMethodView:
    """Return one payment method that is not removed.

    Errors: `not_found`.
    """
    return PaymentMethodView.at(clock.now(), await uow.payment_methods.get(cmd.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDefaultPaymentMethod:
    """Whose."""

    customer_id: CustomerId


@use_case("payment_methods.get_default", scope=Scope.PAYMENT_METHODS_READ, example={}, read_only=True, statements=1)
async def get_default_payment_method(
    cmd: GetDefaultPaymentMethod, uow: IUnitOfWork, *, clock: IClock
) -> PaymentMethodView:
    """Return the method that is used when none is named.

    Errors: `not_found` when there is no such customer, or they have no method.
    """
    method = await uow.payment_methods.get_default(cmd.customer_id)
    if method is None:
        raise EntityNotFoundError
    return PaymentMethodView.at(clock.now(), method)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePaymentMethod:
    """New values for what is mentioned; the rest stays. `is_default` can only be made true: another gives it up."""

    id: PaymentMethodId
    expected_version: Version
    expiry_month: Maybe[Month | None] = UNSET
    expiry_year: Maybe[Year | None] = UNSET
    billing_name: Maybe[Annotated[str, BILLING_NAME] | None] = UNSET
    is_default: Maybe[bool] = UNSET
    metadata: Maybe[dict[str, str | int | bool]] = UNSET


@use_case(
    "payment_methods.update",
    scope=Scope.PAYMENT_METHODS_WRITE,
    example={"expected_version": 1, "expiry_month": 4, "expiry_year": 2033, "billing_name": "Mara Lindqvist"},
    statements=9,
)
async def update_payment_method(cmd: UpdatePaymentMethod, uow: IUnitOfWork, *, clock: IClock) -> PaymentMethodView:
    """Change a payment method, or make it the default; fields left out stay, metadata is replaced as a whole.

    Errors: `not_found`, `version_stale`, `payment_method_expired`, `payment_method_verification_failed`,
    `validation_error`, `text_invalid`, `metadata_invalid`.
    """
    method, siblings = await locked_with_siblings(uow, cmd.id)
    method.expect_version(cmd.expected_version)
    # First, so that whichever was the default gives its place up before this one takes it.
    _place(method, siblings, cmd, clock)
    method.edit(
        clock.now(),
        expiry_month=given(cmd.expiry_month, method.expiry_month),
        expiry_year=given(cmd.expiry_year, method.expiry_year),
        billing_name=given(cmd.billing_name, method.billing_name),
        metadata=given(cmd.metadata, method.metadata),
    )
    return PaymentMethodView.at(clock.now(), method)


def _place(method: PaymentMethod, siblings: list[PaymentMethod], cmd: UpdatePaymentMethod, clock: IClock) -> None:
    wanted = given(cmd.is_default, method.is_default)
    if wanted and not method.is_default:
        method.make_default(siblings, clock.now())
    elif method.is_default and not wanted:
        raise ValidationError("Make another method the default instead.", path="is_default")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePaymentMethod:
    """Which payment method, and optionally the version the caller read."""

    id: PaymentMethodId
    expected_version: Version | None = None


@use_case("payment_methods.remove", scope=Scope.PAYMENT_METHODS_WRITE, example={}, destructive=True, statements=10)
async def remove_payment_method(cmd: RemovePaymentMethod, uow: IUnitOfWork, *, clock: IClock) -> PaymentMethodView:
    """Remove a payment method; if it was the default, the customer's newest usable one takes its place.

    Errors: `not_found`, `version_stale`, `payment_method_in_use`.
    """
    method, siblings = await locked_with_siblings(uow, cmd.id)
    method.expect_version(cmd.expected_version)
    in_use = await uow.payment_orders.exists(orders_in_flight_on_method(method.id))
    method.remove(clock.now(), uow.actor.id, in_use=in_use)
    await uow.flush()  # The place of the default is free before another takes it.
    keep_a_default([each for each in siblings if each is not method], clock.now())
    return PaymentMethodView.at(clock.now(), method)
