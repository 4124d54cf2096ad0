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

NAMING = {"text", "sql", "literal_column", "DDL", "exec_driver_sql"}
"""Those that take nothing but a text, as the drivers themselves do: a name that is no constant may be anything."""

ALLOWED = {
    "persistence/database.py: f'PRAGMA {pragma}'": "From a constant list of settings of SQLite.",
    "persistence/transaction.py: f'{_JUDGED_HERE}; {_set_tenant(organization_id, person)}'": "UUID objects only.",
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
    "workers/connection.py: sql": "BEGIN, COMMIT or ROLLBACK.",
    "checks.py: sql": "A constant of the module.",
    "persistence/catalogue.py: ' UNION ALL '.join(each)": "The doctor's constant questions about the catalogue.",
}  # fmt: skip


def built(source: str, place: str) -> Iterator[str]:
    """Return what is sent as SQL and is neither constant nor compiled, as ``place: expression``."""
    tree = ast.parse(source)
    writers = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and any(_is_text(value) for value in _returned(node))
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and node.args and _name(node.func) in SENDING):
            continue
        sent = node.args[0]
        texts_only = _name(node.func) in NAMING or ast.unparse(node.func).startswith("self._driver.")
        named = texts_only and isinstance(sent, ast.Name) and not sent.id.isupper()
        written = isinstance(sent, ast.Call) and _name(sent.func) in writers
        if named or written or _is_text(sent):
            yield f"{place}: {ast.unparse(sent)}"


def _name(function: ast.expr) -> str:
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _returned(function: ast.FunctionDef) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            yield node.value


def _is_text(argument: ast.expr) -> bool:
    """Say whether an expression puts a text together from parts that are not all constant."""
    match argument:
        case ast.IfExp(body=body, orelse=orelse):
            return _is_text(body) or _is_text(orelse)
        case ast.JoinedStr(values=values):
            return not all(isinstance(value, ast.Constant) or _is_an_enums(value) for value in values)
        case ast.Call(func=function):
            return _name(function) in ("format", "join", "str", "replace", "dedent")
        case ast.BinOp(left=left, right=right):
            return any(isinstance(side, ast.Constant | ast.JoinedStr) for side in (left, right))
    return False


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
        "connection.execute(made(x))\ndef made(x):\n    return f'DELETE FROM {x}'",
    ],
)
def test_what_is_put_together_is_found(line: str) -> None:
    """Each way to build a statement is seen."""
    assert list(built(line, "x.py"))
