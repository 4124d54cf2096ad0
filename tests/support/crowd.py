"""Organizations with many rows of everything, made by copying what one of them has past every wall."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Integer, PrimaryKeyConstraint, String, Table, UniqueConstraint

from domain.catalog.product import MAX_PRICES
from infrastructure.persistence.models.base import Base
from infrastructure.persistence.statement import Params, Statement
from infrastructure.persistence.transaction import PostgresTransaction, Rows, SqliteTransaction, Transaction
from infrastructure.persistence.types import Guid
from tests.support.rows import TENANT_TABLES, open_rows
from tests.support.stack import Stack

ONE_OF_A_KIND = frozenset({"organizations", "memberships", "audit_heads", "task_dependencies", "tool_grants"})
"""Tables of which an organization cannot have many rows without many people, tasks or tools that are really there."""

GUARDED = frozenset({"journal_entries", "journal_postings"})
"""Tables whose triggers always look, and would refuse copies: a crowd's books do not balance."""

HALF_THE_LIMIT = MAX_PRICES // 2
"""How many prices of a crowd are on sale: they are all one product's."""

CHANGES: Mapping[str, Mapping[str, str]] = {
    "accepted_tokens": {"token": "'0x' || left(md5(random()::text) || md5(random()::text), 40)"},
    "approvals": {"status": "'expired'"},
    "journal_entries": {"type": "r.type", "source_id": "gen_random_uuid()"},
    "mandate_holds": {"status": "'released'"},
    "task_runs": {"ended_at": "r.started_at"},
    "prices": {"deleted_at": f"CASE WHEN n >= {HALF_THE_LIMIT} THEN r.created_at END"},
    "payment_durations": {"day": "r.day - (1 + n / 200) * interval '1 day'", "bin": "n % 200"},
    "payment_figures": {"hour": "r.hour - (n + 1) * interval '1 hour'"},
    "wallet_watches": {"wallet_id": "gen_random_uuid()"},
    "payment_methods": {"is_default": "false"},
}
"""What else makes the copy with the number ``n`` different from its original ``r``."""


def copying(table: Table) -> str:
    """Return the statement that copies an organization's row with new identities and values where they are unique."""
    keys = [key for key in table.constraints if isinstance(key, UniqueConstraint | PrimaryKeyConstraint)]
    unique = {column.name for key in (*keys, *(i for i in table.indexes if i.unique)) for column in key.columns}
    values = {column.name: f'r."{column.name}"' for column in table.columns if column.identity is None}
    for name in (unique & values.keys()) - {"organization_id"}:
        kind = table.c[name].type
        if name == "id":
            values[name] = "gen_random_uuid()"
        elif isinstance(kind, Guid) and name.endswith("_id") and len(unique) == 2:
            values[name] = f"CASE WHEN r.{name} IS NOT NULL THEN gen_random_uuid() END"
        elif isinstance(kind, String) and (kind.length is None or kind.length > 8):
            values[name] = f"left(md5(random()::text), {min(20, kind.length or 20)})"
        elif isinstance(kind, Integer):
            values[name] = "1000000 + n"
    values |= CHANGES.get(table.name, {})
    original = f"SELECT * FROM {table.name} WHERE organization_id = $1 LIMIT 1"
    chosen = f"SELECT {', '.join(values.values())} FROM ({original}) r, generate_series(0, $2::int - 1) n"
    # Some columns are called like words of the language.
    named = ", ".join(f'"{name}"' for name in values)
    return f"INSERT INTO {table.name} ({named}) {chosen}"


async def crowd(stack: Stack, organization_id: UUID, count: int) -> dict[str, int]:
    """Give the organization that many more rows of every table; returns how many each one has now."""
    connection = await asyncpg.connect(stack.urls.superuser)
    try:
        # What the copies refer to is there, so that no trigger needs to look.
        await connection.execute("SET session_replication_role = replica")
        for name in TENANT_TABLES:
            if name in GUARDED:
                await connection.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
            if name not in ONE_OF_A_KIND:
                await connection.execute(copying(Base.metadata.tables[name]), organization_id, count)
        # A database that grows in the ordinary way knows its sizes; without them plans are those of empty tables.
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    async with open_rows(stack.urls) as rows:
        return await rows.counts(organization_id)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the text of every statement sent inside of transactions, by anybody, while the block lasts."""
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        for kind in (PostgresTransaction, SqliteTransaction):
            patched.setattr(kind, "rows", _seen(kind.rows, seen))
            patched.setattr(kind, "many", _seen_many(kind.many, seen))
        yield seen


def _seen(run: Callable[..., object], seen: list[str]) -> Callable[..., object]:
    async def rows(self: Transaction, statement: Statement, params: Params) -> Rows:
        seen.append(statement.sql)
        return cast("Rows", await run(self, statement, params))  # type: ignore[misc]  # reason: a coroutine function

    return rows


def _seen_many(run: Callable[..., object], seen: list[str]) -> Callable[..., object]:
    async def many(self: Transaction, statement: Statement, params: Sequence[Params]) -> None:
        seen.append(statement.sql)
        await run(self, statement, params)  # type: ignore[misc]  # reason: a coroutine function

    return many
