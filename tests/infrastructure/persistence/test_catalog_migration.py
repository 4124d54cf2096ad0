"""What becomes of a shop's rows when its catalog is migrated down and up again, on both databases."""

from domain.catalog.price import Price
from domain.catalog.price_terms import PriceTerms, PricingModel
from domain.catalog.repositories import Shelf
from domain.catalog.tiers import Tier
from domain.shared.ids import PriceId
from domain.shared.money import Money
from domain.shared.page import PageRequest
from domain.shared.specification import Everything
from infrastructure.persistence import migrations
from tests.infrastructure.persistence.samples import a_shop, unit
from tests.support.databases import DatabaseUrls
from tests.support.stack import open_stack


async def test_prices_survive_and_what_cannot_be_said_is_kept_out_of_sale(fresh_urls: DatabaseUrls) -> None:
    """Every tenant's plain price keeps its amount and gets its currency back; a tiered one comes back archived."""
    tiered = PriceTerms(
        model=PricingModel.VOLUME,
        tiers=(Tier(up_to=None, unit_amount=Money(5, "EUR")),),
    )
    async with open_stack(fresh_urls) as stack:
        shops = [await a_shop(stack), await a_shop(stack)]
        for shop in shops:
            price = Price.create(
                id=PriceId(stack.ids.new()), organization_id=shop.actor.organization_id, product_id=shop.product.id,
                terms=tiered, now=stack.clock.now(),
            )  # fmt: skip
            async with unit(stack, shop.actor) as uow:
                uow.prices.add(price)
                await uow.commit()
    await migrations.downgrade(fresh_urls.superuser, "0005")
    await migrations.upgrade(fresh_urls.superuser)
    async with open_stack(fresh_urls) as stack:
        for shop in shops:
            async with unit(stack, shop.actor) as uow:
                (kept,) = (await uow.prices.search(Everything(), PageRequest())).items
                (gone,) = (await uow.prices.search(Everything(), PageRequest(), shelf=Shelf.ARCHIVED)).items
                link = await uow.payment_links.get(shop.link.id)
            assert (kept.id, kept.terms, kept.currency) == (shop.price.id, shop.price.terms, "EUR")
            assert (gone.deleted_by, gone.unit_amount) == ("migration", Money(1, "EUR"))
            assert (link.title, link.description, link.success_url) == (None, "", None)
