"""What is really in the tables, past every wall: for tests that check what did not happen."""

import hashlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from typing import Protocol
from uuid import UUID

import asyncpg

from infrastructure.persistence.models.base import Base
from infrastructure.persistence.tenancy import PERSON
from tests.support.databases import DatabaseUrls

type Row = Mapping[str, object]


class Record(Protocol):
    """A row of either driver."""

    def keys(self) -> Iterable[str]: ...
    def __getitem__(self, name: str, /) -> object: ...


TENANT_TABLES: Sequence[str] = [
    table.name for table in Base.metadata.sorted_tables if "organization_id" in table.c and table.name != "users"
]
"""All tables that carry an organization."""


PERSONAL_TABLES: Mapping[str, str] = {
    table.name: table.info[PERSON] for table in Base.metadata.sorted_tables if PERSON in table.info
}
"""All tables of what belongs to one person, and the column that says to whom."""


class Rows:
    """A reader before whom there are no walls."""

    def __init__(self, urls: DatabaseUrls, fetch: Callable[[str], Awaitable[Sequence[Record]]]) -> None:
        """Use :func:`open_rows`."""
        self._urls = urls
        self._fetch = fetch

    async def query(self, sql: str) -> list[Row]:
        """Return the rows of a query."""
        return [{name: record[name] for name in record.keys()} for record in await self._fetch(sql)]  # noqa: SIM118 - records iterate over values

    async def of(self, table: str, organization_id: UUID) -> list[Row]:
        """Return an organization's rows of one table."""
        owner = str(organization_id) if self._urls.is_postgres else organization_id.hex
        return await self.query(f"SELECT * FROM {table} WHERE organization_id = '{owner}'")

    async def of_person(self, table: str, user_id: UUID) -> list[Row]:
        """Return a person's rows of one table."""
        owner = str(user_id) if self._urls.is_postgres else user_id.hex
        return await self.query(f"SELECT * FROM {table} WHERE {PERSONAL_TABLES.get(table, 'id')} = '{owner}'")

    async def count(self, table: str, organization_id: UUID) -> int:
        """Return how many rows of one table an organization has."""
        return len(await self.of(table, organization_id))

    async def counts(self, organization_id: UUID) -> dict[str, int]:
        """Return how many rows an organization has, by table."""
        return {table: await self.count(table, organization_id) for table in TENANT_TABLES}

    async def digest(self, organization_id: UUID, person: UUID | None = None) -> dict[str, str]:
        """Return a digest of everything an organization has, and of what belongs to a person, by table."""
        found = {table: _digest(await self.of(table, organization_id)) for table in TENANT_TABLES}
        if person is not None:
            found |= {table: _digest(await self.of_person(table, person)) for table in ("users", *PERSONAL_TABLES)}
        return found


def _digest(rows: Sequence[Row]) -> str:
    lines = sorted(repr(sorted(row.items())) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@asynccontextmanager
async def open_rows(urls: DatabaseUrls) -> AsyncIterator[Rows]:
    """Open a database as its superuser."""
    if urls.is_postgres:
        connection = await asyncpg.connect(urls.superuser)
        try:
            yield Rows(urls, connection.fetch)
        finally:
            await connection.close()
        return
    with closing(sqlite3.connect(urls.app.removeprefix("sqlite:///"))) as file:
        file.row_factory = sqlite3.Row

        async def fetch(sql: str) -> list[sqlite3.Row]:
            return file.execute(sql).fetchall()

        yield Rows(urls, fetch)
