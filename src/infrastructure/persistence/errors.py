"""Database failures by SQLSTATE and constraint name, never by message text.

A constraint names its own domain error next to its definition (``info={"error": SkuTaken}`` in the models);
:func:`register_constraints` reads them into one table for both databases.
"""

import re
import sqlite3

import asyncpg
from sqlalchemy import CheckConstraint, Constraint, ForeignKeyConstraint, Index, MetaData, UniqueConstraint
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from application.kernel.dispatcher import TransactionAborted
from domain.shared.errors import DuplicateError, InvalidReference, StoaError, Unavailable, ValidationError


class DatabaseUnavailable(Unavailable):
    """The database refuses, times out or is out of connections."""

    code = "database_unavailable"


class ConnectionLost(DatabaseUnavailable):
    """The connection broke under a statement; the transaction is gone with it."""

    code = "database_connection_lost"


class LockTimeout(DatabaseUnavailable):
    """Another transaction held a needed row for longer than the lock timeout."""

    code = "lock_timeout"


class PoolExhausted(DatabaseUnavailable):
    """Every connection is busy and none came free within the pool timeout."""

    code = "pool_exhausted"


_BY_STATE: dict[str, type[StoaError]] = {
    "40001": TransactionAborted,
    "40P01": TransactionAborted,
    "55P03": LockTimeout,
    "57014": DatabaseUnavailable,
    "25006": DatabaseUnavailable,
    "53300": DatabaseUnavailable,
    "53100": DatabaseUnavailable,
    "57P01": ConnectionLost,
    "57P02": ConnectionLost,
    "57P03": DatabaseUnavailable,
    "25P03": ConnectionLost,
    "25P04": ConnectionLost,
}
_BY_CLASS: dict[str, type[StoaError]] = {"08": ConnectionLost, "53": DatabaseUnavailable, "57": DatabaseUnavailable}
_FALLBACK: dict[str, type[StoaError]] = {"23505": DuplicateError, "23503": InvalidReference, "23514": ValidationError}

_by_constraint: dict[str, type[StoaError]] = {}
_unique_columns: dict[str, str] = {}


def register_constraints(metadata: MetaData) -> None:
    """Learn which named error every constraint stands for, and what SQLite calls the unique ones."""
    for table in metadata.tables.values():
        items: list[Constraint | Index] = [*table.constraints, *table.indexes]
        for item in items:
            name = str(item.name)
            if isinstance(item.info.get("error"), type):
                _by_constraint[name] = item.info["error"]
            if isinstance(item, UniqueConstraint | Index):
                columns = ", ".join(f"{table.name}.{c.name}" for c in item.columns)
                _unique_columns[columns] = name
            if not isinstance(item, UniqueConstraint | Index | CheckConstraint | ForeignKeyConstraint):
                _unique_columns[", ".join(f"{table.name}.{c.name}" for c in item.columns)] = name


def translate(error: Exception) -> StoaError:
    """Return the named error for a driver or pool failure.

    Raises:
        Exception: ``error`` itself when it is not a failure of the database but a bug.
    """
    if isinstance(error, StoaError):
        return error
    if isinstance(error, PoolTimeout):
        return PoolExhausted(retry_after=1)
    if isinstance(error, DBAPIError) and isinstance(error.orig, BaseException):
        original = error.orig.__cause__ if isinstance(error.orig.__cause__, asyncpg.PostgresError) else error.orig
        return _sqlite(error.orig) if isinstance(original, sqlite3.Error) else translate(_exception(original))
    if isinstance(error, asyncpg.PostgresError):
        return _postgres(error)
    if isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError | TimeoutError):
        return ConnectionLost(retry_after=1)
    raise error


def _exception(error: BaseException) -> Exception:
    if isinstance(error, Exception):
        return error
    raise error


def _postgres(error: asyncpg.PostgresError) -> StoaError:
    state = str(getattr(error, "sqlstate", "") or "")
    named = _by_constraint.get(str(getattr(error, "constraint_name", "")))
    if named is not None:
        return named()
    known = _BY_STATE.get(state) or _BY_CLASS.get(state[:2]) or _FALLBACK.get(state)
    if known is None:
        raise error
    return known(retry_after=1) if issubclass(known, Unavailable) else known()


def _sqlite(error: BaseException) -> StoaError:
    """SQLite has no constraint names for unique keys and no message-free way to tell; its texts are fixed."""
    message = str(error)
    if unique := re.fullmatch(r"UNIQUE constraint failed: (.+)", message):
        name = _unique_columns.get(unique[1]) or unique[1].removeprefix("index '").removesuffix("'")
        return _by_constraint.get(name, DuplicateError)()
    if check := re.fullmatch(r"CHECK constraint failed: (\w+)", message):
        return _by_constraint.get(check[1], ValidationError)()
    if message == "FOREIGN KEY constraint failed":
        return InvalidReference()
    if isinstance(error, sqlite3.OperationalError):
        return DatabaseUnavailable(retry_after=1)
    raise error
