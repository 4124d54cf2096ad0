"""Looking after payment orders that nobody looks after: those that expire, failed, or are stuck."""

from dataclasses import dataclass

from application.kernel.actor import Scope, worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.mandates.waiting import give_up
from application.payments.collection import CHARGE, RECONCILE
from application.payments.payment_order_view import PaymentOrderView
from application.payments.token_paying import SETTLE
from domain.payments.payment_attempt import AttemptStatus
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.shared.ids import OrganizationId, PaymentOrderId

EXPIRE = "payments.expire"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpirePaymentOrder:
    """Which payment order."""

    id: PaymentOrderId


@use_case(
    "payment_orders.expire",
    scope=Scope.PAYMENT_ORDERS_WRITE,
    internal="The clock expires payment orders; a person cancels them.",
    example={},
    statements=17,
)
async def expire_payment_order(cmd: ExpirePaymentOrder, uow: IUnitOfWork, *, clock: IClock) -> PaymentOrderView:
    """Give up an order that nobody tried to pay in its time; its payment link gets the use back.

    Any other stays as it is, and one whose time is not over yet is looked at again then.

    Errors: `not_found`.
    """
    now = clock.now()
    order = await uow.payment_orders.get(cmd.id, lock=True)
    over = order.expires_at is not None and order.expires_at <= now
    if over and order.expire(now):
        link = await uow.payment_links.get(order.payment_link_id, lock=True)
        link.release(now)
        await give_up(uow, order, now)
    elif order.status is PaymentOrderStatus.PENDING and order.expires_at is not None:
        await uow.jobs.schedule(EXPIRE, order.id, delay=order.expires_at - now)
    return PaymentOrderView.of(order)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcilePaymentOrder:
    """Which payment order."""

    id: PaymentOrderId


@use_case("payment_orders.reconcile", scope=Scope.PAYMENT_ORDERS_WRITE, example={}, statements=8)
async def reconcile_payment_order(cmd: ReconcilePaymentOrder, uow: IUnitOfWork, *, clock: IClock) -> PaymentOrderView:
    """Ask the provider or the chain now what became of a payment, instead of waiting; also one given up.

    Errors: `not_found`, `transition_invalid` when nothing is open.
    """
    order = await uow.payment_orders.get(cmd.id, lock=True)
    attempt = order.request_reconciliation(clock.now())
    if attempt.in_token:
        await uow.jobs.schedule(SETTLE, (await uow.token_settlements.of_attempt(attempt.id)).id)
    else:
        await uow.jobs.schedule(CHARGE if attempt.status is AttemptStatus.SUBMITTED else RECONCILE, order.id)
    return PaymentOrderView.of(order)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPaymentOrdersForRetry(PageQuery):
    """How many."""


@use_case(
    "payment_orders.list_for_retry",
    scope=Scope.PAYMENT_ORDERS_READ,
    example={"limit": 20},
    read_only=True,
    statements=3,
)
async def list_payment_orders_for_retry(
    cmd: ListPaymentOrdersForRetry, uow: IUnitOfWork, *, clock: IClock
) -> ListView[PaymentOrderView]:
    """List failed payment orders whose next attempt is due, the longest waiting first.

    Orders declined for good, or tried as often as allowed, are left out.
    """
    page = await uow.payment_orders.get_orders_for_retry(clock.now(), cmd.request("next_retry_at"))
    return ListView.of(page, PaymentOrderView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPaymentOrdersNeedingAttention(PageQuery):
    """How many."""


@use_case(
    "payment_orders.list_needing_attention",
    scope=Scope.PAYMENT_ORDERS_READ,
    example={"limit": 20},
    read_only=True,
    statements=3,
)
async def list_payment_orders_needing_attention(
    cmd: ListPaymentOrdersNeedingAttention, uow: IUnitOfWork, *, clock: IClock
) -> ListView[PaymentOrderView]:
    """List payment orders in flight of which nobody learns what became of them, the oldest attempt first.

    Stoa goes on asking the provider; look there, and have Stoa ask again with `payment_orders.reconcile`.
    """
    page = await uow.payment_orders.get_orders_needing_attention(clock.now(), cmd.request("processing_at"))
    return ListView.of(page, PaymentOrderView.of)


class Expiry:
    """The worker's job that ends the wait for a payment."""

    def __init__(self, dispatch: IDispatch) -> None:
        """Keep the dispatcher."""
        self._dispatch = dispatch

    async def expire(self, organization_id: OrganizationId, order_id: PaymentOrderId) -> None:
        """Expire the order if it is pending and its time is over; come back later if it is not over yet."""
        call = Call(actor=worker(organization_id), request_id=str(order_id))
        await self._dispatch("payment_orders.expire", ExpirePaymentOrder(id=order_id), call)
