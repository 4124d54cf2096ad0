"""One unit of work is one transaction: all of it or nothing, whatever interrupts it."""

import pytest
from sqlalchemy import select, text

from application.kernel.actor import NOWHERE, Actor
from application.kernel.dispatcher import Call
from domain.catalog.specifications import products_matching
from domain.shared.errors import NotFound, Unavailable
from domain.shared.ids import encode_id
from domain.shared.specification import Equal, Everything
from infrastructure.persistence.errors import PoolExhausted
from infrastructure.persistence.models.catalog import ProductRow
from infrastructure.persistence.statement import Statement
from infrastructure.persistence.transaction import PostgresTransaction
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import a_product, counted, outbox, unit
from tests.support.databases import TestDatabases
from tests.support.stack import Stack, open_stack


@pytest.fixture
async def actor(stack: Stack) -> Actor:
    """Act for an organization of the test's own."""
    return await stack.organization()


async def stored(stack: Stack, actor: Actor) -> tuple[int, int, int]:
    """Count the organization's products, their audit entries and their events."""
    async with unit(stack, actor, read_only=True) as uow:
        products = await uow.products.count(Everything())
        entries = await uow.audit_entries.count(Equal("subject_type", "product"))
    return products, entries, [type_ for type_, _ in await outbox(stack, actor)].count("product.created")


async def test_a_commit_writes_row_entry_and_event_together(stack: Stack, actor: Actor) -> None:
    """The row and everything that follows from it become visible at once."""
    async with unit(stack, actor) as uow:
        uow.products.add(a_product(stack, actor))
        await uow.flush()
        if stack.database.is_postgres:
            assert await stored(stack, actor) == (0, 0, 0)
        await uow.commit()
    assert await stored(stack, actor) == (1, 1, 1)


async def test_leaving_without_commit_leaves_nothing(stack: Stack, actor: Actor) -> None:
    """A unit of work that nobody commits never was."""
    async with unit(stack, actor) as uow:
        uow.products.add(a_product(stack, actor))
        await uow.flush()
    assert await stored(stack, actor) == (0, 0, 0)


async def test_a_failure_leaves_nothing(stack: Stack, actor: Actor) -> None:
    """Whatever is raised inside, what was flushed before is undone."""
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - what happens before the failure is the point
        async with unit(stack, actor) as uow:
            uow.products.add(a_product(stack, actor))
            await uow.flush()
            raise ZeroDivisionError
    assert await stored(stack, actor) == (0, 0, 0)


async def test_a_failing_handler_leaves_not_even_its_idempotency_key(stack: Stack, actor: Actor) -> None:
    """A refused command may be sent again under the same key, and then takes effect."""
    stranger = encode_id("prod", stack.ids.new())
    for _ in range(2):
        with pytest.raises(NotFound):
            await stack.run_once(
                "again", "prices.create", actor, product_id=stranger,
                unit_amount={"amount": 1, "currency": "EUR"},
            )  # fmt: skip
    product = await stack.run_once("once", "products.create", actor, name="Beans", sku=None)
    command = stack.command("products.create", name="Beans", sku=None)
    replayed = await stack.dispatcher(
        "products.create", command, Call(actor=actor, request_id="r", idempotency_key="once")
    )
    assert replayed.replayed
    assert isinstance(replayed.body, dict)
    assert replayed.body["id"] == product["id"]
    assert await stored(stack, actor) == (1, 1, 1)


async def test_a_swallowed_failure_cannot_be_committed(pg_stack: Stack) -> None:
    """PostgreSQL answers the COMMIT of a failed transaction with a rollback; nobody mistakes it for success."""
    actor = await pg_stack.organization()
    broken = Statement(text("SELECT 1/0"), pg_stack.database.dialect)
    async with unit(pg_stack, actor) as uow:
        uow.products.add(a_product(pg_stack, actor))
        await uow.flush()
        await uow.journal.write(None)
        with pytest.raises(Exception, match="division by zero"):
            await uow.session.rows(broken, {})
        with pytest.raises(RuntimeError, match="swallowed"):
            await uow.commit()
    assert await stored(pg_stack, actor) == (0, 0, 0)


