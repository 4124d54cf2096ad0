"""Payment orders together with what became known of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from domain.payments.payment_order import PaymentOrder
from domain.shared.ids import EventId, PaymentOrderId


@frozen(kw_only=True)
class OrderEvent:
    """One published event of an order; ``version`` is the order's that it made."""

    id: EventId
    type: str
    version: int
    occurred_at: datetime


@frozen(kw_only=True)
class OrderWithEvents:
    """An order and its latest published events, newest first."""

    order: PaymentOrder
    events: Sequence[OrderEvent]


class IOrderEvents(Protocol):
    """The published events of the organization's orders."""

    async def latest_of(
        self, order_ids: Sequence[PaymentOrderId], *, each: int
    ) -> dict[PaymentOrderId, list[OrderEvent]]:
        """Return the latest events of every order, at most ``each`` of them, newest first, in one statement."""
        ...
