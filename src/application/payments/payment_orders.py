"""Payment orders: purchases through payment links."""

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
from application.payments.collection import CHARGE
from application.payments.payment_order_view import PaymentOrderView
from domain.catalog.price import MAX_QUANTITY
from domain.payments.payment_order import PaymentOrder, PaymentOrderStatus, order_number
from domain.payments.specifications import orders_matching
from domain.shared.ids import CustomerId, PaymentAttemptId, PaymentLinkId, PaymentMethodId, PaymentOrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePaymentOrder:
    """Who buys how many of what a payment link sells."""

    payment_link_id: PaymentLinkId
    customer_id: CustomerId
    quantity: Annotated[int, Interval(ge=1, le=MAX_QUANTITY)] = 1


@use_case("payment_orders.create", scope=Scope.PAYMENT_ORDERS_WRITE, example={"quantity": 3}, money=True)
async def create_payment_order(
    cmd: CreatePaymentOrder, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> PaymentOrderView:
    """Open a payment order for a customer from a payment link, taking one of the link's uses.

    Errors: `not_found` for link or customer, `payment_link_expired`, `payment_link_used_up`,
    `payment_link_deactivated`, `price_archived`, `quantity_out_of_range`, `amount_invalid`.
    """
    now = clock.now()
    link = await uow.payment_links.get(cmd.payment_link_id, lock=True)
    price = await uow.prices.get(link.price_id, with_deleted=True)
    customer = await uow.customers.get(cmd.customer_id, lock=True)
    link.redeem(now)
    amount = price.total(cmd.quantity)
    # Last, because everybody else's next number waits from here to the commit.
    number = order_number(now, await uow.numbers.next("payment_order", now))
    order = PaymentOrder.open(
        link, id=PaymentOrderId(ids.new()), number=number, customer_id=customer.id,
        quantity=cmd.quantity, amount=amount, now=now,
    )  # fmt: skip
    uow.payment_orders.add(order)
    return PaymentOrderView.of(order)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPaymentOrders(PageQuery):
    """Which payment orders: `created_from` belongs to the range, `created_before` does not."""

    status: PaymentOrderStatus | None = None
    number: Annotated[str, Len(1, 40)] | None = None
    customer_id: CustomerId | None = None
    payment_link_id: PaymentLinkId | None = None
    currency: Annotated[str, Len(3, 3)] | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    sort: Literal["created_at", "-created_at", "number", "-number"] = "-created_at"


@use_case(
    "payment_orders.list",
    scope=Scope.PAYMENT_ORDERS_READ,
    example={"limit": 20, "status": "completed", "currency": "EUR"},
    read_only=True,
)
async def list_payment_orders(cmd: ListPaymentOrders, uow: IUnitOfWork) -> ListView[PaymentOrderView]:
    """List the organization's payment orders."""
    wanted = orders_matching(
        status=cmd.status,
        number=cmd.number,
        customer_id=cmd.customer_id,
        payment_link_id=cmd.payment_link_id,
        currency=cmd.currency,
        since=cmd.created_from,
        until=cmd.created_before,
    )
    return ListView.of(await uow.payment_orders.page(wanted, cmd.request(cmd.sort)), PaymentOrderView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPaymentOrder:
    """Which payment order."""

    id: PaymentOrderId


@use_case("payment_orders.get", scope=Scope.PAYMENT_ORDERS_READ, example={}, read_only=True)
async def get_payment_order(cmd: GetPaymentOrder, uow: IUnitOfWork) -> PaymentOrderView:
    """Return one payment order with its attempts.

    Errors: `not_found`.
    """
    return PaymentOrderView.of(await uow.payment_orders.get(cmd.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPaymentOrder:
    """Which order, with which of the customer's methods, and optionally the version the caller read."""

    id: PaymentOrderId
    payment_method_id: PaymentMethodId
    expected_version: Version | None = None


@use_case("payment_orders.pay", scope=Scope.PAYMENT_ORDERS_WRITE, example={}, money=True)
async def pay_payment_order(cmd: PayPaymentOrder, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> PaymentOrderView:
    """Begin to collect a payment order's amount; the outcome follows, as status and as event.

    Errors: `not_found` for order or method, `version_stale`, `payment_in_progress`, `transition_invalid`,
    `payment_permanently_declined`, `payment_method_mismatch`, `payment_method_expired`.
    """
    now = clock.now()
    order = await uow.payment_orders.get(cmd.id, lock=True)
    order.expect_version(cmd.expected_version)
    # Locked, so that neither the customer nor a method of theirs is removed meanwhile.
    customer = await uow.customers.get(order.customer_id, lock=True)
    method = await uow.payment_methods.get(cmd.payment_method_id)
    method.ensure_usable_by(customer.id, now)
    order.pay(PaymentAttemptId(ids.new()), method.id, now)
    await uow.jobs.schedule(CHARGE, order.id)
    return PaymentOrderView.of(order)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPaymentOrder:
    """Which payment order, and optionally the version the caller read."""

    id: PaymentOrderId
    expected_version: Version | None = None


@use_case("payment_orders.cancel", scope=Scope.PAYMENT_ORDERS_WRITE, example={}, destructive=True)
async def cancel_payment_order(cmd: CancelPaymentOrder, uow: IUnitOfWork, *, clock: IClock) -> PaymentOrderView:
    """Give up a pending or failed payment order; its payment link gets the use back.

    Errors: `not_found`, `version_stale`, `payment_in_progress`, `transition_invalid`.
    """
    now = clock.now()
    order = await uow.payment_orders.get(cmd.id, lock=True)
    order.expect_version(cmd.expected_version)
    order.cancel(now)
    link = await uow.payment_links.get(order.payment_link_id, lock=True)
    link.release(now)
    return PaymentOrderView.of(order)
