"""No statement is built from text: what is sent is constant, compiled, or on a list with its reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src"
SENDING = {
    *("text", "sql", "literal_column", "DDL", "exec_driver_sql", "execute", "executemany", "executescript"),
    *("fetch", "fetchrow", "fetchval"),
}
"""Functions whose first argument is SQL; ``sql`` is what SQLAlchemy's ``text`` is called where ``text`` is a type."""

ALLOWED = {
    "persistence/database.py: f'PRAGMA {pragma}'": "From a constant list of settings of SQLite.",
    "persistence/transaction.py: f'BEGIN{mode}; {_set_tenant(organization_id, person)}'": "UUID objects only.",
    "persistence/transaction.py: f'{_JUDGED_HERE}; {_set_tenant(organization_id, person)}'": "The same.",
    "persistence/tenancy.py: f'ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY'": "Migrations, of their own tables.",
    "persistence/tenancy.py: f'ALTER TABLE {table} FORCE ROW LEVEL SECURITY'": "The same.",
    "persistence/reporting/recount.py: f'LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE'": "A table of ours.",
    "persistence/reporting/sources.py: str(BASE)": "A constant number.",
    "persistence/mail_limits.py: _TAKE.format(schema='', wanted=':wanted', at=':at')": "Constants; values are bound.",
    "persistence/sign_ins.py: COUNT_ATTEMPT.format(schema='', wanted=':wanted', at=':at')": "The same.",
    "persistence/sign_ins.py: READ_LOCK.format(schema='', wanted=':wanted')": "The same.",
    "persistence/sign_ins.py: f'{FORGIVE.format(schema='', wanted=':wanted')} OR {FORGOTTEN.format(at=':at')}'": ".",
    "persistence/repositories/task_statements.py: str(limit)": "An integer of a checked command.",
    "persistence/repositories/books.py: sql": "One of two constants of the module.",
    "persistence/models/mandates.py: where": "A constant condition of an index.",
    "persistence/models/payments.py: where": "A constant condition of an index.",
    "persistence/models/wallet_transactions.py: where": "A constant condition of an index.",
    "checks.py: sql": "A constant of the module.",
    "persistence/catalogue.py: ' UNION ALL '.join(each)": "The doctor's constant questions about the catalogue.",
}  # fmt: skip


def built(source: str, place: str) -> Iterator[str]:
    """Return what is sent as SQL and is neither constant nor compiled, as ``place: expression``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and _name(node.func) in SENDING and _is_built(node.args[0], node):
            yield f"{place}: {ast.unparse(node.args[0])}"


def _name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _is_built(argument: ast.expr, call: ast.Call) -> bool:
    match argument:
        case ast.Constant() | ast.Attribute():  # what a statement was compiled to is an attribute of it
            return False
        case ast.Name(id=name):
            # A statement of SQLAlchemy may have any name; a text that has one is a constant of a module.
            return not name.isupper() and _name(call.func) in (
                "text",
                "sql",
                "literal_column",
                "DDL",
                "exec_driver_sql",
            )
        case ast.IfExp(body=body, orelse=orelse):
            return _is_built(body, call) or _is_built(orelse, call)
        case ast.JoinedStr(values=values):
            return not all(isinstance(value, ast.Constant) or _is_an_enums(value) for value in values)
        case ast.Call(func=function):
            return _name(function) in ("format", "join", "str", "replace", "dedent")
    return isinstance(argument, ast.BinOp)


def _is_an_enums(value: ast.expr) -> bool:
    """Say whether a part of a text is the value of a state that the code knows."""
    return isinstance(value, ast.FormattedValue) and ast.unparse(value.value).endswith((".value",))


def everything_built() -> set[str]:
    """Return all that is built in the source."""
    files = [path for folder in ("infrastructure", "interfaces") for path in sorted((SRC / folder).rglob("*.py"))]
    places = {path: path.relative_to(SRC).as_posix().removeprefix("infrastructure/") for path in files}
    return {each for path in files for each in built(path.read_text("utf-8"), places[path])}


def test_nothing_is_sent_that_was_put_together() -> None:
    """Every place is known and has a reason; a place that is gone leaves the list."""
    assert everything_built() == ALLOWED.keys()


@pytest.mark.parametrize(
    "line",
    [
        "connection.execute(f'SELECT * FROM {table}')",
        "connection.execute('SELECT ' + column)",
        "connection.fetch('SELECT %s' % column)",
        "text('SELECT {}'.format(column))",
        "text(wanted)",
        "sql(' OR '.join(conditions))",
        "literal_column(sort)",
        "connection.exec_driver_sql(given)",
        "connection.execute(f'DELETE FROM x' if sure else f'DELETE FROM {x}')",
    ],
)
def test_what_is_put_together_is_found(line: str) -> None:
    """Each way to build a statement is seen."""
    assert list(built(line, "x.py"))
