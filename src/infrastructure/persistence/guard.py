"""Start-up checks of the database: the role's privileges and the schema's revision."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from application.kernel.start_error import StartError
from infrastructure.persistence.database import Database
from infrastructure.persistence.refusals import entering
from infrastructure.persistence.revision import head

_ROLE = """
SELECT current_user AS role, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb,
    exists(SELECT FROM pg_class WHERE relowner = r.oid) AS owner,
    exists(SELECT FROM pg_auth_members WHERE member = r.oid) AS member,
    current_setting('row_security') = 'off' AS unsecured
FROM pg_roles r WHERE r.rolname = current_user
"""
_PRIVILEGES = {
    "rolsuper": "is a superuser",
    "rolbypassrls": "bypasses row security",
    "rolcreaterole": "may create roles",
    "rolcreatedb": "may create databases",
    "owner": "owns tables",
    "member": "is a member of another role",
    "unsecured": "has row_security off",
}


class PrivilegedRole(StartError):
    """The database role could walk around the walls between tenants."""


class SchemaOutOfDate(StartError):
    """The database is not at the revision this code was written for."""


async def refuse_privileged_role(database: Database, setting: str) -> None:
    """Refuse to work as a role for which row security means nothing.

    Raises:
        PrivilegedRole: superuser, owner, member of another role, BYPASSRLS or row_security off.
        DatabaseRefused: the role, the password or the database is wrong.
        DatabaseDown: the database does not answer.
    """
    if not database.is_postgres:
        return
    async with _connection(database, setting) as connection:
        row = (await connection.execute(text(_ROLE))).mappings().one()
    found = [reason for column, reason in _PRIVILEGES.items() if row[column]]
    if found:
        raise PrivilegedRole(
            f"{setting}: the role {row['role']!s} {' and '.join(found)}; use stoa_app (see the README)."
        )


async def revision(database: Database, setting: str = "STOA_DATABASE_URL") -> str | None:
    """Return the schema's revision as the application's role sees it; None before the first."""
    async with _connection(database, setting) as connection:
        if not await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version")):
            return None
        found = await connection.execute(text("SELECT max(version_num) FROM alembic_version"))
        return cast("str | None", found.scalar_one())


async def refuse_other_schema(database: Database, setting: str = "STOA_DATABASE_URL") -> None:
    """Refuse to serve on a schema of another revision.

    Raises:
        SchemaOutOfDate: it is older or newer than the code.
    """
    at, wanted = await revision(database, setting), head()
    if at != wanted:
        raise SchemaOutOfDate(
            f"The database is at migration {at or 'none'}, this code needs {wanted}: run `stoa db upgrade`."
        )


@asynccontextmanager
async def _connection(database: Database, setting: str) -> AsyncIterator[AsyncConnection]:
    try:
        async with database.apart() as connection:
            yield connection
    except Exception as error:
        raise entering(error, setting) from error
