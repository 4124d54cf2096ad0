"""A database that accepts everything and answers nothing."""

import asyncio
import time
from uuid import uuid4

import pytest
from sqlalchemy import text

from application.kernel.actor import NOWHERE
from domain.shared.errors import Unavailable
from infrastructure.persistence.database import Database
from infrastructure.persistence.statement import Statement
from tests.support.cut_proxy import cut_proxy
from tests.support.databases import TestDatabases

DEADLINE = 0.5


async def test_a_database_that_falls_silent_is_given_up_in_time(test_databases: TestDatabases) -> None:
    """Our own deadline ends the wait, the connection is dropped and not asked again, and afterwards all is well."""
    urls = test_databases.postgres()
    async with cut_proxy(urls.app) as proxy:
        database = Database(proxy.url(urls.app), pool_size=3, deadline=DEADLINE)
        try:
            one = Statement(text("SELECT 1"), database.dialect)
            # Three idle connections, each of which would be waited for in turn.
            await asyncio.gather(*(database.rows(one, {}, organization_id=NOWHERE) for _ in range(3)))
            proxy.blackhole = True
            started = time.perf_counter()
            with pytest.raises(Unavailable):
                async with database.transaction(uuid4()):
                    pytest.fail("a silent database was entered")
            assert time.perf_counter() - started < 1.8 * DEADLINE
            proxy.blackhole = False
            assert (await database.rows(one, {}, organization_id=NOWHERE))[0][0] == 1
            assert database.pool_state()["in_use"] == 0
        finally:
            proxy.blackhole = False
            await database.dispose()


async def test_a_statement_that_is_never_answered_ends_its_transaction(test_databases: TestDatabases) -> None:
    """No ROLLBACK is sent after it, which would wait as long again."""
    urls = test_databases.postgres()
    async with cut_proxy(urls.app) as proxy:
        database = Database(proxy.url(urls.app), pool_size=1, deadline=DEADLINE)
        try:
            one = Statement(text("SELECT 1"), database.dialect)
            transaction = await database.begin(uuid4())
            proxy.blackhole = True
            started = time.perf_counter()
            with pytest.raises(Unavailable):
                await transaction.rows(one, {})
            await transaction.rollback()
            assert time.perf_counter() - started < 1.8 * DEADLINE
            assert database.pool_state()["in_use"] == 0
        finally:
            proxy.blackhole = False
            await database.dispose()


async def test_a_pool_of_dead_connections_is_closed_without_an_error(test_databases: TestDatabases) -> None:
    """Neither a cut connection nor a silent one keeps the rest open, or whoever shuts down waiting."""
    urls = test_databases.postgres()
    async with cut_proxy(urls.app) as proxy:
        database = Database(proxy.url(urls.app), pool_size=3)
        one = Statement(text("SELECT 1"), database.dialect)
        await asyncio.gather(*(database.rows(one, {}, organization_id=NOWHERE) for _ in range(3)))
        proxy.blackhole = True
        started = time.perf_counter()
        await database.dispose()
        proxy.blackhole = False
        assert time.perf_counter() - started < 4
        assert database.pool_state() == {"idle": 0, "in_use": 0, "waiting": 0}
