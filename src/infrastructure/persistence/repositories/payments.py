"""Repositories of the payments context."""

from domain.payments.payment_attempt import PaymentAttempt
from domain.payments.payment_link import PaymentLink, SlugTaken
from domain.payments.payment_order import PaymentOrder
from domain.payments.repositories import IPaymentLinkRepository, IPaymentOrderRepository
from domain.shared.specification import Equal
from infrastructure.persistence.lookups import Lookup
from infrastructure.persistence.mapper import Children, Mapper
from infrastructure.persistence.models.payments import PaymentAttemptRow, PaymentLinkRow, PaymentOrderRow
from infrastructure.persistence.repository import SqlRepository


class SqlPaymentLinkRepository(SqlRepository[PaymentLink], IPaymentLinkRepository):
    """Payment links, found by slug before the tenant is known."""

    mapper = Mapper(PaymentLink, PaymentLinkRow)
    lookup = Lookup("payment_link", "slug", SlugTaken)

    async def get_by_slug(self, slug: str) -> PaymentLink | None:
        """Return the organization's own link with this slug."""
        return await self.find_one(Equal("slug", slug))


_ATTEMPTS = Children(Mapper(PaymentAttempt, PaymentAttemptRow), parent="payment_order_id", order="number")


class SqlPaymentOrderRepository(SqlRepository[PaymentOrder], IPaymentOrderRepository):
    """Payment orders with their attempts."""

    mapper = Mapper(PaymentOrder, PaymentOrderRow, children={"attempts": _ATTEMPTS})

    async def get_by_order_number(self, number: str) -> PaymentOrder | None:
        """Return the order with this number."""
        return await self.find_one(Equal("number", number))
