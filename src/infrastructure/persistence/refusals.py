"""What a database says when it cannot even be entered, in words that name the setting."""

import sqlite3
import ssl
from collections.abc import Iterator

import asyncpg

from application.kernel.start_error import StartError
from domain.shared.errors import Unavailable
from infrastructure.persistence.errors import translate

_BY_STATE = {
    "28000": "the database does not know this role; `stoa db upgrade` makes the roles",
    "28P01": "the database refuses the password",
    "3D000": "the server has no such database",
    "55P03": "another transaction kept a lock for longer than is waited for; run it again",
    "42501": "this role may not use Stoa's tables; is it the one the README names?",
}


class DatabaseRefused(StartError):
    """The database is there and cannot be used as the setting says."""


class DatabaseInsecure(DatabaseRefused):
    """The connection could not be made as safe as the URL demands."""


class DatabaseDown(StartError):
    """The database does not answer."""

    exit_code = 6


def entering(error: Exception, setting: str) -> Exception:
    """Return the error of a failed entry as one line that names the setting, or what ``translate`` makes of it.

    Raises:
        Exception: ``error`` itself when it is a bug.
    """
    for cause in _chain(error):
        if isinstance(cause, StartError):
            return cause
        if isinstance(cause, sqlite3.Error):
            return DatabaseRefused(f"{setting}: cannot be used as a SQLite database ({cause}).")
        if reason := _insecure(cause):
            return DatabaseInsecure(f"{setting}: {reason}.")
        state = getattr(cause, "sqlstate", None) if isinstance(cause, asyncpg.PostgresError) else None
        if state in _BY_STATE:
            return DatabaseRefused(f"{setting}: {_BY_STATE[state]}.")
    named = translate(error)
    return DatabaseDown(f"{setting}: the database does not answer.") if isinstance(named, Unavailable) else named


def _insecure(cause: BaseException) -> str:
    """Say what is wrong with the connection's encryption, if that is what failed."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the database's certificate is not to be trusted ({cause.verify_message.rstrip('.')})"
    if isinstance(cause, ssl.SSLError):
        return f"the connection cannot be encrypted ({cause.reason})"
    if isinstance(cause, ConnectionError) and "rejected SSL upgrade" in str(cause):
        return "the database refuses to encrypt the connection, which sslmode demands"
    if isinstance(cause, asyncpg.ClientConfigurationError) and "root certificate" in str(cause):
        return "sslmode needs sslrootcert=…, the file of the certificate authorities to trust"
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Walk from the outermost wrapping to the driver's own error."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or getattr(seen, "orig", None) or getattr(seen, "driver_exception", None)
