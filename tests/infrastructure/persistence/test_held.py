"""Writes that go along with what is sent next: one message less, the same order, and the same refusals."""

import pytest
from sqlalchemy import text

from application.kernel.actor import Actor
from domain.catalog.product import Product
from domain.shared.errors import StaleVersion
from domain.shared.ids import ProductId
from domain.shared.specification import Equal, Everything
from infrastructure.persistence.statement import Statement
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import a_product, counted, outbox, unit
from tests.support.stack import Stack


@pytest.fixture
async def actor(stack: Stack) -> Actor:
    """Act for an organization of the test's own."""
    return await stack.organization()


async def stored(stack: Stack, actor: Actor, count: int = 1) -> list[ProductId]:
    """Store new products."""
    products = [a_product(stack, actor) for _ in range(count)]
    async with unit(stack, actor) as uow:
        for product in products:
            uow.products.add(product)
        await uow.commit()
    return [product.id for product in products]


async def renamed(uow: SqlUnitOfWork, id_: ProductId, stack: Stack, *, lock: bool) -> Product:
    """Load a product and give it another name."""
    product = await uow.products.get(id_, lock=lock)
    product.amend(stack.clock.now(), name="Filter beans")
    return product


async def told(stack: Stack, actor: Actor) -> list[tuple[str, int]]:
    """Return the events of products, and the versions they are of."""
    return [event for event in await outbox(stack, actor) if event[0].startswith("product.")]


async def audited(stack: Stack, actor: Actor) -> int:
    """Count the audit entries of changed products."""
    async with unit(stack, actor, read_only=True) as uow:
        return await uow.audit_entries.count(Equal("subject_type", "product") & Equal("operation", "updated"))


@pytest.mark.parametrize("lock", [True, False])
async def test_only_a_locked_change_goes_with_its_event(stack: Stack, actor: Actor, *, lock: bool) -> None:
    """It is one statement then on PostgreSQL; without a lock the row comes first, and its event after it."""
    (id_,) = await stored(stack, actor)
    async with unit(stack, actor) as uow:
        seen = counted(uow)
        await renamed(uow, id_, stack, lock=lock)
        await uow.commit()
    together = lock and stack.database.is_postgres
    assert sum("UPDATE products" in sql for sql in seen) == 1
    assert [sql for sql in seen if "UPDATE products" in sql and "outbox" in sql] == (seen[-1:] if together else [])
    assert await told(stack, actor) == [("product.created", 1), ("product.updated", 2)]
    assert await audited(stack, actor) == 1


async def test_a_row_that_somebody_else_wrote_is_stale_in_company_too(pg_stack: Stack) -> None:
    """Nothing of the message stays: no row, no event, no audit entry."""
    actor = await pg_stack.organization()
    (id_,) = await stored(pg_stack, actor)
    behind = Statement(text("UPDATE products SET version = 7"), pg_stack.database.dialect)
    async with unit(pg_stack, actor) as uow:
        await renamed(uow, id_, pg_stack, lock=True)
        await uow.session.rows(behind, {})
        seen = counted(uow)
        with pytest.raises(StaleVersion):
            await uow.commit()
        assert "outbox" in seen[-1]
    assert (await told(pg_stack, actor))[1:] == []
    assert await audited(pg_stack, actor) == 0


async def test_a_flush_tells_what_is_stale_at_once(pg_stack: Stack) -> None:
    """Whoever flushes wants to know now."""
    actor = await pg_stack.organization()
    (id_,) = await stored(pg_stack, actor)
    behind = Statement(text("UPDATE products SET version = 7"), pg_stack.database.dialect)
    async with unit(pg_stack, actor) as uow:
        await renamed(uow, id_, pg_stack, lock=True)
        await uow.session.rows(behind, {})
        with pytest.raises(StaleVersion):
            await uow.flush()


async def test_what_is_sent_next_sees_it(stack: Stack, actor: Actor) -> None:
    """A held write goes before the next statement, which may ask for it, and is never sent again."""
    (id_,) = await stored(stack, actor)
    async with unit(stack, actor) as uow:
        await renamed(uow, id_, stack, lock=True)
        for change in await uow.products.write_updates():
            uow.journal.note([change])
        seen = counted(uow)
        assert await uow.products.count(Equal("name", "Filter beans")) == 1
        await uow.commit()
    assert sum("UPDATE products" in sql for sql in seen) == int(stack.database.is_postgres)
    assert await told(stack, actor) == [("product.created", 1), ("product.updated", 2)]


async def test_what_is_held_is_undone_with_the_rest(stack: Stack, actor: Actor) -> None:
    """Leaving without a commit sends nothing more."""
    (id_,) = await stored(stack, actor)
    async with unit(stack, actor) as uow:
        await renamed(uow, id_, stack, lock=True)
        await uow.products.write_updates()
    async with unit(stack, actor, read_only=True) as uow:
        assert [product.name for product in await uow.products.find(Everything())] == ["Espresso beans"]


async def test_a_held_write_stays_with_its_tenant(pg_stack: Stack) -> None:
    """It is sent before the transaction goes on under another organization."""
    actor, other = await pg_stack.organization(), await pg_stack.organization()
    (id_,) = await stored(pg_stack, actor)
    async with unit(pg_stack, actor) as uow:
        await renamed(uow, id_, pg_stack, lock=True)
        await uow.enter(other.organization_id)
        uow.products.add(a_product(pg_stack, other))
        await uow.commit()
    assert (await told(pg_stack, actor))[1:] == [("product.updated", 2)]
    assert await audited(pg_stack, actor) == 1


async def test_several_locked_changes_are_all_counted(stack: Stack, actor: Actor) -> None:
    """Changes of one kind go one by one, in the order of their facts."""
    ids = await stored(stack, actor, 3)
    async with unit(stack, actor) as uow:
        for id_ in ids:
            await renamed(uow, id_, stack, lock=True)
        await uow.commit()
    assert [type_ for type_, _ in await told(stack, actor)].count("product.updated") == len(ids)
    assert await audited(stack, actor) == len(ids)
