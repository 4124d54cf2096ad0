"""Finding products: lists by what is asked, categories and tags, and a product together with its prices."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.catalog.prices import PriceView
from application.catalog.products import Category, ProductView, Sku, Tags
from application.kernel.actor import Scope
from application.kernel.fields import Currency
from application.kernel.page import ListView, PageQuery
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.catalog.figures import LabelCount
from domain.catalog.price import Price
from domain.catalog.product import Product
from domain.catalog.repositories import Shelf
from domain.catalog.specifications import amounting, products_matching
from domain.shared.ids import ProductId
from domain.shared.money import MAX_MINOR
from domain.shared.specification import Spec

SearchText = Annotated[str, Len(1, 200)]
MetadataKey = Annotated[str, Len(1, 40)]
MetadataValue = Annotated[str, Len(0, 500)]
MinorUnits = Annotated[int, Interval(ge=0, le=MAX_MINOR)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListProducts(PageQuery):
    """Which products: everything that is given has to hold.

    `text` looks into name and SKU, `sku` is the whole of it. With `match_all` a product bears all of the `tags`, else
    at least one. `currency` with `min_amount` and `max_amount` (minor units of one unit) asks for products on sale at
    such a price. `metadata_key` alone asks whether it is there. `created_from` belongs to the range, `created_before`
    does not.
    """

    text: SearchText | None = None
    sku: Sku | None = None
    category: Category | None = None
    tags: Tags = field(default_factory=list)
    match_all: bool = False
    shelf: Shelf = Shelf.ACTIVE
    currency: Currency | None = None
    min_amount: MinorUnits | None = None
    max_amount: MinorUnits | None = None
    metadata_key: MetadataKey | None = None
    metadata_value: MetadataValue | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    sort: Literal["created_at", "-created_at", "name", "-name"] = "-created_at"

    def wanted(self) -> Spec[Product]:
        """Return what a product itself has to be like."""
        return products_matching(
            text=self.text, sku=self.sku, category=self.category, tags=self.tags, match_all=self.match_all,
            metadata_key=self.metadata_key, metadata_value=self.metadata_value, since=self.created_from,
            until=self.created_before,
        )  # fmt: skip

    def priced(self) -> Spec[Price] | None:
        """Return what one of its prices has to be like, if that was asked."""
        asked = amounting(self.currency, self.min_amount, self.max_amount)
        return None if self.currency is None else asked


@use_case(
    "products.list", scope=Scope.PRODUCTS_READ, example={"limit": 20, "text": "espresso"}, read_only=True, statements=2
)
async def list_products(cmd: ListProducts, uow: IUnitOfWork) -> ListView[ProductView]:
    """List products by any of what they are, those on sale unless another `shelf` is asked for.

    Errors: `sku_invalid`, `text_invalid`, `too_many_tags`, `currency_invalid`, `currency_needed`.
    """
    page = await uow.products.search(cmd.wanted(), cmd.request(cmd.sort), shelf=cmd.shelf, priced=cmd.priced())
    return ListView.of(page, ProductView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductWithPricesView:
    """A product and all prices it is on sale at, oldest first."""

    id: ProductId
    product: ProductView
    prices: list[PriceView]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProductWithPrices:
    """Which product."""

    id: ProductId


@use_case("products.get_with_prices", scope=Scope.PRODUCTS_READ, example={}, read_only=True, statements=2)
async def get_product_with_prices(cmd: GetProductWithPrices, uow: IUnitOfWork) -> ProductWithPricesView:
    """Return one product that is not archived, with every price it is on sale at.

    Errors: `not_found`.
    """
    product = await uow.products.get(cmd.id)
    prices = await uow.prices.get_prices_for_product(product.id)
    return ProductWithPricesView(
        id=product.id, product=ProductView.of(product), prices=[PriceView.of(price) for price in prices]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCountView(View[LabelCount]):
    """A category or tag, and how many products on sale bear it."""

    name: str
    products: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsView:
    """Categories or tags, those of most products first."""

    data: list[LabelCountView]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountLabels:
    """How many at most."""

    limit: Annotated[int, Interval(ge=1, le=1000)] = 100


@use_case("products.get_categories", scope=Scope.PRODUCTS_READ, example={}, read_only=True, statements=1)
async def get_categories(cmd: CountLabels, uow: IUnitOfWork) -> LabelsView:
    """Return the categories in use and how many products on sale each has, the largest first."""
    return LabelsView(data=[LabelCountView.of(each) for each in await uow.products.get_categories(cmd.limit)])


@use_case("products.get_all_tags", scope=Scope.PRODUCTS_READ, example={}, read_only=True, statements=1)
async def get_all_tags(cmd: CountLabels, uow: IUnitOfWork) -> LabelsView:
    """Return the tags in use and how many products on sale bear each, the most frequent first."""
    return LabelsView(data=[LabelCountView.of(each) for each in await uow.products.get_all_tags(cmd.limit)])
