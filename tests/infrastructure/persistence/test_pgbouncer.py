"""The API behind PgBouncer in transaction mode: eight clients share two sessions, and tenants notice nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import asyncpg
import pytest
from sqlalchemy import text

from application.kernel.actor import NOWHERE, Actor
from application.kernel.dispatcher import Call
from domain.shared.errors import StoaError
from infrastructure.lifecycle import opened, working
from infrastructure.persistence.database import Database
from infrastructure.persistence.guard import PrivilegedRole
from infrastructure.persistence.statement import Statement
from infrastructure.settings import load_settings
from infrastructure.settings_rules import SettingsError
from tests.infrastructure.persistence.test_role_timeouts import PROMISED
from tests.support.databases import DatabaseUrls, TestDatabases
from tests.support.pgbouncer import SESSIONS, pgbouncer, version
from tests.support.shop import Shop
from tests.support.stack import Body, Stack, open_stack

CLIENTS = 8
TRANSACTION_MODE = "&statement_cache_size=0"


@pytest.fixture(scope="module")
def urls(test_databases: TestDatabases) -> DatabaseUrls:
    """Make a database for this file."""
    return test_databases.postgres()


@pytest.fixture(scope="module")
def bare(urls: DatabaseUrls) -> Iterator[str]:
    """Run the pooler; the URL does not say that it is one."""
    with pgbouncer(urls.app) as url:
        yield url


@pytest.fixture(scope="module")
async def pooled(urls: DatabaseUrls, bare: str) -> AsyncIterator[Stack]:
    """Wire the core behind the pooler; the workers' roles go past it."""
    async with open_stack(replace(urls, app=bare + TRANSACTION_MODE), pool_size=CLIENTS) as stack:
        yield stack


async def test_a_shop_is_run_behind_it(pooled: Stack) -> None:
    """Sales, refunds, searches and books go through as they do without it, and sessions are fewer than clients."""
    shop = await Shop.open(pooled)
    orders = await asyncio.gather(*(shop.sale() for _ in range(CLIENTS)))
    await shop.give_back(await shop.refund(orders[0]))
    assert {order["status"] for order in orders} == {"completed"}
    assert len({order["number"] for order in orders}) == CLIENTS
    assert await shop.problems() == []
    page = await shop.run("payment_orders.search", limit=100)
    assert len(page["data"]) == CLIENTS  # type: ignore[arg-type]  # reason: a page's items are a list
    superuser = await asyncpg.connect(pooled.urls.superuser)
    sessions = await superuser.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'stoa_app' AND datname = current_database()"
    )
    await superuser.close()
    assert 1 <= sessions <= SESSIONS


async def test_no_tenant_is_left_behind_in_a_shared_session(pooled: Stack, bare: str) -> None:
    """Two tenants interleave on the same two sessions: each sees its own rows, and between transactions nobody's."""
    tenants = [await Shop.open(pooled), await Shop.open(pooled)]
    own = [{item["id"] for item in await products(pooled, shop.actor)} for shop in tenants]
    assert not own[0] & own[1]

    async def visit(number: int) -> None:
        for turn in range(15):
            which = (number + turn) % 2
            assert {item["id"] for item in await products(pooled, tenants[which].actor)} == own[which]

    async def stranger() -> list[tuple[str, int]]:
        connection = await asyncpg.connect(bare, statement_cache_size=0)
        seen = []
        for _ in range(40):
            # One simple query each: sessions are lent between transactions, and this has no tenant of its own.
            async with connection.transaction():
                tenant = await connection.fetchval("SELECT coalesce(current_setting('app.organization_id', true), '')")
                seen.append((tenant, await connection.fetchval("SELECT count(*) FROM products")))
        await connection.close()
        return seen

    *_, seen = await asyncio.gather(*(visit(number) for number in range(CLIENTS)), stranger())
    assert set(seen or ()) == {("", 0)}


async def products(stack: Stack, actor: Actor) -> list[dict[str, str]]:
    """List a tenant's products."""
    page = await stack.run("products.list", actor, limit=100)
    return page["data"]  # type: ignore[return-value]  # reason: a page's items are objects


async def test_look_ups_outside_of_a_tenant_get_their_own_answers(pooled: Stack) -> None:
    """What is asked in one statement, before any tenant is known, is not answered with what somebody else asked."""
    asked = [Statement(text(f"SELECT {number}"), pooled.database.dialect) for number in range(50)]

    async def ask(number: int) -> object:
        return (await pooled.database.read(asked[number], {}, organization_id=NOWHERE))[0][0]

    for _ in range(4):
        assert await asyncio.gather(*(ask(number) for number in range(50))) == list(range(50))


