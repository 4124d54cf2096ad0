"""Ports to payment links and orders."""

from typing import Protocol

from domain.payments.payment_link import PaymentLink
from domain.payments.payment_order import PaymentOrder
from domain.shared.repository import IRepository


class IPaymentLinkRepository(IRepository[PaymentLink], Protocol):
    """The organization's payment links."""

    async def get_by_slug(self, slug: str) -> PaymentLink | None:
        """Return this organization's link with the canonical slug, or None."""
        ...


class IPaymentOrderRepository(IRepository[PaymentOrder], Protocol):
    """The organization's payment orders."""

    async def get_by_order_number(self, number: str) -> PaymentOrder | None:
        """Return the order with this number, or None."""
        ...
