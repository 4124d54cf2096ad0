"""One unit of work is one transaction: all of it or nothing, whatever interrupts it."""

import asyncio
import gc
import random
import time
from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from application.kernel.actor import NOWHERE, Actor
from application.kernel.dispatcher import Call
from domain.catalog.product import Product
from domain.catalog.specifications import products_matching
from domain.shared.errors import NotFound, StoaError, Unavailable
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
            await stack.run(
                "prices.create", actor, key="again", product_id=stranger,
                unit_amount={"amount": 1, "currency": "EUR"},
            )  # fmt: skip
    product = await stack.run("products.create", actor, key="once", name="Beans", sku=None)
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
        with pytest.raises(Unavailable):
            await uow.jobs.schedule("test", stack.ids.new())
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


# ---------------------------------------------------------------- cancellation


async def add_one(stack: Stack, actor: Actor, product: Product) -> None:
    """Run a unit of work with a read, a write and a flush before the commit."""
    async with unit(stack, actor) as uow:
        await uow.products.exists(Equal("name", "nobody"))
        uow.products.add(product)
        await uow.flush()
        product.amend(stack.clock.now(), description="described")
        await uow.commit()


async def interrupt(task: asyncio.Task[None], chance: random.Random, longest: float) -> None:
    """Cancel a task after a random time, every third one twice, and see how it ended."""
    await asyncio.sleep(chance.uniform(0, longest))
    task.cancel()
    if chance.random() < 1 / 3:
        await asyncio.sleep(chance.uniform(0, longest / 10))
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def outcomes(stack: Stack, actor: Actor) -> tuple[list[UUID], list[str]]:
    """Return the ids of the products, and the subjects of the entries that tell of their creation."""
    async with unit(stack, actor, read_only=True) as uow:
        products = await uow.products.find(Everything())
        entries = await uow.audit_entries.find(Equal("operation", "created") & Equal("subject_type", "product"))
    return [product.id for product in products], sorted(entry.subject_id for entry in entries)


async def cancel_many(stack: Stack, count: int, seed: int) -> None:
    """Cancel so many units of work at random points and look for anything torn or left behind."""
    chance, actor, finished = random.Random(seed), await stack.organization(), list[UUID]()
    at_once = asyncio.Semaphore(20)
    cancelled = 0
    started = time.perf_counter()
    await add_one(stack, actor, a_product(stack, actor))
    # Twenty share the machine, so that an undisturbed one takes many times what one alone takes.
    longest = 15 * (time.perf_counter() - started)

    async def one() -> None:
        nonlocal cancelled
        product = a_product(stack, actor)
        async with at_once:
            task = asyncio.create_task(add_one(stack, actor, product))
            await interrupt(task, chance, longest)
            if task.cancelled():
                cancelled += 1
            elif task.exception() is None:
                finished.append(product.id)
            else:
                assert isinstance(task.exception(), StoaError), task.exception()

    await asyncio.gather(*(one() for _ in range(count)))
    assert count / 10 < cancelled < count, "cancellations have to hit, but not always"
    ids, subjects = await outcomes(stack, actor)
    assert sorted(encode_id("prod", id_) for id_ in ids) == subjects
    assert set(finished) <= set(ids)
    assert stack.database.pool_state()["in_use"] == 0
    await no_transaction_stays_open(stack)


async def no_transaction_stays_open(stack: Stack) -> None:
    """See every backend idle; one whose connection was dropped needs a moment to notice."""
    idle = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
    async with asyncio.timeout(3), stack.relay_database.engine.connect() as connection:
        while (await connection.execute(text(idle))).scalar_one():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.05)


async def test_cancelled_units_of_work_are_whole_or_absent(pg_stack: Stack) -> None:
    """Four hundred interruptions, some of them twice: no half effect, no lost connection, no open transaction."""
    await cancel_many(pg_stack, 400, seed=1)


@pytest.mark.faults
async def test_thousands_of_cancelled_units_of_work_are_whole_or_absent(pg_stack: Stack) -> None:
    """The same at full length."""
    await cancel_many(pg_stack, 8_000, seed=2)


async def test_a_cancelled_unit_of_work_leaves_sqlite_usable(test_databases: TestDatabases) -> None:
    """On SQLite, where there is one writer, an interrupted one gives way."""
    async with open_stack(test_databases.sqlite()) as stack:
        chance, actor = random.Random(3), await stack.organization()
        for _ in range(60):
            task = asyncio.create_task(add_one(stack, actor, a_product(stack, actor)))
            await interrupt(task, chance, longest=0.02)
        ids, subjects = await outcomes(stack, actor)
        assert sorted(encode_id("prod", id_) for id_ in ids) == subjects
        await add_one(stack, actor, a_product(stack, actor))
        assert stack.database.pool_state()["in_use"] == 0


async def test_a_write_lock_ends_with_its_cancelled_owner(
    test_databases: TestDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted just while it takes SQLite's write lock, a unit of work gives it back, and the next one begins."""
    beginning, run = asyncio.Event(), AsyncConnection.exec_driver_sql

    async def spied(connection: AsyncConnection, statement: str) -> object:
        if statement == "BEGIN IMMEDIATE":
            beginning.set()
        return await run(connection, statement)

    monkeypatch.setattr(AsyncConnection, "exec_driver_sql", spied)
    gc.disable()
    try:
        async with open_stack(test_databases.sqlite()) as stack:
            actor = await stack.organization()
            for _ in range(10):
                beginning.clear()
                task = asyncio.create_task(add_one(stack, actor, a_product(stack, actor)))
                await beginning.wait()
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                async with asyncio.timeout(3):
                    await add_one(stack, actor, a_product(stack, actor))
    finally:
        gc.enable()


def test_repositories_flush_parents_first() -> None:
    """The order of the attributes is the order of inserts, which foreign keys depend on."""
    names: Sequence[str] = [name for name in vars(SqlUnitOfWork) if not name.startswith("_")]
    for parent, child in (("organizations", "memberships"), ("users", "memberships"), ("products", "prices"),
                          ("customers", "payment_methods"), ("prices", "payment_links"),
                          ("payment_links", "payment_orders"), ("payment_methods", "payment_orders")):  # fmt: skip
        assert names.index(parent) < names.index(child)
