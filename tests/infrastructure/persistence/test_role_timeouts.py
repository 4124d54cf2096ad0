"""PostgreSQL ends by itself what takes too long, for every role that logs in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import asyncpg
import pytest
from sqlalchemy import text

from application.kernel.actor import NOWHERE, TENANT_SCOPES
from domain.shared.ids import decode_id
from infrastructure.persistence.database import Database
from infrastructure.persistence.statement import Statement
from tests.support.databases import TestDatabases
from tests.support.http import http_face
from tests.support.stack import Body, Stack, open_stack

PROMISED = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "transaction_timeout": "15s",
}


@pytest.fixture
async def own_stack(test_databases: TestDatabases) -> AsyncIterator[Stack]:
    """Return the core on a PostgreSQL database of the test's own."""
    async with open_stack(test_databases.postgres()) as opened:
        yield opened


@pytest.mark.parametrize("role", ["app", "relay", "sealer"])
async def test_every_role_has_its_limits(test_databases: TestDatabases, role: str) -> None:
    """The server tells each role, on a connection as the pools make them, the limits that were promised."""
    database = Database(getattr(test_databases.postgres(), role), pool_size=1)
    try:
        columns = ", ".join(f"current_setting('{name}')" for name in PROMISED)
        asked = Statement(text(f"SELECT current_user, {columns}"), database.dialect)
        (told,) = await database.rows(asked, {}, organization_id=NOWHERE)
    finally:
        await database.dispose()
    assert (told[0], dict(zip(PROMISED, list(told)[1:], strict=True))) == (f"stoa_{role}", PROMISED)


@asynccontextmanager
async def locked(stack: Stack, product: Body) -> AsyncIterator[None]:
    """Hold a product's row for the length of the block, as a transaction does that never ends."""
    other = await asyncpg.connect(stack.urls.superuser)
    try:
        async with other.transaction():
            row = decode_id("prod", str(product["id"]))
            assert await other.fetch("SELECT 1 FROM products WHERE id = $1 FOR UPDATE", row)
            yield
    finally:
        await other.close()


async def test_a_wait_for_a_lock_ends_in_a_coded_503(own_stack: Stack) -> None:
    """Two seconds after it met another's lock a change is told so; when the lock is gone the same change is made."""
    stack, actor = own_stack, await own_stack.organization()
    key = str((await stack.run("api_keys.create", actor, name="Till", scopes=sorted(TENANT_SCOPES)))["secret"])
    product = await stack.run("products.create", actor, name="Espresso blend")
    change = {"id": product["id"], "expected_version": product["version"], "name": "Filter blend"}
    async with http_face(stack) as http:
        async with locked(stack, product):
            started = perf_counter()
            refused = await http.send("products.update", change, key=key)
            waited = perf_counter() - started
            read = await http.send("products.get", {"id": product["id"]}, key=key)
        made = await http.send("products.update", change, key=key)
    await stack.authenticate.settle()
    assert (refused.status_code, refused.json()["code"]) == (503, "lock_timeout")
    assert 1.9 <= waited < 4.5
    assert (read.status_code, read.json()["name"]) == (200, "Espresso blend")
    assert (made.status_code, made.json()["name"], made.json()["version"]) == (200, "Filter blend", 2)
