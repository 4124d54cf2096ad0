"""What a migration may not do to a database in use: rules over the SQL that each revision sends.

docs/migrations.md says what to do in place of each. A revision that has to break a rule says so and why::

    BREAKS = {"drop": "Nothing has read the column since 0.3."}
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TextIO, cast

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Dialect, Result
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData

BASELINE = "0023"
"""The last revision from before the first release: no server was in use while it and those before it ran."""

_TABLE = r'(?:only )?(?:if exists )?(?:public\.)?"?(\w+)"?'
_ALTER = re.compile(rf"alter table {_TABLE} (.*)", re.DOTALL)
_CREATED = re.compile(r'create table (?:if not exists )?(?:public\.)?"?(\w+)"?')
_CREATE_INDEX = re.compile(rf"create (?:unique )?index (?!concurrently)(?:\S+ )?on {_TABLE}")
_CHANGED = re.compile(rf"(?:update|delete from) {_TABLE}")
_LOCKED = re.compile(rf"(?:lock(?: table)?|truncate(?: table)?|vacuum full|cluster|reindex table) {_TABLE}")
_STABLE = re.compile(r"(?:now\(\)|current_timestamp|transaction_timestamp\(\)|statement_timestamp\(\))")

RULES = {
    "drop": "drops or renames what servers of the release before still use: do it a release later",
    "index": "builds, drops or checks an index while nobody can write: CONCURRENTLY, in an autocommit block",
    "not-null": "reads the whole table under a lock: first VALIDATE a CHECK (… IS NOT NULL)",
    "add-not-null": "fails on a table with rows: give a default, or add the column without NOT NULL",
    "volatile-default": "writes every row under a lock: add the column, set the default, fill in batches",
    "not-valid": "checks every row under a lock: add the constraint NOT VALID, then VALIDATE it",
    "validate": "keeps the lock of the transaction's other statements meanwhile: VALIDATE in an autocommit block",
    "type": "writes every row under a lock: add another column",
    "backfill": "changes rows of every tenant in the transaction of the schema: in batches, in an autocommit block",
    "lock": "locks a whole table",
    "lock-timeout": "takes back the limit under which migrations wait for locks",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """A statement of a revision that breaks a rule."""

    revision: str
    rule: str
    statement: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.revision}: {self.rule}: {RULES[self.rule]}: {self.statement[:100]}"


@dataclass(frozen=True, slots=True)
class Sent:
    """One statement, in lower case and with single spaces, and whether it is a transaction of its own."""

    sql: str
    alone: bool


def lint(script: ScriptDirectory, after: str = BASELINE) -> list[Violation]:
    """Return what the revisions after the baseline break, oldest first."""
    revisions = [each for each in script.walk_revisions() if each.revision > after]
    return [found for each in reversed(revisions) for found in violations(each.revision, each.module)]


def violations(revision: str, module: ModuleType) -> list[Violation]:
    """Return the rules that one revision's upgrade breaks without saying so."""
    excused = getattr(module, "BREAKS", {})
    found = [(rule, sent.sql) for sent, rule in _broken(statements(module))]
    return [Violation(revision, rule, sql) for rule, sql in found if not excused.get(rule)]


class _Recorder:
    """Takes down what a revision sends: Alembic's output when it writes a script, and the connection it asks for."""

    dialect: Dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]  # reason: SQLAlchemy's own has no types

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self._alone = False

    def write(self, statement: str) -> None:
        sql = " ".join(re.sub(r"--[^\n]*", " ", statement).lower().split()).rstrip("; ")
        if sql in {"commit", "begin"}:
            # An autocommit block commits what was before it, and begins again afterwards.
            self._alone = sql == "commit"
        elif sql:
            self.sent.append(Sent(sql, self._alone))

    def flush(self) -> None:
        """Keep everything."""

    def execute(self, statement: object, *_: object) -> Result[object]:
        """Answer without rows."""
        self.write(str(statement))
        return IteratorResult(SimpleResultMetaData(["nothing"]), iter(()))

    exec_driver_sql = execute


def statements(module: ModuleType) -> list[Sent]:
    """Return what a revision's upgrade would send to PostgreSQL, without one; what it asks has no rows."""
    recorder = _Recorder()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": cast("TextIO", recorder)}
    )
    context.impl.connection = cast("Connection", recorder)
    with Operations.context(context):
        module.upgrade()
    return recorder.sent


def _broken(sent: Sequence[Sent]) -> Iterator[tuple[Sent, str]]:
    new: set[str] = set()
    validated: set[str] = set()
    for each in sent:
        if made := _CREATED.match(each.sql):
            new.add(made[1])
        elif altered := _ALTER.match(each.sql):
            table, actions = altered[1], _actions(altered[2])
            rules = [rule for action in actions for rule in _altering(action, each, validated=table in validated)]
            yield from ((each, rule) for rule in rules if table not in new)
            validated |= {table for action in actions if action.startswith("validate constraint")}
        else:
            yield from ((each, rule) for rule in _other(each, new))


def _actions(text: str) -> list[str]:
    """Return the comma-separated parts of an ALTER TABLE, commas in parentheses apart."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _altering(action: str, sent: Sent, *, validated: bool) -> Iterator[str]:
    if re.match(r"(drop (?!constraint|not null|default|expression|identity)|rename )", action):
        yield "drop"
    elif action.startswith("add constraint") or re.match(r"add (unique|primary|foreign|check|exclude)", action):
        yield from _constraint(action)
    elif action.startswith("add "):
        yield from _column(action)
    elif action.startswith("validate constraint") and not sent.alone:
        yield "validate"
    elif action.startswith("alter ") and action.endswith(" set not null") and not validated:
        yield "not-null"
    elif re.match(r"alter (column )?\S+ (set data )?type ", action):
        yield "type"


def _constraint(action: str) -> Iterator[str]:
    if re.search(r"\b(unique|primary key|exclude)\b", action):
        if "using index" not in action:
            yield "index"
    elif not action.endswith("not valid"):
        yield "not-valid"


def _column(action: str) -> Iterator[str]:
    default = re.search(r" default (.*?)(?: not null| null| constraint .*| references .*|$)", action)
    if " not null" in action and default is None:
        yield "add-not-null"
    calls = _STABLE.sub("", default[1]) if default else ""
    if re.search(r"\w+\(", calls) or re.search(r" (?:small|big)?serial\b| generated ", action):
        yield "volatile-default"


_ANYWHERE = {
    "drop": r"drop (?:table|view|function|type|sequence|schema) |alter (?:view|type|sequence) .* rename ",
    "index": r"drop index (?!concurrently)",
    "lock-timeout": r"set (?:local |session )?lock_timeout|alter role .* lock_timeout",
}
"""What is wrong on whatever table."""


def _other(sent: Sent, new: Collection[str]) -> Iterator[str]:
    yield from (rule for rule, pattern in _ANYWHERE.items() if re.match(pattern, sent.sql))
    if " index concurrently " in sent.sql and not sent.alone:
        yield "index"
    for rule, pattern in (("index", _CREATE_INDEX), ("backfill", _CHANGED), ("lock", _LOCKED)):
        found = pattern.match(sent.sql)
        if found and found[1] not in new and not (rule == "backfill" and sent.alone):
            yield rule
