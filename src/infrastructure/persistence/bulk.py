"""Many rows in one statement."""

from collections.abc import Sequence
from functools import partial

import msgspec
from sqlalchemy import Executable, Insert, Table, bindparam, column, func, select
from sqlalchemy import insert as insert_into
from sqlalchemy import update as update_table
from sqlalchemy.sql.selectable import TableValuedAlias

from infrastructure.persistence import tenancy
from infrastructure.persistence.held import Held, prefixed
from infrastructure.persistence.session import Session
from infrastructure.persistence.types import JsonText

WRITTEN_ONCE = frozenset({"organization_id", "id", "created_at", "created_by"})


async def insert(session: Session, table: Table, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Insert rows of the named columns.

    COPY is refused under row-level security; one jsonb parameter expanded by the server is the next fastest
    form, and plain SQL. SQLite takes the rows one after the other from its own prepared statement.
    """
    if session.database.is_postgres:
        statement = session.prepare(("bulk", table.name), lambda: _from_json(table, names))
        await session.rows(statement, {"rows": _encode(table, names, rows)})
        return
    statement = session.prepare(("bulk", table.name), lambda: values_statement(table, names))
    await session.transaction.many(
        statement, [{f"c_{name}": value for name, value in zip(names, row, strict=True)} for row in rows]
    )


async def insert_later(session: Session, table: Table, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Insert rows that nobody reads in this unit of work; a single one goes along with what is sent next."""
    if len(rows) != 1:
        await insert(session, table, names, rows)
        return
    build, parameters = partial(_one, table, names), prefixed(tuple(names), "c_")
    await session.hold(Held(key=("one", table.name), build=build, names=parameters, values=rows[0], counted=False))


async def update(session: Session, table: Table, names: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
    """Write rows over those of the same id and the version before, and return how many there were; PostgreSQL only."""
    statement = session.prepare(("bulk-update", table.name), lambda: _over(table, names))
    return len(await session.rows(statement, {"rows": _encode(table, names, rows)}))


async def overwrite(session: Session, table: Table, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write the named columns, ``id`` among them, over rows that have no version of their own."""
    if session.database.is_postgres:
        statement = session.prepare(("bulk-overwrite", table.name), lambda: _over_any(table, names))
        await session.rows(statement, {"rows": _encode(table, names, rows)})
        return
    statement = session.prepare(("bulk-overwrite", table.name), lambda: _over_one(table, names))
    walls = {tenancy.TENANT: session.organization_id}
    await session.transaction.many(
        statement, [{f"c_{name}": value for name, value in zip(names, row, strict=True)} | walls for row in rows]
    )


def values_statement(table: Table, names: Sequence[str]) -> Executable:
    """Return the insert of one row, whose parameters are the column names behind ``c_``."""
    return _one(table, names, "")


def _one(table: Table, names: Sequence[str], prefix: str) -> Insert:
    # Inline: RETURNING the counted id would need the right to read the table, which writers of the outbox have not.
    values = {name: bindparam(f"{prefix}c_{name}", type_=table.c[name].type) for name in names}
    return insert_into(table).values(values).inline()


def _encode(table: Table, names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a JSON array of objects; JSON columns are spliced in as the text they are."""
    raw = [at for at, name in enumerate(names) if isinstance(table.c[name].type, JsonText)]
    objects = []
    for row in rows:
        values = dict(zip(names, row, strict=True))
        for at in raw:
            text = values[names[at]]
            if isinstance(text, str):
                values[names[at]] = msgspec.Raw(text.encode())
        objects.append(values)
    return msgspec.json.encode(objects).decode()


def _from_json(table: Table, names: Sequence[str]) -> Executable:
    return insert_into(table).from_select(list(names), select(*_given(table, names).c))


def _over(table: Table, names: Sequence[str]) -> Executable:
    given = _given(table, names)
    values = {name: given.c[name] for name in names if name not in WRITTEN_ONCE}
    this_version = (table.c.id == given.c.id, table.c.version == given.c.version - 1)
    return update_table(table).where(tenancy.wall(table), *this_version).values(values).returning(table.c.id)


def _over_any(table: Table, names: Sequence[str]) -> Executable:
    given = _given(table, names)
    values = {name: given.c[name] for name in names if name != "id"}
    return update_table(table).where(tenancy.wall(table), table.c.id == given.c.id).values(values)


def _over_one(table: Table, names: Sequence[str]) -> Executable:
    values = {name: bindparam(f"c_{name}", type_=table.c[name].type) for name in names if name != "id"}
    this = table.c.id == bindparam("c_id", type_=table.c.id.type)
    return update_table(table).where(tenancy.wall(table), this).values(values)


def _given(table: Table, names: Sequence[str]) -> TableValuedAlias:
    columns = [column(name, table.c[name].type) for name in names]
    given = func.jsonb_to_recordset(bindparam("rows", type_=JsonText())).table_valued(*columns)
    return given.render_derived(name="given", with_types=True)
