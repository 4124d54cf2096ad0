"""A cancelled unit of work is whole or absent, and keeps no connection and no lock."""

import asyncio
import gc
import random
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from application.kernel.actor import Actor
from domain.catalog.product import Product
from domain.shared.errors import StoaError
from domain.shared.ids import encode_id
from domain.shared.specification import Equal, Everything
from tests.infrastructure.persistence.samples import a_product, unit
from tests.support.databases import TestDatabases
from tests.support.stack import Stack, open_stack


async def add_one(stack: Stack, actor: Actor, product: Product) -> None:
    """Run a unit of work with a read, a write and a flush before the commit."""
    async with unit(stack, actor) as uow:
        await uow.products.exists(Equal("name", "nobody"))
        uow.products.add(product)
        await uow.flush()
        product.amend(stack.clock.now(), description="described")
        await uow.commit()


async def interrupt(task: asyncio.Task[None], chance: random.Random) -> None:
    """Cancel a task after anything from a moment to five seconds, every third one twice, and see how it ended.

    The exponent is what is drawn, so that early and late points are hit on fast and slow machines alike.
    """
    await asyncio.wait([task], timeout=10 ** chance.uniform(-4.5, 0.7))
    task.cancel()
    if chance.random() < 1 / 3:
        await asyncio.sleep(10 ** chance.uniform(-5, -3))
        task.cancel()
    await asyncio.wait([task])


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

    async def one() -> None:
        nonlocal cancelled
        product = a_product(stack, actor)
        async with at_once:
            task = asyncio.create_task(add_one(stack, actor, product))
            await interrupt(task, chance)
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
            await interrupt(task, chance)
        ids, subjects = await outcomes(stack, actor)
        assert sorted(encode_id("prod", id_) for id_ in ids) == subjects
        await add_one(stack, actor, a_product(stack, actor))
        assert stack.database.pool_state()["in_use"] == 0


async def test_a_write_lock_ends_with_its_cancelled_owner(
    test_databases: TestDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted anywhere after asking for SQLite's write lock, a unit of work gives it back without a collector."""
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
            for hops in range(40):
                beginning.clear()
                task = asyncio.create_task(add_one(stack, actor, a_product(stack, actor)))
                await beginning.wait()
                await asyncio.sleep(hops / 10_000)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                async with asyncio.timeout(3):
                    await add_one(stack, actor, a_product(stack, actor))
    finally:
        gc.enable()


async def test_who_is_cancelled_twice_while_connecting_leaves_no_connection_open(
    test_databases: TestDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was just made for a taker who is gone is closed to the end, although its closing is cancelled as well."""
    steps = [asyncio.Event() for _ in range(3)]
    connecting, made, closing = steps
    start, close = AsyncConnection.start, AsyncConnection.close
    closed: list[AsyncConnection] = []

    async def slow_start(connection: AsyncConnection) -> AsyncConnection:
        connecting.set()
        await made.wait()
        return await start(connection)

    async def spied_close(connection: AsyncConnection) -> None:
        closing.set()
        await close(connection)
        closed.append(connection)

    async with open_stack(test_databases.sqlite()) as stack:
        actor = await stack.organization()
        with monkeypatch.context() as patched:
            patched.setattr(AsyncConnection, "start", slow_start)
            patched.setattr(AsyncConnection, "close", spied_close)
            task = asyncio.create_task(add_one(stack, actor, a_product(stack, actor)))
            await connecting.wait()
            task.cancel()
            await asyncio.sleep(0)
            made.set()
            await closing.wait()
            task.cancel()
            await asyncio.wait([task])
        assert (task.cancelled(), len(closed)) == (True, 1)
        assert stack.database.pool_state()["in_use"] == 0
        await add_one(stack, actor, a_product(stack, actor))
