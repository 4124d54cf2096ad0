"""A sealed entry is refused to change, whoever asks."""

import sqlite3
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from infrastructure.workers.sealer import Sealer
from tests.infrastructure.workers.conftest import Bench, open_bench
from tests.infrastructure.workers.rows import rows
from tests.support.databases import DatabaseUrls, TestDatabases

ORGANIZATION = uuid4()
CHANGES = (
    "UPDATE audit_entries SET actor = 'somebody'",
    "UPDATE audit_entries SET seq = seq + 1, hash = 'x'",
    "UPDATE audit_entries SET seq = NULL, hash = NULL",
    "DELETE FROM audit_entries",
)


async def seal_one(bench: Bench) -> None:
    async with rows(bench.root) as transaction:
        await transaction.entry(ORGANIZATION, 1)
    await Sealer(bench.sealer, b"key", anchors=None).seal_once()


async def sealed(urls: DatabaseUrls) -> AsyncIterator[DatabaseUrls]:
    async for bench in open_bench(urls):
        await seal_one(bench)
        yield urls


@pytest.fixture(scope="module")
async def postgres(test_databases: TestDatabases) -> AsyncIterator[DatabaseUrls]:
    async for urls in sealed(test_databases.postgres()):
        yield urls


@pytest.fixture(scope="module")
async def sqlite(test_databases: TestDatabases) -> AsyncIterator[DatabaseUrls]:
    async for urls in sealed(test_databases.sqlite()):
        yield urls


@pytest.mark.parametrize("change", [*CHANGES, "TRUNCATE audit_entries"])
@pytest.mark.parametrize("role", ["stoa_app", "stoa_relay", "stoa_sealer", "stoa_owner", "postgres"])
async def test_postgresql_refuses_to_change_the_past(postgres: DatabaseUrls, role: str, change: str) -> None:
    """Neither a login role nor the owner nor the superuser changes a sealed entry, not even as a replica."""
    connection = await asyncpg.connect(postgres.superuser)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(f"SET app.organization_id = '{ORGANIZATION}'; SET ROLE {role}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(change)
    finally:
        await connection.close()


@pytest.mark.parametrize("change", CHANGES)
def test_sqlite_refuses_to_change_the_past(sqlite: DatabaseUrls, change: str) -> None:
    """Triggers keep sealed entries there too."""
    connection = sqlite3.connect(sqlite.app.removeprefix("sqlite:///"))
    try:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(change)
    finally:
        connection.close()
