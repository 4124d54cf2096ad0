"""Ports to what is sold."""

from datetime import datetime
from typing import Protocol

from domain.catalog.price import Price
from domain.catalog.product import Product
from domain.shared.ids import ProductId
from domain.shared.repository import IRepository


class IProductRepository(IRepository[Product], Protocol):
    """The organization's products."""

    async def get_by_sku(self, sku: str) -> Product | None:
        """Return the product with this canonical SKU, unless it is archived."""
        ...


class IPriceRepository(IRepository[Price], Protocol):
    """The organization's prices."""

    async def archived_with(self, product_id: ProductId, at: datetime | None) -> list[Price]:
        """Return the product's prices whose ``deleted_at`` is exactly ``at``, by id; none when it is None."""
        ...
