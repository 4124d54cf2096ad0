"""Many rows in one statement."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Executable, Table, bindparam, column, func, select
from sqlalchemy import insert as insert_into

from infrastructure.persistence.session import Session
from infrastructure.persistence.types import JsonText


async def insert(session: Session, table: Table, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Insert rows of the named columns.

    COPY is refused under row-level security; one jsonb parameter expanded by the server is the next fastest
    form, and plain SQL. SQLite takes the rows one after the other from its own prepared statement.
    """
    if session.database.is_postgres:
        raw = [at for at, name in enumerate(names) if isinstance(table.c[name].type, JsonText)]
        statement = session.prepare(("bulk", table.name), lambda: _from_json(table, names))
        await session.rows(statement, {"rows": _encode(names, rows, raw)})
        return
    statement = session.prepare(("bulk", table.name), lambda: values_statement(table, names))
    await session.transaction.many(
        statement, [{f"c_{name}": value for name, value in zip(names, row, strict=True)} for row in rows]
    )


def values_statement(table: Table, names: Sequence[str]) -> Executable:
    """Return the insert of one row, whose parameters are the column names behind ``c_``."""
    # Inline: RETURNING the counted id would need the right to read the table, which writers of the outbox have not.
    values = {name: bindparam(f"c_{name}", type_=table.c[name].type) for name in names}
    return insert_into(table).values(values).inline()


def _encode(names: Sequence[str], rows: Sequence[Sequence[object]], raw: Sequence[int]) -> str:
    """Return a JSON array of objects; JSON columns are spliced in as the text they are."""
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
    columns = [column(name, table.c[name].type) for name in names]
    given = func.jsonb_to_recordset(bindparam("rows", type_=JsonText())).table_valued(*columns)
    source = given.render_derived(name="given", with_types=True)
    return insert_into(table).from_select(list(names), select(*source.c))
