"""Repositories of the catalog context."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast, override

from sqlalchemy import Executable, Table, bindparam, select

from domain.catalog.figures import LabelCount, PriceSummary
from domain.catalog.price import Price, cheapest
from domain.catalog.product import Product
from domain.catalog.repositories import IPriceRepository, IProductRepository, Shelf
from domain.catalog.specifications import amounting, bearing, in_category, offered_for, prices_of
from domain.catalog.specifications import recurring as recurring_prices
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import PriceId, ProductId
from domain.shared.money import Money
from domain.shared.page import Page, PageRequest
from domain.shared.specification import Equal, Everything, Spec
from infrastructure.persistence import tenancy
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.catalog import PriceRow, ProductRow, ProductTagRow
from infrastructure.persistence.reader import Query
from infrastructure.persistence.repositories import catalog_figures
from infrastructure.persistence.repositories.listed_items import ListedItems
from infrastructure.persistence.repositories.shelves import ShelvedRepository
from infrastructure.persistence.specification import Outline, clause, outline
from infrastructure.persistence.tracking import Change
from infrastructure.persistence.types import Guid

_PRICES = cast("Table", PriceRow.__table__)
_PRICE_MAPPER = Mapper(Price, PriceRow)
TAGS = ListedItems(ProductTagRow, parent="product_id", item="tag", attribute="tags")


class SqlProductRepository(ShelvedRepository[Product], IProductRepository):
    """Products, with a table of their tags to find them by."""

    mapper = Mapper(Product, ProductRow)

    async def get_by_sku(self, sku: str) -> Product | None:
        """Return the product with this canonical SKU."""
        return await self.find_one(Equal("sku", sku))

    async def get_by_price(self, price_id: PriceId, *, lock: bool = False) -> Product:
        """Return the product of a price that is not archived, in one statement."""
        statement = self._prepare(("get_by_price", lock), lambda: self._of_price(lock=lock))
        found = await self._load(statement, {"price_id": price_id}, lock=lock)
        if not found:
            raise EntityNotFoundError
        return found[0]

    async def get_active_products(self, request: PageRequest) -> Page[Product]:
        """Return one page of what is not archived."""
        return await self.page(Everything(), request)

    async def get_by_category(self, category: str, request: PageRequest) -> Page[Product]:
        """Return one page of a category."""
        return await self.page(in_category(category), request)

    async def get_by_tags(
        self, tags: Collection[str], request: PageRequest, *, match_all: bool = False
    ) -> Page[Product]:
        """Return one page of what bears one of the tags, or all."""
        return await self.page(bearing(tags, match_all=match_all), request)

    async def search(
        self, wanted: Spec[Product], request: PageRequest, *, shelf: Shelf = Shelf.ACTIVE,
        priced: Spec[Price] | None = None,
    ) -> Page[Product]:  # fmt: skip
        """Return one page of the matches on a shelf; with ``priced`` of those that have such a price."""
        return await self.page(self._asked(wanted, shelf, priced), request)

    async def get_categories(self, limit: int) -> list[LabelCount]:
        """Count the products of each category, in one statement."""
        rows = await self._session.rows(self._prepare("categories", catalog_figures.categories), {"limit": limit})
        return [LabelCount(name=cast("str", name), products=cast("int", count)) for name, count in rows]

    async def get_all_tags(self, limit: int) -> list[LabelCount]:
        """Count the products of each tag, in one statement."""
        rows = await self._session.rows(self._prepare("tags", catalog_figures.tags), {"limit": limit})
        return [LabelCount(name=cast("str", name), products=cast("int", count)) for name, count in rows]

    @override
    async def write_inserts(self) -> list[Change]:
        """Insert products, and where their tags find them."""
        changes = await super().write_inserts()
        await TAGS.insert(self._session, [change.entity for change in changes])
        return changes

    @override
    async def write_updates(self) -> list[Change]:
        """Write products, and where their tags find them if those changed."""
        changes = await super().write_updates()
        await TAGS.follow(self._session, changes)
        return changes

    @override
    def _related_outline(self, related: Spec[Any], values: list[object]) -> Outline:  # reason: as declared
        return outline(related, _PRICE_MAPPER, values)

    @override
    def _having(self, query: Query, related: Outline) -> Query:
        alive = select(_PRICES.c.product_id).where(tenancy.wall(_PRICES), _PRICES.c.deleted_at.is_(None))
        return query.where(self._id.in_(alive.where(clause(related, _PRICE_MAPPER, prefix="q"))))

    def _of_price(self, *, lock: bool) -> Executable:
        price = _PRICES.c.id == bindparam("price_id", type_=Guid())
        of_price = select(_PRICES.c.product_id).where(tenancy.wall(_PRICES), price, _PRICES.c.deleted_at.is_(None))
        query = self._select().where(self._id == of_price.scalar_subquery())
        return query.with_for_update(key_share=True) if lock else query


class SqlPriceRepository(ShelvedRepository[Price], IPriceRepository):
    """Prices."""

    mapper = _PRICE_MAPPER

    async def archived_with(self, product_id: ProductId, at: datetime | None) -> list[Price]:
        """Return the product's prices that were archived at exactly this moment."""
        if at is None:
            return []
        return await self.find(Equal("product_id", product_id) & Equal("deleted_at", at), with_deleted=True)

    async def get_prices_for_product(self, product_id: ProductId) -> list[Price]:
        """Return what the product is sold at, oldest first."""
        return await self.find(prices_of(product_id), sort="created_at")

    async def get_recurring_prices(self, request: PageRequest) -> Page[Price]:
        """Return one page of what is due every period."""
        return await self.page(recurring_prices(), request)

    async def get_active_price_for_product(self, product_id: ProductId, currency: str, quantity: int) -> Price:
        """Return the cheapest price, whose totals the domain computes."""
        offered = await self.find(prices_of(product_id) & amounting(currency) & offered_for(quantity))
        return cheapest(offered, quantity)[0]

    async def search(self, wanted: Spec[Price], request: PageRequest, *, shelf: Shelf = Shelf.ACTIVE) -> Page[Price]:
        """Return one page of the matches on a shelf."""
        return await self.page(self._asked(wanted, shelf), request)

    async def get_price_summary_by_currency(self) -> list[PriceSummary]:
        """Summarize every currency, in one statement."""
        rows = await self._session.rows(self._prepare("summary", catalog_figures.summary), {})
        return [_summary(cast("_Counted", row)) for row in rows]


type _Counted = tuple[str, int, int, int, int | None, int | None]


def _summary(row: _Counted) -> PriceSummary:
    currency, prices, recurring, tiered, lowest, highest = row
    return PriceSummary(
        currency=currency, prices=prices, recurring=recurring, tiered=tiered,
        lowest=None if lowest is None else Money(lowest, currency),
        highest=None if highest is None else Money(highest, currency),
    )  # fmt: skip
