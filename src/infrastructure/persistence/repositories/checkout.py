"""Repositories behind the hosted checkout."""

from domain.payments.checkout import Checkout, CheckoutTaken
from domain.payments.checkout_repository import ICheckoutRepository
from domain.payments.provider_notice import NoticeTaken, ProviderNotice
from domain.shared.repository import IRepository
from domain.shared.specification import Equal
from infrastructure.persistence.lookups import Lookup
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.checkout import CheckoutRow, ProviderNoticeRow
from infrastructure.persistence.repository import SqlRepository


class SqlCheckoutRepository(SqlRepository[Checkout], ICheckoutRepository):
    """Checkouts, found by the digest of their reference before the tenant is known."""

    mapper = Mapper(Checkout, CheckoutRow)
    lookup = Lookup("checkout", "digest", CheckoutTaken)

    async def get_by_digest(self, digest: str) -> Checkout | None:
        """Return the organization's own checkout with this digest."""
        return await self.find_one(Equal("digest", digest))


class SqlProviderNoticeRepository(SqlRepository[ProviderNotice], IRepository[ProviderNotice]):
    """Notices of payment providers; the look-up table keeps each from being taken twice by anybody."""

    mapper = Mapper(ProviderNotice, ProviderNoticeRow)
    lookup = Lookup("provider_notice", "source", NoticeTaken)
