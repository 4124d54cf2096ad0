"""What every repository promises of many aggregates at once and of their parts, on both databases."""

import pytest

from domain.shared.errors import StaleVersion
from domain.shared.page import PageRequest
from domain.shared.specification import Equal, Everything, In, StartsWith
from tests.infrastructure.persistence.samples import Shop, a_product, a_shop, counted, outbox, stock, unit
from tests.support.stack import Stack


@pytest.fixture
async def shop(stack: Stack) -> Shop:
    """Sell in an organization of the test's own."""
    return await a_shop(stack)


async def test_many_are_added_at_once(shop: Shop) -> None:
    """A thousand products cost three statements, and leave a thousand events and audit entries."""
    products = [a_product(shop.stack, shop.actor, f"bulk {n}") for n in range(1000)]
    async with unit(shop.stack, shop.actor) as uow:
        statements = counted(uow)
        assert await uow.products.add_many(products) == 1000
        await uow.commit()
        assert len(statements) <= 3
    async with unit(shop.stack, shop.actor) as uow:
        assert await uow.products.count(StartsWith("name", "bulk")) == 1000
        created = Equal("subject_type", "product") & Equal("operation", "created")
        assert await uow.audit_entries.count(created) == 1000 + 1
    assert (await outbox(shop.stack, shop.actor)).count(("product.created", 1)) == 1000 + 1


async def test_update_where_leaves_what_single_updates_leave(shop: Shop) -> None:
    """Every match gets its next version, an audit entry and an event; what was equal already gets nothing."""
    await stock(shop, "old", "old", "new", "other")
    async with unit(shop.stack, shop.actor) as uow:
        assert await uow.products.update_where(In("name", ["old", "new"]), {"name": "new"}) == 3
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        found = await uow.products.find(Equal("name", "new"))
        assert sorted(product.version for product in found) == [1, 2, 2]
        assert {product.updated_by for product in found} == {shop.actor.id}
        assert await uow.audit_entries.count(Equal("operation", "updated")) == 2
    assert (await outbox(shop.stack, shop.actor)).count(("product.updated", 2)) == 2


async def test_update_where_sees_what_is_not_yet_written(shop: Shop) -> None:
    """Changes of the same unit of work count, as if every match had been loaded alone."""
    async with unit(shop.stack, shop.actor) as uow:
        product = await uow.products.get(shop.product.id)
        product.amend(shop.stack.clock.now(), name="Fresh")
        assert await uow.products.update_where(Equal("name", "Fresh"), {"description": "seen"}) == 1
        assert product.description == "seen"


async def test_many_changes_are_one_statement(shop: Shop) -> None:
    """On PostgreSQL a hundred changed products cost what one does; a single-node SQLite writes them one by one."""
    await stock(shop, *["plain"] * 100)
    async with unit(shop.stack, shop.actor) as uow:
        for n, product in enumerate(await uow.products.find(Equal("name", "plain"))):
            product.amend(shop.stack.clock.now(), name=f"changed {n}", metadata={"shelf": n})
        statements = counted(uow)
        await uow.commit()
        assert len(statements) == (3 if shop.stack.database.is_postgres else 102)
    async with unit(shop.stack, shop.actor) as uow:
        changed = await uow.products.find(StartsWith("name", "changed"))
        assert {(product.name, product.metadata["shelf"], product.version) for product in changed} == {
            (f"changed {n}", n, 2) for n in range(100)
        }


async def test_one_stale_aggregate_among_many_stops_all(shop: Shop) -> None:
    """When somebody else wrote one of many first, none is written."""
    if not shop.stack.database.is_postgres:
        return  # SQLite lets one writer in at a time, so that nobody can come first.
    await stock(shop, *["plain"] * 20)
    async with unit(shop.stack, shop.actor) as uow:
        mine = await uow.products.find(Equal("name", "plain"))
        async with unit(shop.stack, shop.actor) as other:
            (await other.products.get(mine[7].id)).amend(shop.stack.clock.now(), name="first")
            await other.commit()
        for product in mine:
            product.amend(shop.stack.clock.now(), name="late")
        with pytest.raises(StaleVersion):
            await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        assert await uow.products.count(Equal("name", "late")) == 0


