"""Prices: what products cost."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.page import PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.catalog.price import MAX_QUANTITY, Price, PriceType
from domain.catalog.specifications import prices_matching
from domain.shared.ids import PriceId, ProductId
from domain.shared.money import Money

Quantity = Annotated[int, Interval(ge=1, le=MAX_QUANTITY)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceView(View[Price]):
    """A price, for one unit."""

    id: PriceId
    version: int
    product_id: ProductId
    unit_amount: Money
    type: PriceType
    min_quantity: int
    max_quantity: int | None
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePrice:
    """What one unit of a product costs, and for which quantities."""

    product_id: ProductId
    unit_amount: Money
    min_quantity: Quantity = 1
    max_quantity: Quantity | None = None


@use_case(
    "prices.create",
    scope=Scope.PRICES_WRITE,
    example={"unit_amount": {"amount": 1250, "currency": "EUR"}, "min_quantity": 1, "max_quantity": 100},
)
async def create_price(cmd: CreatePrice, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> PriceView:
    """Give a product a price per unit. Prices never change: archive one and create another.

    Errors: `not_found` for the product, `amount_invalid`, `currency_invalid`, `quantity_range_invalid`.
    """
    # Locked, so that the product is not archived meanwhile and left with a price on sale.
    product = await uow.products.get(cmd.product_id, lock=True)
    price = Price.create(
        id=PriceId(ids.new()),
        organization_id=uow.actor.organization_id,
        product_id=product.id,
        unit_amount=cmd.unit_amount,
        min_quantity=cmd.min_quantity,
        max_quantity=cmd.max_quantity,
        now=clock.now(),
    )
    uow.prices.add(price)
    return PriceView.of(price)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrices(PageQuery):
    """Which prices."""

    product_id: ProductId | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "prices.list", ListPrices, lambda uow: uow.prices, PriceView,
    "List the prices that are not archived, of one product or all.",
    where=lambda cmd: prices_matching(product_id=cmd.product_id), scope=Scope.PRICES_READ, example={"limit": 20},
)  # fmt: skip

get_use_case(
    "prices.get", lambda uow: uow.prices, PriceView, "Return one price that is not archived.", scope=Scope.PRICES_READ
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePrice:
    """Which price, and optionally the version the caller read."""

    id: PriceId
    expected_version: Version | None = None


@use_case("prices.archive", scope=Scope.PRICES_WRITE, example={}, destructive=True)
async def archive_price(cmd: ArchivePrice, uow: IUnitOfWork, *, clock: IClock) -> PriceView:
    """Take a price off sale; payment links with it stop selling, orders made before keep their amount.

    Errors: `not_found`, `version_stale`.
    """
    price = await uow.prices.get(cmd.id, lock=True)
    price.expect_version(cmd.expected_version)
    price.delete(clock.now(), uow.actor.id)
    return PriceView.of(price)
