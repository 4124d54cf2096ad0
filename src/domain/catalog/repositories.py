"""Ports to what is sold."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.catalog.figures import LabelCount, PriceSummary
from domain.catalog.price import Price
from domain.catalog.product import Product
from domain.shared.entity import SoftDeletable
from domain.shared.ids import PriceId, ProductId
from domain.shared.page import Page, PageRequest
from domain.shared.repository import IRepository
from domain.shared.specification import Spec


class Shelf(StrEnum):
    """Which of a catalog's things are meant: those on sale, those taken off sale, or both."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    ANY = "any"


class IShelved[E: SoftDeletable](IRepository[E], Protocol):
    """Aggregates that can be asked for when they are archived, too."""

    async def search(self, wanted: Spec[E], request: PageRequest, *, shelf: Shelf = Shelf.ACTIVE) -> Page[E]:
        """Return one keyset page of the matches on a shelf.

        Raises:
            InvalidCursor: the cursor was not issued for this tenant, query and order.
        """
        ...


class IProductRepository(IShelved[Product], Protocol):
    """The organization's products."""

    async def get_by_sku(self, sku: str) -> Product | None:
        """Return the product with this canonical SKU, unless it is archived."""
        ...

    async def get_by_price(self, price_id: PriceId, *, lock: bool = False) -> Product:
        """Return the product that a price belongs to; whoever changes prices locks it first.

        Raises:
            EntityNotFoundError: there is no such price, or its product is archived.
        """
        ...

    async def get_active_products(self, request: PageRequest) -> Page[Product]:
        """Return one page of the products that are not archived."""
        ...

    async def get_by_category(self, category: str, request: PageRequest) -> Page[Product]:
        """Return one page of a category, in whatever spelling."""
        ...

    async def get_by_tags(
        self, tags: Collection[str], request: PageRequest, *, match_all: bool = False
    ) -> Page[Product]:
        """Return one page of the products that bear one of the tags, or all of them."""
        ...

    async def get_categories(self, limit: int) -> list[LabelCount]:
        """Return the categories of products that are not archived, those of most products first, then by name."""
        ...

    async def get_all_tags(self, limit: int) -> list[LabelCount]:
        """Return the tags of products that are not archived, those of most products first, then by name."""
        ...

    async def search(
        self, wanted: Spec[Product], request: PageRequest, *, shelf: Shelf = Shelf.ACTIVE,
        priced: Spec[Price] | None = None,
    ) -> Page[Product]:  # fmt: skip
        """Return one page of the matches; with ``priced`` of those that have a live price it holds for.

        Raises:
            InvalidCursor: the cursor was not issued for this tenant, query and order.
        """
        ...


class IPriceRepository(IShelved[Price], Protocol):
    """The organization's prices."""

    async def archived_with(self, product_id: ProductId, at: datetime | None) -> list[Price]:
        """Return the product's prices whose ``deleted_at`` is exactly ``at``, by id; none when it is None."""
        ...

    async def get_prices_for_product(self, product_id: ProductId) -> list[Price]:
        """Return the product's prices that are not archived, oldest first."""
        ...

    async def get_recurring_prices(self, request: PageRequest) -> Page[Price]:
        """Return one page of the prices that recur and are not archived."""
        ...

    async def get_active_price_for_product(self, product_id: ProductId, currency: str, quantity: int) -> Price:
        """Return the price at which so many units cost least, see :func:`~domain.catalog.price.cheapest`.

        Raises:
            PriceNotOffered: none is offered in this currency for this quantity.
        """
        ...

    async def get_price_summary_by_currency(self) -> list[PriceSummary]:
        """Return one line for each currency that something is on sale in, by its code."""
        ...
