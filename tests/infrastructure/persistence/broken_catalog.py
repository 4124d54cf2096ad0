"""Every way in which the catalog can break a constraint of its tables, behind the back of the domain."""

from collections.abc import Awaitable, Callable

from attrs import evolve

from domain.catalog.price_terms import PriceType, PricingModel
from domain.shared.errors import DuplicateError, StoaError, ValidationError
from infrastructure.persistence.repositories.catalog import TAGS
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import Shop, a_price, a_product

type Break = Callable[[Shop, SqlUnitOfWork], Awaitable[None]]


def _a_price_with(**wrong: object) -> Break:
    async def break_it(shop: Shop, uow: SqlUnitOfWork) -> None:
        price = a_price(shop.stack, shop.product)
        for name, value in wrong.items():
            setattr(price, name, value)
        uow.prices.add(price)

    return break_it


async def _the_same_tag_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    product = a_product(shop.stack, shop.actor)
    product.tags = ("beans",)
    uow.products.add(product)
    await uow.flush()
    await TAGS.insert(uow.session, [evolve(product)])


BROKEN_CATALOG: dict[str, tuple[Break, type[StoaError]]] = {
    "uq_product_tags_organization_id_product_id_tag": (_the_same_tag_twice, DuplicateError),
    "ck_prices_unit_amount_by_model": (_a_price_with(model=PricingModel.VOLUME), ValidationError),
    "ck_prices_one_currency": (_a_price_with(currency="USD"), ValidationError),
    "ck_prices_period_by_type": (_a_price_with(type=PriceType.RECURRING), ValidationError),
}
