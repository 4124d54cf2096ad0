"""Finding prices: lists by what is asked, the best one for a quantity, and what tiers would come to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.catalog.prices import PriceTier, PriceView, Quantity, read_tiers
from application.catalog.product_search import MetadataKey, MetadataValue, MinorUnits, SearchText
from application.catalog.products import ProductView
from application.kernel.actor import Scope
from application.kernel.fields import Currency
from application.kernel.page import ListView, PageQuery
from application.kernel.query_cache import cached
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.catalog.figures import PriceSummary
from domain.catalog.price import Price
from domain.catalog.price_terms import BillingInterval, PriceTerms, PriceType, PricingModel
from domain.catalog.repositories import Shelf
from domain.catalog.specifications import amounting, prices_matching
from domain.shared.ids import PriceId, ProductId
from domain.shared.money import Money
from domain.shared.specification import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrices(PageQuery):
    """Which prices: everything that is given has to hold.

    `text` looks into the nickname. `min_amount` and `max_amount` (minor units of one unit) need a `currency` and leave
    tiered prices out. `quantity` asks for prices offered for so many. `metadata_key` alone asks whether it is there.
    `created_from` belongs to the range, `created_before` does not.
    """

    product_id: ProductId | None = None
    text: SearchText | None = None
    type: PriceType | None = None
    model: PricingModel | None = None
    interval: BillingInterval | None = None
    currency: Currency | None = None
    min_amount: MinorUnits | None = None
    max_amount: MinorUnits | None = None
    quantity: Quantity | None = None
    shelf: Shelf = Shelf.ACTIVE
    metadata_key: MetadataKey | None = None
    metadata_value: MetadataValue | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"

    def wanted(self) -> Spec[Price]:
        """Return what a price has to be like."""
        return amounting(self.currency, self.min_amount, self.max_amount) & prices_matching(
            product_id=self.product_id, text=self.text, type=self.type, model=self.model, interval=self.interval,
            quantity=self.quantity, metadata_key=self.metadata_key, metadata_value=self.metadata_value,
            since=self.created_from, until=self.created_before,
        )  # fmt: skip


@use_case("prices.list", scope=Scope.PRICES_READ, example={"limit": 20}, read_only=True, statements=2)
async def list_prices(cmd: ListPrices, uow: IUnitOfWork) -> ListView[PriceView]:
    """List prices by any of what they are, those on sale unless another `shelf` is asked for.

    Errors: `currency_invalid`, `currency_needed`.
    """
    page = await uow.prices.search(cmd.wanted(), cmd.request(cmd.sort), shelf=cmd.shelf)
    return ListView.of(page, PriceView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceWithProductView:
    """A price and the product it is of."""

    id: PriceId
    price: PriceView
    product: ProductView


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPriceWithProduct:
    """Which price."""

    id: PriceId


@use_case("prices.get_with_product", scope=Scope.PRICES_READ, example={}, read_only=True, statements=2)
async def get_price_with_product(cmd: GetPriceWithProduct, uow: IUnitOfWork) -> PriceWithProductView:
    """Return one price that is not archived, with its product.

    Errors: `not_found`.
    """
    price = await uow.prices.get(cmd.id)
    product = await uow.products.get(price.product_id)
    return PriceWithProductView(id=price.id, price=PriceView.of(price), product=ProductView.of(product))


@dataclass(frozen=True, slots=True, kw_only=True)
class BestPriceView:
    """The price at which a quantity costs least, and how much that is; of a recurring price, in one period."""

    id: PriceId
    price: PriceView
    quantity: int
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class FindBestPrice:
    """For how many of which product, in which currency."""

    product_id: ProductId
    currency: Currency
    quantity: Quantity = 1


@use_case(
    "prices.best", scope=Scope.PRICES_READ, example={"currency": "EUR", "quantity": 3}, read_only=True, statements=2
)
async def find_best_price(cmd: FindBestPrice, uow: IUnitOfWork) -> BestPriceView:
    """Return the price at which so many of a product cost least; the older one when two cost the same.

    Errors: `not_found` for the product, `price_not_offered`, `currency_invalid`.
    """
    product = await uow.products.get(cmd.product_id)
    price = await uow.prices.get_active_price_for_product(product.id, cmd.currency, cmd.quantity)
    return BestPriceView(id=price.id, price=PriceView.of(price), quantity=cmd.quantity, total=price.total(cmd.quantity))


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSummaryView(View[PriceSummary]):
    """The prices on sale in one currency; `lowest` and `highest` are amounts per unit, which tiered prices lack."""

    currency: str
    prices: int
    recurring: int
    tiered: int
    lowest: Money | None
    highest: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSummariesView:
    """One summary for each currency that something is on sale in, by its code."""

    data: list[PriceSummaryView]


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarizePrices:
    """Everything that is on sale."""


@use_case(
    "prices.get_summary_by_currency", scope=Scope.PRICES_READ, example={}, read_only=True, statements=1,
    cached=cached(5, "price", "product"),
)  # fmt: skip
async def get_price_summary_by_currency(cmd: SummarizePrices, uow: IUnitOfWork) -> PriceSummariesView:  # noqa: ARG001 - the shape of all handlers
    """Count the prices on sale in each currency, with the lowest and the highest amount per unit."""
    summaries = await uow.prices.get_price_summary_by_currency()
    return PriceSummariesView(data=[PriceSummaryView.of(each) for each in summaries])


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTotal:
    """What a quantity would cost."""

    quantity: int
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class TierCheckView:
    """Tiers that a price can have, and what they come to."""

    currency: str
    totals: list[SampleTotal]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateTiers:
    """Tiers as `prices.create` takes them, and quantities to try them on."""

    model: PricingModel
    tiers: Annotated[list[PriceTier], Len(0, 100)]
    max_quantity: Quantity | None = None
    quantities: Annotated[list[Quantity], Len(1, 20)]


@use_case(
    "prices.validate_tiers",
    scope=Scope.PRICES_READ,
    example={
        "model": "graduated",
        "tiers": [
            {"up_to": 10, "unit_amount": {"amount": 1250, "currency": "EUR"}},
            {"unit_amount": {"amount": 990, "currency": "EUR"}, "flat_amount": {"amount": 500, "currency": "EUR"}},
        ],
        "quantities": [1, 10, 11, 100],
    },
    read_only=True,
    statements=1,
)
async def validate_tiered_pricing(cmd: ValidateTiers, uow: IUnitOfWork) -> TierCheckView:  # noqa: ARG001 - the shape of all handlers
    """Say what some quantities would cost in tiers, or what is wrong with the tiers. Nothing is stored.

    Errors: `pricing_invalid`, `quantity_out_of_range`, `amount_invalid`, `tiers_missing`, `tiers_gap`,
    `tiers_overlap`, `tiers_descending`, `tiers_unbounded`, `tiers_currency_mixed`, `tiers_free`.
    """
    terms = PriceTerms(model=cmd.model, tiers=read_tiers(cmd.tiers), max_quantity=cmd.max_quantity)
    terms.check()
    totals = [SampleTotal(quantity=quantity, total=terms.total(quantity)) for quantity in cmd.quantities]
    return TierCheckView(currency=terms.currency, totals=totals)
