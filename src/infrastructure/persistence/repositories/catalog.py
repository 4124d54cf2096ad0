"""Repositories of the catalog context."""

from datetime import datetime

from domain.catalog.price import Price
from domain.catalog.product import Product
from domain.catalog.repositories import IPriceRepository, IProductRepository
from domain.shared.ids import ProductId
from domain.shared.specification import Equal
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.catalog import PriceRow, ProductRow
from infrastructure.persistence.repository import SqlRepository


class SqlProductRepository(SqlRepository[Product], IProductRepository):
    """Products."""

    mapper = Mapper(Product, ProductRow)

    async def get_by_sku(self, sku: str) -> Product | None:
        """Return the product with this canonical SKU."""
        return await self.find_one(Equal("sku", sku))


class SqlPriceRepository(SqlRepository[Price], IPriceRepository):
    """Prices."""

    mapper = Mapper(Price, PriceRow)

    async def archived_with(self, product_id: ProductId, at: datetime | None) -> list[Price]:
        """Return the product's prices that were archived at exactly this moment."""
        if at is None:
            return []
        return await self.find(Equal("product_id", product_id) & Equal("deleted_at", at), with_deleted=True)
