"""How the catalog is stored and counted, on both databases."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest

from domain.catalog.price import Price
from domain.catalog.price_terms import BillingInterval, PriceTerms, PricingModel
from domain.catalog.product import Product
from domain.catalog.repositories import Shelf
from domain.catalog.specifications import amounting, bearing
from domain.catalog.tiers import Tier
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import PriceId, ProductId
from domain.shared.money import Money
from domain.shared.page import PageRequest
from domain.shared.specification import Equal, Everything
from tests.infrastructure.persistence.samples import Shop, a_price, a_shop, counted, unit
from tests.support.databases import TestDatabases
from tests.support.rows import open_rows
from tests.support.stack import Stack, open_stack

PAGE = PageRequest(limit=100)


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    """Sell in an organization of the test's own."""
    return await a_shop(stack)


def labelled(shop: Shop, name: str, *tags: str, category: str | None = None) -> Product:
    """Make a product that nobody has stored yet."""
    return Product.create(
        id=ProductId(shop.stack.ids.new()), organization_id=shop.actor.organization_id, name=name, tags=tags,
        category=category, now=shop.stack.clock.now(),
    )  # fmt: skip


async def indexed(shop: Shop) -> set[tuple[str, str]]:
    """Return product and tag of every row that products are found by."""
    async with open_rows(shop.stack.urls) as rows:
        found = await rows.of("product_tags", shop.actor.organization_id)
    return {(UUID(str(row["product_id"])).hex, str(row["tag"])) for row in found}


def listed(products: Sequence[Product]) -> set[tuple[str, str]]:
    """Return product and tag of every product's own list."""
    return {(product.id.hex, tag) for product in products for tag in product.tags}


async def test_what_tags_are_found_by_is_what_the_products_say(shop: Shop) -> None:
    """One by one, in bulk, by update_where, and when a row is deleted for good."""
    products = [labelled(shop, f"Blend {n}", "beans", f"tag {n % 3}") for n in range(7)]
    async with unit(shop.stack, shop.actor) as uow:
        uow.products.add(products[0])
        await uow.flush()
        await uow.products.add_many(products[1:])
        await uow.commit()
    assert await indexed(shop) == listed(products)
    async with unit(shop.stack, shop.actor) as uow:
        assert await uow.products.update_where(bearing(["tag 1"], match_all=True), {"tags": ("decaf",)}) == 2
        uow.products.purge(await uow.products.get(products[0].id))
        (await uow.products.get(products[2].id)).amend(shop.stack.clock.now(), name="Other name")
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        stored = await uow.products.find(Everything())
    assert listed(stored) == await indexed(shop)
    assert len(await indexed(shop)) == 2 * 4 + 2


async def test_a_thousand_tagged_products_cost_one_statement_more(shop: Shop) -> None:
    """Products, their tags, events and audit entries; and an update of other attributes leaves the tags alone."""
    products = [labelled(shop, f"bulk {n}", "a", "b") for n in range(1000)]
    async with unit(shop.stack, shop.actor) as uow:
        statements = counted(uow)
        await uow.products.add_many(products)
        await uow.commit()
        assert len(statements) <= 4
    async with unit(shop.stack, shop.actor) as uow:
        (await uow.products.get(products[0].id)).amend(shop.stack.clock.now(), name="Other name")
        statements = counted(uow)
        await uow.flush()
        assert len(statements) == 1


async def test_named_finders_find_what_they_are_named_after(shop: Shop) -> None:
    """By category, by tags, on sale; each one page."""
    coffee, tea = labelled(shop, "Coffee", "hot", category="coffee"), labelled(shop, "Tea", "hot", "leaves")
    async with unit(shop.stack, shop.actor) as uow:
        await uow.products.add_many([coffee, tea])
        products = uow.products
        assert (await products.get_by_category(" COFFEE ", PAGE)).items == [coffee]
        assert (await products.get_by_tags(["leaves", "cold"], PAGE)).items == [tea]
        assert (await products.get_by_tags(["leaves", "cold"], PAGE, match_all=True)).items == []
        assert len((await products.get_active_products(PAGE)).items) == 3
        assert await products.get_by_price(shop.price.id) is await products.get(shop.product.id)
        with pytest.raises(EntityNotFoundError):
            await products.get_by_price(PriceId(shop.stack.ids.new()))


async def test_what_is_counted_costs_one_statement_whatever_there_is(shop: Shop) -> None:
    """Categories, tags and the summary of prices do not read products or prices one by one."""
    async with unit(shop.stack, shop.actor) as uow:
        products = [labelled(shop, f"p{n}", f"tag {n % 5}", category=f"c{n % 4}") for n in range(40)]
        await uow.products.add_many(products)
        await uow.prices.add_many([a_price(shop.stack, product, 100 + n) for n, product in enumerate(products)])
        statements = counted(uow)
        categories = await uow.products.get_categories(100)
        tags = await uow.products.get_all_tags(3)
        (euros,) = await uow.prices.get_price_summary_by_currency()
        assert len(statements) == 3
    assert [(each.name, each.products) for each in categories] == [(f"c{n}", 10) for n in range(4)]
    assert [(each.name, each.products) for each in tags] == [(f"tag {n}", 8) for n in range(3)]
    assert (euros.prices, euros.lowest, euros.highest) == (41, Money(100, "EUR"), Money(1250, "EUR"))


