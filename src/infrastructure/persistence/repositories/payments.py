"""Repositories of the payments context."""

from datetime import datetime

from domain.payments.link_statistics import LinkStatistics
from domain.payments.payment_attempt import PaymentAttempt
from domain.payments.payment_link import PaymentLink, SlugTaken
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_questions import orders_due_for_retry, orders_needing_attention
from domain.payments.refund import Refund
from domain.payments.repositories import IPaymentLinkRepository, IPaymentOrderRepository, IRefundRepository
from domain.shared.page import Page, PageRequest
from domain.shared.specification import Equal
from infrastructure.persistence.lookups import Lookup
from infrastructure.persistence.mapper import Children, Mapper
from infrastructure.persistence.models.payments import PaymentAttemptRow, PaymentLinkRow, PaymentOrderRow, RefundRow
from infrastructure.persistence.repositories import link_figures
from infrastructure.persistence.repository import SqlRepository


class SqlPaymentLinkRepository(SqlRepository[PaymentLink], IPaymentLinkRepository):
    """Payment links, found by slug before the tenant is known."""

    mapper = Mapper(PaymentLink, PaymentLinkRow)
    lookup = Lookup("payment_link", "slug", SlugTaken)

    async def get_by_slug(self, slug: str) -> PaymentLink | None:
        """Return the organization's own link with this slug."""
        return await self.find_one(Equal("slug", slug))

    async def get_statistics(self, link: PaymentLink) -> LinkStatistics:
        """Count views, orders and money."""
        return await link_figures.statistics(self._session, link)


_ATTEMPTS = Children(Mapper(PaymentAttempt, PaymentAttemptRow), parent="payment_order_id", order="number")


class SqlPaymentOrderRepository(SqlRepository[PaymentOrder], IPaymentOrderRepository):
    """Payment orders with their attempts."""

    mapper = Mapper(PaymentOrder, PaymentOrderRow, children={"attempts": _ATTEMPTS})

    async def get_by_order_number(self, number: str) -> PaymentOrder | None:
        """Return the order with this number."""
        return await self.find_one(Equal("number", number))

    async def get_orders_for_retry(self, now: datetime, request: PageRequest) -> Page[PaymentOrder]:
        """Return failed orders whose next attempt is due."""
        return await self.page(orders_due_for_retry(now), request)

    async def get_orders_needing_attention(self, now: datetime, request: PageRequest) -> Page[PaymentOrder]:
        """Return orders in flight of which nobody learns what became of them."""
        return await self.page(orders_needing_attention(now), request)


class SqlRefundRepository(SqlRepository[Refund], IRefundRepository):
    """Refunds."""

    mapper = Mapper(Refund, RefundRow)
