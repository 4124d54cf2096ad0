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


NUMBERS: Mapping[str, str] = {"audit_entries": "entry_no", "outbox": "id"}
"""Columns by which the rows of a table are numbered in the order in which they were written."""


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
        return await self.query(f"SELECT * FROM {table} WHERE {self._is('organization_id', organization_id)}")

    async def last(self, table: str) -> int:
        """Return the number of the row that was written last to a numbered table, to see what comes after it."""
        [row] = await self.query(f"SELECT coalesce(max({NUMBERS[table]}), 0) AS last FROM {table}")
        return int(str(row["last"]))

    async def since(self, last: int, table: str, organization_id: UUID | None) -> list[Row]:
        """Return an organization's rows of a numbered table, or everybody's, that were written after one of them."""
        owned = "" if organization_id is None else f" AND {self._is('organization_id', organization_id)}"
        return await self.query(f"SELECT * FROM {table} WHERE {NUMBERS[table]} > {last}{owned}")

    async def count(self, table: str, organization_id: UUID) -> int:
        """Return how many rows of one table an organization has."""
        return (await self.counts(organization_id))[table]

    async def counts(self, organization_id: UUID) -> dict[str, int]:
        """Return how many rows an organization has, by table."""
        owned = self._is("organization_id", organization_id)
        counted = (f"SELECT '{table}' AS name, count(*) AS rows FROM {table} WHERE {owned}" for table in TENANT_TABLES)
        found = await self.query(" UNION ALL ".join(counted))
        return {str(row["name"]): int(str(row["rows"])) for row in found}

    async def digest(self, organization_id: UUID, person: UUID | None = None) -> dict[str, str]:
        """Return a digest of everything an organization has, and of what belongs to a person, by table."""
        wanted = {table: self._is("organization_id", organization_id) for table in TENANT_TABLES}
        if person is not None:
            wanted |= {table: self._is(PERSONAL_TABLES.get(table, "id"), person) for table in _OF_PEOPLE}
        if not self._urls.is_postgres:
            found = {table: await self.query(f"SELECT * FROM {table} WHERE {these}") for table, these in wanted.items()}
            return {table: _digest(rows) for table, rows in found.items()}
        parts = (_DIGEST.format(table=table, these=these) for table, these in wanted.items())
        return {str(row["name"]): str(row["digest"]) for row in await self.query(" UNION ALL ".join(parts))}

    def _is(self, column: str, owner: UUID) -> str:
        return f"{column} = '{owner if self._urls.is_postgres else owner.hex}'"


_OF_PEOPLE = ("users", *PERSONAL_TABLES)
# One question for all tables: asked one by one, they are most of what the attacks on walls take.
_DIGEST = """
SELECT '{table}' AS name, md5(coalesce(string_agg(line, E'\\n' ORDER BY line), '')) AS digest
FROM (SELECT t::text AS line FROM {table} t WHERE {these}) lines
"""


def _digest(rows: Sequence[Row]) -> str:
    lines = sorted(repr(sorted(row.items())) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@asynccontextmanager
async def open_rows(urls: DatabaseUrls) -> AsyncIterator[Rows]:
    """Open a database as its superuser."""
    if urls.is_postgres:
        # Also long questions are planned once.
        connection = await asyncpg.connect(urls.superuser, max_cacheable_statement_size=0)
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