async def test_the_roles_time_limits_hold(pooled: Stack) -> None:
    """They belong to the role, so that a session the pooler made has them, and really ends what takes too long."""
    columns = ", ".join(f"current_setting('{name}')" for name in PROMISED)
    told = pooled.database.prepare("limits", lambda: text(f"SELECT {columns}"))
    (row,) = await pooled.database.rows(told, {}, organization_id=NOWHERE)
    assert dict(zip(PROMISED, row, strict=True)) == PROMISED
    shop = await Shop.open(pooled)
    async with locked_organizations(pooled):
        started = time.monotonic()
        with pytest.raises(StoaError):
            await shop.run("organizations.update", name="Another name", expected_version=1)
        assert time.monotonic() - started >= 1.5


@asynccontextmanager
async def locked_organizations(stack: Stack) -> AsyncIterator[None]:
    """Hold every organization's row."""
    holder = await asyncpg.connect(stack.urls.superuser)
    try:
        async with holder.transaction():
            await holder.execute("SELECT 1 FROM organizations FOR UPDATE")
            yield
    finally:
        await holder.close()


async def test_server_and_workers_start(urls: DatabaseUrls, bare: str, tmp_path: Path) -> None:
    """The API behind the pooler, the workers past it; a use-case runs in the same process as both."""
    settings = load_settings(
        {
            "STOA_DATABASE_URL": bare + TRANSACTION_MODE, "STOA_RELAY_DATABASE_URL": urls.relay,
            "STOA_SEALER_DATABASE_URL": urls.sealer, "STOA_DATA_DIR": str(tmp_path),
        }
    )  # fmt: skip
    async with opened(settings, work=True) as container, working(container, work=True) as supervisor:
        async with open_stack(replace(urls, app=settings.database_url)) as stack:
            call = Call(actor=await stack.organization(), request_id="r")
            outcome = await container.dispatcher()("products.list", stack.command("products.list"), call)
        assert cast("Body", outcome.body)["data"] == []
        assert all(state.running for state in supervisor.states.values())
        # News of changes go past the pooler too, or nothing would be cached behind one.
        async with asyncio.timeout(30):
            while not container.query_cache()._is_open:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.02)


async def test_the_role_that_goes_past_it_is_checked_without_workers_too(
    urls: DatabaseUrls, bare: str, tmp_path: Path
) -> None:
    """Who serves hears there what changed, so that a privileged role is as refused as before the pooler."""
    settings = load_settings(
        {
            "STOA_DATABASE_URL": bare + TRANSACTION_MODE, "STOA_RELAY_DATABASE_URL": urls.superuser,
            "STOA_SEALER_DATABASE_URL": urls.sealer, "STOA_DATA_DIR": str(tmp_path),
        }
    )  # fmt: skip
    with pytest.raises(PrivilegedRole, match="STOA_RELAY_DATABASE_URL"):
        async with opened(settings, work=False):
            pass


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "STOA_RELAY_DATABASE_URL: required when STOA_DATABASE_URL leads through a pooler"),
        ({"STOA_RELAY_DATABASE_URL": "pooled"}, "STOA_RELAY_DATABASE_URL: must name the server itself"),
        ({"STOA_MIGRATION_DATABASE_URL": "pooled"}, "STOA_MIGRATION_DATABASE_URL: must name the server itself"),
    ],
)
def test_what_needs_a_session_must_go_past_it(given: dict[str, str], reason: str) -> None:
    """The relay's lock and what listens would be somebody else's a moment later."""
    url = "postgresql://stoa_app@/stoa?host=/tmp&statement_cache_size=0"
    with pytest.raises(SettingsError, match=reason):
        load_settings({"STOA_DATABASE_URL": url, **dict.fromkeys(given, url)})


async def test_prepared_statements_do_not_outlast_a_transaction(urls: DatabaseUrls) -> None:
    """Without the parameter a statement is looked for in a session that never saw it: the parameter has a reason."""
    with pgbouncer(urls.app, "max_prepared_statements = 0" if version() >= (1, 21) else "") as url:
        with pytest.raises(asyncpg.InvalidSQLStatementNameError):
            await twice_in_different_sessions(url, url)
        await twice_in_different_sessions(url + TRANSACTION_MODE, url)


async def test_a_pooler_that_keeps_statements_needs_no_parameter(urls: DatabaseUrls) -> None:
    """Since 1.21 PgBouncer prepares a client's statements in whichever session it lends."""
    if version() < (1, 21):
        pytest.skip("this PgBouncer is older than 1.21 and keeps no prepared statements")
    with pgbouncer(urls.app, "max_prepared_statements = 200") as url:
        await twice_in_different_sessions(url, url)


async def twice_in_different_sessions(url: str, bare: str) -> None:
    """Run a statement twice; the session of the first time is busy at the second, as the last that came free."""
    database = Database(url, pool_size=1)
    asked = Statement(text("SELECT 1"), database.dialect)
    other = await asyncpg.connect(bare, statement_cache_size=0)
    try:
        await database.rows(asked, {}, organization_id=NOWHERE)
        await other.execute("BEGIN; SELECT 1")
        assert [tuple(row) for row in await database.rows(asked, {}, organization_id=NOWHERE)] == [(1,)]
    finally:
        await other.close()
        await database.dispose()