async def test_a_read_only_unit_of_work_writes_nothing(stack: Stack, actor: Actor) -> None:
    """Both databases refuse writes there, and the connection is good for writing afterwards."""
    async with unit(stack, actor, read_only=True) as uow:
        uow.products.add(a_product(stack, actor))
        with pytest.raises(Unavailable):
            await uow.flush()
    async with unit(stack, actor, read_only=True) as uow:
        await uow.jobs.schedule("test", stack.ids.new())
        with pytest.raises(Unavailable):
            await uow.commit()
    for _ in range(12):
        async with unit(stack, actor) as uow:
            uow.products.add(a_product(stack, actor))
            await uow.commit()
    assert (await stored(stack, actor))[0] == 12


async def test_reading_leaves_the_loaded_alone(stack: Stack, actor: Actor) -> None:
    """A read-only unit of work compares nothing and writes nothing, whatever was done to its objects."""
    async with unit(stack, actor) as uow:
        uow.products.add(a_product(stack, actor))
        await uow.commit()
    async with unit(stack, actor, read_only=True) as uow:
        (product,) = await uow.products.find(products_matching())
        product.name = "only on screen"
        statements = counted(uow)
        await uow.flush()
        assert statements == []


async def test_only_the_outer_unit_of_work_is_undone(pg_stack: Stack) -> None:
    """A unit of work opened inside another one is a transaction of its own."""
    actor = await pg_stack.organization()
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - as above
        async with unit(pg_stack, actor) as outer:
            outer.products.add(a_product(pg_stack, actor, "outer"))
            await outer.flush()
            async with unit(pg_stack, actor) as inner:
                inner.products.add(a_product(pg_stack, actor, "inner"))
                await inner.commit()
            raise ZeroDivisionError
    async with unit(pg_stack, actor) as uow:
        assert [product.name for product in await uow.products.find(Everything())] == ["inner"]


async def test_the_tenant_ends_with_the_transaction(pg_stack: Stack) -> None:
    """A pooled connection brings no tenant along: without one, nothing is seen and nothing can be written."""
    actor = await pg_stack.organization()
    async with unit(pg_stack, actor) as uow:
        uow.products.add(a_product(pg_stack, actor))
        await uow.commit()
    counting = Statement(
        text("SELECT count(*), current_setting('app.organization_id', true) FROM products"), pg_stack.database.dialect
    )
    # The connection given back last is the next one taken.
    ((count, tenant),) = await pg_stack.database.read(counting, {}, organization_id=actor.organization_id)
    assert (count, tenant or "") == (0, "")
    async with pg_stack.database.transaction(NOWHERE) as transaction:
        assert (await transaction.rows(counting, {}))[0][0] == 0


async def test_a_full_pool_answers_soon(test_databases: TestDatabases) -> None:
    """Whoever finds no connection hears so, and the next one is served."""
    async with open_stack(test_databases.postgres(), pool_size=1) as stack:
        actor = await stack.organization()
        stack.database._pool._timeout = 0.05
        async with unit(stack, actor):
            with pytest.raises(PoolExhausted):
                async with unit(stack, actor):
                    pytest.fail("there is only one connection")
        async with unit(stack, actor) as uow:
            assert await uow.products.count(Everything()) == 0


async def test_reports_see_what_is_not_committed(pg_stack: Stack) -> None:
    """An ORM session on the unit of work's own connection reads its uncommitted rows and ends nothing."""
    actor = await pg_stack.organization()
    async with unit(pg_stack, actor) as uow:
        product = a_product(pg_stack, actor, "Report me")
        uow.products.add(product)
        await uow.flush()
        transaction = uow.session.transaction
        assert isinstance(transaction, PostgresTransaction)
        async with transaction.orm_session(pg_stack.database.engine) as orm:
            row = (await orm.scalars(select(ProductRow))).one()
            assert (row.id, row.name, row.metadata_) == (product.id, "Report me", "{}")
        product.amend(pg_stack.clock.now(), name="Reported")
        await uow.commit()
    async with unit(pg_stack, actor) as uow:
        assert (await uow.products.get(product.id)).name == "Reported"


def test_repositories_flush_parents_first() -> None:
    """The order of the attributes is the order of inserts, which foreign keys depend on."""
    names = SqlUnitOfWork.ORDER
    for parent, child in (("organizations", "memberships"), ("users", "memberships"), ("products", "prices"),
                          ("customers", "payment_methods"), ("prices", "payment_links"),
                          ("payment_links", "payment_orders"), ("payment_methods", "payment_orders")):  # fmt: skip
        assert names.index(parent) < names.index(child)
