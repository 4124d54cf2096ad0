"""Roles for which the walls mean nothing do not get to start."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from infrastructure.lifecycle import opened
from infrastructure.persistence import guard
from infrastructure.persistence.connecting import administrator_engine
from infrastructure.persistence.database import Database
from infrastructure.settings import load_settings
from tests.support.databases import TestDatabases
from tests.support.readme import free_port
from tests.support.stack import Stack

type MakeRole = Callable[[str], Awaitable[Database]]


@pytest.fixture
async def connect_as(pg_stack: Stack, test_databases: TestDatabases) -> AsyncIterator[MakeRole]:
    """Make a role and connect as it; the role and what it owns are gone afterwards."""
    superuser, role = administrator_engine(pg_stack.urls.superuser), f"t_role_{os.getpid()}"
    name = make_url(pg_stack.urls.app).database
    assert name is not None
    database = Database(test_databases.cluster.url(name, role))

    async def run(sql: str) -> None:
        async with superuser.begin() as connection:
            for statement in sql.format(role=role).split(";"):
                await connection.execute(text(statement))

    async def make(sql: str) -> Database:
        await run(f"CREATE ROLE {{role}} LOGIN; {sql}")
        return database

    yield make
    await database.dispose()
    await run("DROP OWNED BY {role}; DROP ROLE {role}")
    await superuser.dispose()


PRIVILEGES = {
    "is a superuser": "ALTER ROLE {role} SUPERUSER",
    "bypasses row security": "ALTER ROLE {role} BYPASSRLS",
    "may create roles": "ALTER ROLE {role} CREATEROLE",
    "may create databases": "ALTER ROLE {role} CREATEDB",
    "owns tables": "CREATE TABLE owned (x int); ALTER TABLE owned OWNER TO {role}",
    "is a member of another role": "GRANT stoa_owner TO {role}",
    "has row_security off": "ALTER ROLE {role} SET row_security = off",
}


@pytest.mark.parametrize("reason", PRIVILEGES)
async def test_a_role_that_walks_through_walls_is_refused(connect_as: MakeRole, reason: str) -> None:
    """Each privilege by itself stops the start, and the message names it with the setting to change."""
    database = await connect_as(PRIVILEGES[reason])
    with pytest.raises(guard.PrivilegedRole, match=f"STOA_DATABASE_URL: the role .* {reason}"):
        await guard.refuse_privileged_role(database, "STOA_DATABASE_URL")


async def test_a_plain_role_is_let_in(connect_as: MakeRole, pg_stack: Stack) -> None:
    """A role without privileges starts, and so do all of ours."""
    plain = await connect_as("SELECT 1")
    for database in (plain, pg_stack.database, pg_stack.relay_database, pg_stack.sealer_database):
        await guard.refuse_privileged_role(database, "STOA_DATABASE_URL")


@pytest.mark.parametrize("setting", ["STOA_DATABASE_URL", "STOA_RELAY_DATABASE_URL", "STOA_SEALER_DATABASE_URL"])
@pytest.mark.parametrize("reason", PRIVILEGES)
async def test_no_start_as_such_a_role(
    connect_as: MakeRole, pg_stack: Stack, tmp_path: Path, reason: str, setting: str
) -> None:
    """Neither server nor worker opens with it, whichever of the three roles it stands in for."""
    await connect_as(PRIVILEGES[reason])
    privileged = pg_stack.urls.app.replace("stoa_app", f"t_role_{os.getpid()}", 1)
    urls = {"STOA_DATABASE_URL": pg_stack.urls.app, setting: privileged}
    settings = load_settings({**urls, "STOA_DATA_DIR": str(tmp_path)})
    with pytest.raises(guard.PrivilegedRole, match=f"{setting}: the role .* {reason}"):
        async with opened(settings, work=True):
            pass


async def test_the_process_itself_ends_with_one_line(pg_stack: Stack, tmp_path: Path) -> None:
    """`stoa serve` as a superuser exits with the code of a start that is refused."""
    variables = {
        **os.environ, "STOA_DATABASE_URL": pg_stack.urls.superuser, "STOA_DATA_DIR": str(tmp_path),
        "STOA_PORT": str(free_port()),
    }  # fmt: skip
    command = [str(Path(sys.executable).with_name("stoa")), "serve"]
    done = await asyncio.to_thread(subprocess.run, command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: STOA_DATABASE_URL: the role postgres is a superuser")
    assert len(done.stderr.splitlines()) == 1
