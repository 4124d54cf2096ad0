"""What the database gives up for the sake of another transaction is run again, and happens once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from application.kernel.actor import Actor
from application.kernel.dispatcher import MAX_RERUNS, TransactionAborted
from application.kernel.unit_of_work import ITransaction, IUnitOfWorkFactory
from domain.shared.ids import PaymentLinkId, decode_id
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import outbox
from tests.support.databases import TestDatabases
from tests.support.rows import open_rows
from tests.support.shop import Shop
from tests.support.stack import Stack, open_stack

type Connection = asyncpg.Connection[asyncpg.Record]

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class Watched:
    """Units of work that remember how each of them ended, in ``ends``."""

    def __init__(self, units: IUnitOfWorkFactory) -> None:
        """Open them by another factory."""
        self._units = units
        self.ends: list[str] = []

    @asynccontextmanager
    async def __call__(
        self, actor: Actor, *, use_case: str, request_id: str, read_only: bool = False
    ) -> AsyncIterator[ITransaction]:
        """Open one."""
        try:
            async with self._units(actor, use_case=use_case, request_id=request_id, read_only=read_only) as uow:
                yield uow
        except TransactionAborted:
            self.ends.append("aborted")
            raise
        self.ends.append("done")


@pytest.fixture
async def shop(test_databases: TestDatabases) -> AsyncIterator[Shop]:
    """Return a shop in a PostgreSQL database of the test's own, with one order of today."""
    async with open_stack(test_databases.postgres()) as stack:
        opened = await Shop.open(stack)
        await opened.order()
        yield opened


@pytest.fixture
def watched(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Watch the units of work of the shop's dispatcher."""
    watched = Watched(shop.stack.units)
    monkeypatch.setattr(shop.stack.dispatcher, "_units", watched)
    return watched


@asynccontextmanager
async def rival(stack: Stack) -> AsyncIterator[Connection]:
    """Open a transaction that PostgreSQL does not choose as a deadlock's victim: it looks for one too late."""
    connection: Connection = await asyncpg.connect(stack.urls.superuser)
    try:
        await connection.execute("SET deadlock_timeout = '1min'")
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()


async def somebody_waits(stack: Stack) -> None:
    """Return when a transaction waits for another's lock."""
    async with asyncio.timeout(5), open_rows(stack.urls) as rows:
        while (await rows.query(WAITING))[0]["count"] == 0:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)


async def test_the_victim_of_a_deadlock_is_run_again_and_happens_once(shop: Shop, watched: Watched) -> None:
    """An order holds its link and waits for the day's counter, whose holder wants the link: one order comes of it."""
    stack, key = shop.stack, str(uuid4())
    link = PaymentLinkId(decode_id("plink", str(shop.link["id"])))
    fields = {"payment_link_id": shop.link["id"], "customer_id": shop.customer["id"]}
    async with rival(stack) as other:
        await other.fetch("SELECT 1 FROM counters WHERE organization_id = $1 FOR UPDATE", shop.organization_id)
        ordering = asyncio.create_task(stack.run_once(key, "payment_orders.create", shop.actor, **fields))
        await somebody_waits(stack)
        await other.fetch("SELECT 1 FROM payment_links WHERE id = $1 FOR UPDATE", link)
    order = await ordering

    assert watched.ends == ["aborted", "done"]
    assert (await stack.run_once(key, "payment_orders.create", shop.actor, **fields))["id"] == order["id"]
    listed = await shop.run("payment_orders.list", sort="created_at", include_total=True)
    numbers = [str(each["number"]).partition("-")[2] for each in listed["data"]]  # type: ignore[attr-defined]  # reason: a list
    assert numbers == ["000001", "000002"]
    assert (await shop.run("payment_links.get", id=shop.link["id"]))["uses"] == 2
    created = [event for event, _ in await outbox(stack, shop.actor) if event == "payment_order.created"]
    assert len(created) == 2


async def test_a_transaction_that_is_given_up_every_time_is_a_named_failure(
    shop: Shop, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the last rerun the caller hears that it can be tried again, and nothing has happened."""

    async def given_up(uow: SqlUnitOfWork) -> None:
        await uow.flush()
        raise TransactionAborted

    monkeypatch.setattr(SqlUnitOfWork, "commit", given_up)
    with pytest.raises(TransactionAborted) as refused:
        await shop.order()
    monkeypatch.undo()
    assert (refused.value.code, watched.ends) == ("transaction_aborted", ["aborted"] * (MAX_RERUNS + 1))
    assert (await shop.run("payment_links.get", id=shop.link["id"]))["uses"] == 1