@pytest.mark.parametrize("count", [3, 500, 501])
async def test_delete_where_leaves_what_single_removals_leave(shop: Shop, count: int) -> None:
    """Matches are hidden with version, audit and event; the rest stays. A batch boundary makes no difference."""
    await stock(shop, *["doomed"] * count, "spared")
    async with unit(shop.stack, shop.actor) as uow:
        assert await uow.products.delete_where(Equal("name", "doomed")) == count
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        assert not await uow.products.exists(Equal("name", "doomed"))
        assert await uow.products.exists(Equal("name", "spared"))
        hidden = await uow.products.find(Equal("name", "doomed"), with_deleted=True, limit=1000)
        assert {product.version for product in hidden} == {2}
        assert await uow.audit_entries.count(Equal("operation", "updated")) == count
    assert (await outbox(shop.stack, shop.actor)).count(("product.deleted", 2)) == count


@pytest.mark.parametrize("count", [3, 500, 501])
async def test_delete_where_deletes_what_has_no_soft_delete(shop: Shop, count: int) -> None:
    """Orders that match are gone, with their events and audit entries."""
    orders = [shop.order() for _ in range(count)]
    async with unit(shop.stack, shop.actor) as uow:
        await uow.payment_orders.add_many(orders)
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        assert await uow.payment_orders.delete_where(In("number", [order.number for order in orders])) == count
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        assert not await uow.payment_orders.exists(Everything())
        assert await uow.audit_entries.count(Equal("operation", "deleted")) == count
        assert not await uow.audit_entries.exists(Equal("operation", "updated"))
    assert (await outbox(shop.stack, shop.actor)).count(("payment_order.deleted", 2)) == count


# ---------------------------------------------------------------- parts


async def test_parts_are_inserted_changed_and_deleted_with_their_root(shop: Shop) -> None:
    """The stored attempts follow the order's, whatever happened to each of them."""
    order = shop.order()
    shop.attempt(order)
    async with unit(shop.stack, shop.actor) as uow:
        uow.payment_orders.add(order)
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        stored = await uow.payment_orders.get(order.id)
        assert stored.attempts == order.attempts
        shop.decline(stored)
        shop.attempt(stored)
        await uow.commit()
        assert [attempt.status.value for attempt in stored.attempts] == ["declined", "submitted"]
    async with unit(shop.stack, shop.actor) as uow:
        again = await uow.payment_orders.get(order.id)
        assert again.attempts == stored.attempts
        assert again.version == 2
        again.attempts = again.attempts[1:]
        again.cancelled_at = shop.stack.clock.now()
        shop.decline(again)
        await uow.commit()
    async with unit(shop.stack, shop.actor) as uow:
        assert [attempt.number for attempt in (await uow.payment_orders.get(order.id)).attempts] == [2]


async def test_parts_cost_one_statement_however_many_roots(shop: Shop) -> None:
    """Loading twenty orders with attempts takes two statements, each way to load them: never one per order."""
    orders = [shop.order() for _ in range(20)]
    for order in orders:
        shop.attempt(order)
    async with unit(shop.stack, shop.actor) as uow:
        statements = counted(uow)
        await uow.payment_orders.add_many(orders)
        assert len(statements) == 2
        await uow.commit()
    ids = [order.id for order in orders]
    async with unit(shop.stack, shop.actor) as uow:
        statements = counted(uow)
        found = await uow.payment_orders.get_many(ids)
        assert [len(found[id_].attempts) for id_ in ids] == [1] * 20
        assert len(statements) == 2
    async with unit(shop.stack, shop.actor) as uow:
        statements = counted(uow)
        assert len(await uow.payment_orders.find(Everything())) == 20
        assert len((await uow.payment_orders.page(Everything(), PageRequest(limit=50))).items) == 20
        assert len(statements) == 2 + 1
