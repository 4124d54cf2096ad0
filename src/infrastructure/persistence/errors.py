"""Database failures by SQLSTATE and constraint name, never by message text.

A constraint names its own domain error next to its definition (``info={"error": SkuTaken}`` in the models);
:func:`register_constraints` reads them into one table for both databases.
"""

import sqlite3

import asyncpg
from sqlalchemy import Constraint, Index, MetaData, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.exc import DBAPIError, EmulatedDBAPIException
from sqlalchemy.exc import TimeoutError as PoolTimeout

from application.kernel.dispatcher import TransactionAborted
from domain.shared.errors import (
    Conflict,
    DuplicateError,
    EntityAlreadyExistsError,
    InsufficientPermissions,
    InvalidReference,
    StoaError,
    Unavailable,
    ValidationError,
)


class DatabaseUnavailable(Unavailable):
    """The database refuses, times out or is out of connections."""

    code = "database_unavailable"


class DatabaseUnreachable(DatabaseUnavailable):
    """No connection could be made: refused, unreachable, not in time, or broken off before it was ready."""

    code = "database_unreachable"


class ConnectionLost(DatabaseUnavailable):
    """The connection broke under a statement; the transaction is gone with it."""

    code = "database_connection_lost"


class DatabaseSilent(ConnectionLost):
    """No answer came before our own deadline; asking again would wait as long again."""

    code = "database_silent"


class StatementTimeout(DatabaseUnavailable):
    """The database ended a statement that took longer than the role may take."""

    code = "statement_timeout"


class DatabaseReadOnly(DatabaseUnavailable):
    """The database takes no changes: a standby, or a server that was set so. Reading goes on."""

    code = "database_read_only"


class DatabaseFull(DatabaseUnavailable):
    """The database has no room for changes. Reading goes on."""

    code = "database_full"


class LockTimeout(DatabaseUnavailable):
    """Another transaction held a needed row for longer than the lock timeout."""

    code = "lock_timeout"


class StillReferenced(Conflict):
    """Another aggregate refers to the one that is to be deleted for good."""

    code = "still_referenced"
    summary = "The resource is still in use."


class PoolExhausted(DatabaseUnavailable):
    """Every connection is busy and none came free within the pool timeout."""

    code = "pool_exhausted"


_BY_STATE: dict[str, type[StoaError]] = {
    "42501": InsufficientPermissions,
    "40001": TransactionAborted,
    "40P01": TransactionAborted,
    "55P03": LockTimeout,
    "57014": StatementTimeout,
    "25006": DatabaseReadOnly,
    "53100": DatabaseFull,
    "57P01": ConnectionLost,
    "57P02": ConnectionLost,
    "57P03": DatabaseUnreachable,
    "57P05": ConnectionLost,
    "25P03": ConnectionLost,
    "25P04": ConnectionLost,
}
# Connections, resources, an operator's intervention, and the server's own system.
_BY_CLASS: dict[str, type[StoaError]] = {
    "08": ConnectionLost, "53": DatabaseUnavailable, "57": DatabaseUnavailable, "58": DatabaseUnavailable,
}  # fmt: skip
_FALLBACK: dict[str, type[StoaError]] = {"23505": DuplicateError, "23503": InvalidReference, "23514": ValidationError}

# The beginnings of SQLite's result codes that say "not now" and not "wrong".
_SQLITE_AWAY = (
    "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_FULL", "SQLITE_CANTOPEN",
    "SQLITE_INTERRUPT", "SQLITE_PROTOCOL",
)  # fmt: skip

_by_constraint: dict[str, type[StoaError]] = {}
# SQLite tells of a broken unique key by its columns ("products.organization_id, products.sku").
_by_columns: dict[str, str] = {}


def register_constraints(metadata: MetaData) -> None:
    """Learn which named error every constraint stands for, and what SQLite calls the unique ones."""
    for table in metadata.tables.values():
        items: list[Constraint | Index] = [*table.constraints, *table.indexes]
        for item in items:
            name = str(item.name)
            error = item.info.get("error", EntityAlreadyExistsError if isinstance(item, PrimaryKeyConstraint) else None)
            if error is not None:
                _by_constraint[name] = error
            if isinstance(item, PrimaryKeyConstraint | UniqueConstraint) or (isinstance(item, Index) and item.unique):
                _by_columns[", ".join(f"{table.name}.{column.name}" for column in item.columns)] = name


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
        # SQLAlchemy's adapter wraps asyncpg's error in one of its own.
        cause = error.orig.__cause__ if isinstance(error.orig.__cause__, asyncpg.PostgresError) else error.orig
        if not isinstance(cause, Exception):
            raise cause
        return translate(cause)
    if isinstance(error, EmulatedDBAPIException) and isinstance(error.driver_exception, Exception):
        # A connection that breaks while SQLAlchemy sets it up comes in the adapter's clothes alone.
        return translate(error.driver_exception)
    if isinstance(error, sqlite3.Error):
        return _sqlite(error)
    if isinstance(error, asyncpg.PostgresError):
        return _postgres(error)
    if isinstance(error, TimeoutError):
        return DatabaseSilent(retry_after=1)
    if isinstance(error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError):
        return ConnectionLost(retry_after=1)
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


def _sqlite(error: sqlite3.Error) -> StoaError:
    kind = getattr(error, "sqlite_errorname", "")  # unknown to the errors that the driver itself makes up
    _, _, broken = str(error).partition("constraint failed: ")
    match kind:
        case "SQLITE_CONSTRAINT_UNIQUE" | "SQLITE_CONSTRAINT_PRIMARYKEY":
            return _by_constraint.get(_by_columns.get(broken, ""), DuplicateError)()
        case "SQLITE_CONSTRAINT_CHECK":
            return _by_constraint.get(broken, ValidationError)()
        case "SQLITE_CONSTRAINT_FOREIGNKEY":
            return InvalidReference()
    if kind.startswith(_SQLITE_AWAY):
        return DatabaseUnavailable(retry_after=1)
    raise error
