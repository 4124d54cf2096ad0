"""Payment orders: purchases through payment links."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.page import PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.mandates.waiting import give_up
from application.payments.payment_order_care import EXPIRE
from application.payments.payment_order_view import PaymentOrderView
from domain.catalog.tiers import MAX_QUANTITY
from domain.identity.organization import refuse_inactive
from domain.payments.order_number import order_number
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.payments.specifications import orders_matching
from domain.shared.ids import CustomerId, PaymentLinkId, PaymentOrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePaymentOrder:
    """Who buys how many of what a payment link sells; without `expires_at` the organization's setting holds."""

    payment_link_id: PaymentLinkId
    customer_id: CustomerId
    quantity: Annotated[int, Interval(ge=1, le=MAX_QUANTITY)] = 1
    metadata: dict[str, str | int | bool] = field(default_factory=dict)
    expires_at: datetime | None = None


@use_case(
    "payment_orders.create",
    scope=Scope.PAYMENT_ORDERS_WRITE,
    example={"quantity": 3, "metadata": {"campaign": "spring"}, "expires_at": "2031-06-30T22:00:00Z"},
    money=True,
    statements=14,
)
async def create_payment_order(
    cmd: CreatePaymentOrder, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> PaymentOrderView:
    """Open a payment order for a customer from a payment link, taking one of the link's uses.

    An order that nobody tries to pay expires, and its payment link gets the use back.

    Errors: `not_found` for link or customer, `organization_suspended`, `organization_closed`,
    `payment_link_expired`, `payment_link_used_up`, `payment_link_deactivated`, `price_archived`,
    `quantity_out_of_range`, `amount_invalid`, `metadata_invalid`, `validation_error` for an expiry that is over.
    """
    order = await open_order(uow, cmd, now=clock.now(), new_id=PaymentOrderId(ids.new()))
    return PaymentOrderView.of(order)


async def open_order(
    uow: IUnitOfWork, cmd: CreatePaymentOrder, *, now: datetime, new_id: PaymentOrderId
) -> PaymentOrder:
    """Take one of the link's uses for a new order, and have it expire in time.

    Locks are taken in one order everywhere: payment order, payment link, customer, payment methods.
    """
    link = await uow.payment_links.get(cmd.payment_link_id, lock=True)
    price = await uow.prices.get(link.price_id, with_deleted=True)
    customer = await uow.customers.get(cmd.customer_id, lock=True)
    organization = await uow.organizations.get(link.organization_id)
    refuse_inactive(organization.status)
    link.redeem(now)
    amount = price.total(cmd.quantity)
    expires_at = cmd.expires_at or now + timedelta(minutes=organization.order_expiry_minutes)
    await uow.jobs.schedule(EXPIRE, new_id, delay=max(expires_at - now, timedelta()))
    # Last, because everybody else's next number waits from here to the commit.
    number = order_number(now, await uow.numbers.next("payment_order", now))
    order = PaymentOrder.open(
        link, id=new_id, number=number, customer_id=customer.id, quantity=cmd.quantity, amount=amount, now=now,
        metadata=cmd.metadata, expires_at=expires_at, kyc_status=customer.kyc_status.value,
        risk_score=customer.risk_score,
    )  # fmt: skip
    uow.payment_orders.add(order)
    return order


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


list_use_case(
    "payment_orders.list", ListPaymentOrders, lambda uow: uow.payment_orders, PaymentOrderView,
    "List the organization's payment orders.",
    where=lambda cmd: orders_matching(
        status=cmd.status, number=cmd.number, customer_id=cmd.customer_id, payment_link_id=cmd.payment_link_id,
        currency=cmd.currency, since=cmd.created_from, until=cmd.created_before,
    ),
    scope=Scope.PAYMENT_ORDERS_READ, example={"limit": 20, "status": "completed", "currency": "EUR"}, statements=3,
)  # fmt: skip

get_use_case(
    "payment_orders.get", lambda uow: uow.payment_orders, PaymentOrderView,
    "Return one payment order with its attempts.", scope=Scope.PAYMENT_ORDERS_READ, statements=2,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPaymentOrder:
    """Which payment order, and optionally the version the caller read."""

    id: PaymentOrderId
    expected_version: Version | None = None


@use_case("payment_orders.cancel", scope=Scope.PAYMENT_ORDERS_WRITE, example={}, destructive=True, statements=17)
async def cancel_payment_order(cmd: CancelPaymentOrder, uow: IUnitOfWork, *, clock: IClock) -> PaymentOrderView:
    """Give up a pending or failed payment order; its payment link gets the use back that a pending one holds.

    Errors: `not_found`, `version_stale`, `payment_in_progress`, `transition_invalid`.
    """
    now = clock.now()
    order = await uow.payment_orders.get(cmd.id, lock=True)
    order.expect_version(cmd.expected_version)
    held = order.holds_use
    order.cancel(now)
    if held:
        link = await uow.payment_links.get(order.payment_link_id, lock=True)
        link.release(now)
    await give_up(uow, order, now)
    return PaymentOrderView.of(order)
