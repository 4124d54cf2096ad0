"""Ports to payment links, orders and refunds."""

from datetime import datetime
from typing import Protocol

from domain.payments.link_statistics import LinkStatistics
from domain.payments.payment_link import PaymentLink
from domain.payments.payment_order import PaymentOrder
from domain.payments.refund import Refund
from domain.shared.page import Page, PageRequest
from domain.shared.repository import IRepository


class IPaymentLinkRepository(IRepository[PaymentLink], Protocol):
    """The organization's payment links."""

    async def get_by_slug(self, slug: str) -> PaymentLink | None:
        """Return this organization's link with the canonical slug, or None."""
        ...

    async def get_statistics(self, link: PaymentLink) -> LinkStatistics:
        """Count what became of a link, in two statements whatever there is to count."""
        ...


class IPaymentOrderRepository(IRepository[PaymentOrder], Protocol):
    """The organization's payment orders."""

    async def get_by_order_number(self, number: str) -> PaymentOrder | None:
        """Return the order with this number, or None."""
        ...

    async def get_orders_for_retry(self, now: datetime, request: PageRequest) -> Page[PaymentOrder]:
        """Return failed orders whose next attempt is due; never those that were declined for good."""
        ...

    async def get_orders_needing_attention(self, now: datetime, request: PageRequest) -> Page[PaymentOrder]:
        """Return orders in flight of which nobody learns what became of them."""
        ...


class IRefundRepository(IRepository[Refund], Protocol):
    """The organization's refunds."""
