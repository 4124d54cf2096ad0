"""A use-case that takes longer than anybody waits for it is given up, unless it is committing by then."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from time import perf_counter
from uuid import uuid4

import asyncpg
import pytest

from application.kernel.actor import Actor
from application.kernel.deadline import DeadlineExceeded
from application.kernel.dispatcher import Call, Handle
from application.kernel.unit_of_work import ITransaction
from domain.shared.ids import decode_id
from interfaces.schema.statuses import headers_of, status_of
from tests.support.cut_proxy import cut_proxy
from tests.support.databases import TestDatabases
from tests.support.stack import Body, Stack, open_stack

SLOW_COMMIT = """
CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON products DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION linger();
"""


@pytest.fixture
async def own_stack(test_databases: TestDatabases) -> AsyncIterator[Stack]:
    """Return the core on a PostgreSQL database of the test's own."""
    async with open_stack(test_databases.postgres()) as stack:
        yield stack


@contextmanager
def hurried(stack: Stack, seconds: float) -> Iterator[None]:
    """Give use-cases so many seconds for the length of the block."""
    before, stack.dispatcher._deadline = stack.dispatcher._deadline, timedelta(seconds=seconds)
    try:
        yield
    finally:
        stack.dispatcher._deadline = before


@asynccontextmanager
async def locked(stack: Stack, product: Body) -> AsyncIterator[None]:
    """Hold a product's row for the length of the block."""
    other = await asyncpg.connect(stack.urls.superuser)
    try:
        async with other.transaction():
            await other.fetch("SELECT 1 FROM products WHERE id = $1 FOR UPDATE", decode_id("prod", str(product["id"])))
            yield
    finally:
        await other.close()


async def stocked(stack: Stack) -> tuple[Actor, Body]:
    """Make an organization with a product."""
    actor = await stack.organization()
    return actor, await stack.run("products.create", actor, name="Beans")


async def test_what_waits_too_long_is_given_up_and_keeps_nothing(own_stack: Stack) -> None:
    """It is told so with a code, holds neither a lock nor a connection afterwards, and the same works later."""
    actor, product = await stocked(own_stack)
    change = {"id": product["id"], "expected_version": 1, "name": "Ground beans"}
    async with locked(own_stack, product):
        began = perf_counter()
        with hurried(own_stack, 0.4), pytest.raises(DeadlineExceeded) as refused:
            await own_stack.run("products.update", actor, **change)
        took = perf_counter() - began
        assert own_stack.database.pool_state()["in_use"] == 0
    assert (status_of(refused.value), headers_of(refused.value, "")) == (503, {"retry-after": "1"})
    assert took > 0.3
    assert (await own_stack.run("products.update", actor, **change))["version"] == 2


async def test_a_commit_is_never_given_up(own_stack: Stack) -> None:
    """It takes longer than there is, and its caller hears that it has happened."""
    actor, _ = await stocked(own_stack)
    other = await asyncpg.connect(own_stack.urls.superuser)
    await other.execute(SLOW_COMMIT)
    await other.close()
    with hurried(own_stack, 1.2):
        made = await own_stack.run("products.create", actor, name="Tea")
    assert (await own_stack.run("products.get", actor, id=made["id"]))["name"] == "Tea"


async def test_a_whole_file_takes_its_time(own_stack: Stack) -> None:
    """Imports are use-cases that run for minutes."""
    actor, _ = await stocked(own_stack)

    async def work(uow: ITransaction, handle: Handle) -> object:
        await asyncio.sleep(0.3)
        return await handle(own_stack.command("products.create", name="Tea"), uow)

    with hurried(own_stack, 0.1):
        await own_stack.dispatcher.at_length("products.create", {}, work, Call(actor=actor, request_id=str(uuid4())))
    assert len((await own_stack.run("products.list", actor))["data"]) == 2  # type: ignore[arg-type]  # reason: a list


async def test_nobody_waits_for_a_silent_database_to_undo_what_was_given_up(own_stack: Stack) -> None:
    """The server undoes it by itself when it finds the connection gone."""
    actor, product = await stocked(own_stack)
    change = {"id": product["id"], "expected_version": 1, "name": "Ground beans"}
    async with (
        cut_proxy(own_stack.urls.app) as proxy,
        open_stack(replace(own_stack.urls, app=proxy.url(own_stack.urls.app))) as stack,
    ):
        await stack.run("products.get", actor, id=product["id"])
        async with locked(own_stack, product):
            with hurried(stack, 1):
                changing = asyncio.create_task(stack.run("products.update", actor, **change))
                await asyncio.sleep(0.5)
            proxy.blackhole, began = True, perf_counter()
            with pytest.raises(DeadlineExceeded):
                await changing
        assert perf_counter() - began < 6, "the driver alone would wait for eight seconds"
        assert stack.database.pool_state()["in_use"] == 0
        proxy.blackhole = False
