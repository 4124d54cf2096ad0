"""Organizations with many rows of everything, made by copying what one of them has past every wall."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import Integer, PrimaryKeyConstraint, String, Table, UniqueConstraint

from domain.catalog.product import MAX_PRICES
from infrastructure.persistence.models.base import Base
from infrastructure.persistence.statement import Params, Statement
from infrastructure.persistence.transaction import PostgresTransaction, Rows, SqliteTransaction, Transaction
from tests.support.rows import TENANT_TABLES, Row, open_rows
from tests.support.stack import Stack

ONE_OF_A_KIND = frozenset({"organizations", "memberships", "audit_heads", "task_dependencies", "tool_grants"})
"""Tables of which an organization cannot have many rows without many people, tasks or tools that are really there."""

GUARDED = frozenset({"journal_entries", "journal_postings", "messages"})
"""Tables whose triggers would refuse copies: a crowd's books do not balance."""

HALF_THE_LIMIT = MAX_PRICES // 2
"""How many prices of a crowd are on sale: they are all one product's."""

type Change = Callable[[Row, int], dict[str, object]]


def _hours_earlier(row: Row, n: int) -> dict[str, object]:
    return {"hour": cast("datetime", row["hour"]) - timedelta(hours=n + 1)}


def _same_type(row: Row, _: int) -> dict[str, object]:
    return {"type": row["type"], "source_id": uuid4()}


def _other_bins(row: Row, n: int) -> dict[str, object]:
    return {"day": cast("datetime", row["day"]) - timedelta(days=1 + n // 200), "bin": n % 200}


CHANGES: Mapping[str, Change] = {
    "approvals": lambda _row, _n: {"status": "expired"},
    "journal_entries": _same_type,
    "mandate_holds": lambda _row, _n: {"status": "released"},
    "task_runs": lambda row, _n: {"ended_at": row["started_at"]},
    "prices": lambda row, n: {"deleted_at": None if n < HALF_THE_LIMIT else row["created_at"]},
    "payment_durations": _other_bins,
    "payment_figures": _hours_earlier,
    "payment_methods": lambda _row, _n: {"is_default": False},
}
"""What else makes a copy different from its original."""


def copies(row: Row, table: Table, count: int) -> Iterator[tuple[object, ...]]:
    """Yield values of rows like one, with new identities and new values where they must be unique."""
    keys = [key for key in table.constraints if isinstance(key, UniqueConstraint | PrimaryKeyConstraint)]
    unique = {column.name for key in (*keys, *(i for i in table.indexes if i.unique)) for column in key.columns}
    change = CHANGES.get(table.name)
    names = _names(table)
    for n in range(count):
        values = dict(row)
        for name in unique - {"organization_id"}:
            kind = table.c[name].type
            if name == "id" or (isinstance(row[name], UUID) and name.endswith("_id") and len(unique) == 2):
                values[name] = uuid4()
            elif isinstance(kind, String) and (kind.length is None or kind.length > 8):
                values[name] = uuid4().hex[: min(20, kind.length or 20)]
            elif isinstance(kind, Integer):
                values[name] = 1_000_000 + n
        values.update({"id": uuid4()} if "id" in unique else {})
        values.update(change(row, n) if change else {})
        yield tuple(values[name] for name in names)


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.identity is None]


async def crowd(stack: Stack, organization_id: UUID, count: int) -> dict[str, int]:
    """Give the organization that many more rows of every table; returns how many each one has now."""
    connection = await asyncpg.connect(stack.urls.superuser)
    try:
        async with open_rows(stack.urls) as rows:
            for name in TENANT_TABLES:
                found = [] if name in ONE_OF_A_KIND else await rows.of(name, organization_id)
                if found:
                    table = Base.metadata.tables[name]
                    if name in GUARDED:
                        await connection.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
                    records = list(copies(found[0], table, count))
                    await connection.copy_records_to_table(name, columns=_names(table), records=records)
            return await rows.counts(organization_id)
    finally:
        await connection.close()


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