async def test_everything_about_a_price_comes_back(shop: Shop) -> None:
    """Tiers, period, trial, nickname and metadata, exactly."""
    terms = PriceTerms(
        model=PricingModel.GRADUATED, interval=BillingInterval.WEEK, interval_count=6, trial_days=30, min_quantity=2,
        max_quantity=500,
        tiers=(
            Tier(up_to=10, unit_amount=Money(2**62, "JPY")),
            Tier(up_to=None, unit_amount=Money(0, "JPY"), flat_amount=Money(1, "JPY")),
        ),
    )  # fmt: skip
    price = Price.create(
        id=PriceId(shop.stack.ids.new()), organization_id=shop.actor.organization_id, product_id=shop.product.id,
        terms=terms, nickname="Six weeks", metadata={"campaign": "may"}, now=shop.stack.clock.now(),
    )  # fmt: skip
    async with unit(shop.stack, shop.actor) as uow:
        uow.prices.add(price)
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        stored = await uow.prices.get(price.id)
        assert (stored.terms, stored.nickname, stored.metadata) == (terms, "Six weeks", {"campaign": "may"})
        assert (await uow.prices.get_recurring_prices(PAGE)).items == [stored]
        of_product = await uow.prices.get_prices_for_product(shop.product.id)
        assert [each.id for each in of_product] == [shop.price.id, price.id]


async def test_a_shelf_is_searched_with_what_is_related(shop: Shop) -> None:
    """Totals and pages of archived and live products, by the prices that are on sale."""
    gone = labelled(shop, "Gone")
    async with unit(shop.stack, shop.actor) as uow:
        uow.products.add(gone)
        await uow.flush()
        gone.delete(shop.stack.clock.now(), "key_1")
        await uow.flush()
        for shelf, expected in ((Shelf.ACTIVE, [shop.product.id]), (Shelf.ARCHIVED, [gone.id])):
            page = await uow.products.search(Everything(), PageRequest(include_total=True), shelf=shelf)
            assert ([product.id for product in page.items], page.total) == (expected, 1)
        page = await uow.products.search(Everything(), PAGE, shelf=Shelf.ANY, priced=amounting("EUR", 1, 1250))
        assert [product.id for product in page.items] == [shop.product.id]
        page = await uow.products.search(Equal("name", "x"), PAGE, shelf=Shelf.ANY, priced=amounting("EUR"))
        assert page.items == []
        with pytest.raises(TypeError):
            uow.products._asked(Everything(), Shelf.ANY).is_satisfied_by(gone)


async def test_tags_are_found_by_an_index_behind_row_security(test_databases: TestDatabases) -> None:
    """The application's own role reads a tag's few rows and not the tenant's products."""
    async with open_stack(test_databases.postgres()) as stack:
        shop = await a_shop(stack)
        products = [labelled(shop, f"p{n}", "common", f"tag {n}") for n in range(3000)]
        async with unit(stack, shop.actor) as uow:
            await uow.products.add_many(products)
            await uow.commit()
        owner = await asyncpg.connect(stack.urls.superuser)
        await owner.execute("ANALYZE products, product_tags")
        await owner.close()
        async with unit(stack, shop.actor) as uow:
            statements = counted(uow)
            found = await uow.products.find(bearing(["tag 7"], match_all=True))
            assert [product.name for product in found] == ["p7"]
        app = await asyncpg.connect(stack.urls.app)
        async with app.transaction():
            await app.execute(f"SET LOCAL app.organization_id = '{shop.actor.organization_id}'")
            plan = await app.fetch(f"EXPLAIN {statements[0]}", shop.actor.organization_id, "tag 7")
        await app.close()
    text = "\n".join(str(line[0]) for line in plan)
    assert "ix_product_tags_tag" in text
    assert "Seq Scan on products" not in text


async def test_views_are_counted_without_a_write_for_each(shop: Shop) -> None:
    """Two processes count five hundred views each; what they write adds up, and one lost database loses no request."""
    stack = shop.stack
    views = [type(stack.views)(stack.database, stack.clock, every=0.01) for _ in range(2)]
    for each in views:
        for _ in range(500):
            each.opened(shop.actor.organization_id, shop.link.id)
    await asyncio.gather(*(each.settle() for each in views))
    views[0].opened(shop.actor.organization_id, shop.link.id)
    await asyncio.sleep(0.05)
    await views[0].settle()
    async with unit(stack, shop.actor) as uow:
        statements = counted(uow)
        figures = await uow.payment_links.get_statistics(shop.link)
        assert len(statements) == 2
    assert (figures.views, figures.orders, figures.gross) == (1001, 0, ())


async def test_statistics_add_up_what_was_paid(shop: Shop) -> None:
    """Orders that were given back count as completed; what was only opened does not."""
    paid, open_ = shop.order(), shop.order()
    async with unit(shop.stack, shop.actor) as uow:
        uow.payment_orders.add(paid)
        uow.payment_orders.add(open_)
        await uow.flush()
        await uow.payment_orders.update_where(Equal("id", paid.id), {"status": PaymentOrderStatus.REFUNDED})
        figures = await uow.payment_links.get_statistics(shop.link)
    assert (figures.orders, figures.completed, figures.gross) == (2, 1, (paid.amount,))
