"""The latest payment orders with their events: what a dashboard shows first."""

from dataclasses import dataclass
from datetime import datetime

from application.kernel.actor import Scope
from application.kernel.page import ListView, PageQuery
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from application.payments.payment_order_view import PaymentOrderView
from domain.payments.recent import OrderEvent, OrderWithEvents
from domain.shared.ids import EventId
from domain.shared.specification import Everything

EVENTS_EACH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEventView(View[OrderEvent]):
    """One event of an order; `version` is the order's that it made."""

    id: EventId
    type: str
    version: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWithEventsView(View[OrderWithEvents]):
    """An order and its latest published events, newest first and at most 20 of them."""

    order: PaymentOrderView
    events: list[OrderEventView]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRecentPaymentOrders(PageQuery):
    """Which page, newest orders first."""


@use_case(
    "payment_orders.list_recent_with_events",
    scope=Scope.PAYMENT_ORDERS_READ,
    example={"limit": 20},
    read_only=True,
    statements=4,
)
async def list_recent_with_events(cmd: ListRecentPaymentOrders, uow: IUnitOfWork) -> ListView[OrderWithEventsView]:
    """List the latest payment orders, each with its attempts and its latest events.

    Events show once they are published, usually within a second.
    """
    page = await uow.payment_orders.page(Everything(), cmd.request())
    events = await uow.order_events.latest_of([order.id for order in page.items], each=EVENTS_EACH)
    shown = (OrderWithEvents(order=order, events=events.get(order.id, [])) for order in page.items)
    data = [OrderWithEventsView.of(each) for each in shown]
    return ListView(data=data, next_cursor=page.next_cursor, total=page.total)
