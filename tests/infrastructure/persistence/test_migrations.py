"""The schema's way up and down, on both databases."""

import asyncio
import fcntl
import io
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, inspect, text

from application.kernel.start_error import StartError
from infrastructure.persistence import guard, migrations
from infrastructure.persistence.connecting import administrator_engine
from infrastructure.persistence.database import Database
from infrastructure.persistence.models.base import Base
from tests.support.databases import ROOT, TestDatabases

STEPS = [step.revision for step in ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).walk_revisions()][::-1]


@pytest.fixture
async def url(engine: str, test_databases: TestDatabases, tmp_path: Path) -> AsyncIterator[str]:
    """Make a database without a schema."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    cluster, name = test_databases.cluster, f"t_{os.getpid()}_migrations"
    # Roles are the cluster's, so whoever migrates beside this run has to wait.
    with (ROOT / ".stoa" / "test" / "template.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cluster.start()
        cluster.ensure_database(name)
        yield cluster.url(name, "postgres")
        cluster.drop_database(name)


async def tables(url: str) -> set[str]:
    """Return the names of the database's tables."""
    engine = administrator_engine(url)
    async with engine.connect() as connection:
        found = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    await engine.dispose()
    return set(found)


async def leftovers(url: str) -> list[str]:
    """Return our functions, triggers and policies of a PostgreSQL database."""
    engine = administrator_engine(url)
    async with engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
                "UNION ALL SELECT polname FROM pg_policy UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
            )
        )
        names = list(found.scalars())
    await engine.dispose()
    return names


async def test_every_step_goes_up_down_and_up_again(url: str) -> None:
    """A stairway: no revision is a dead end, and every downgrade undoes exactly its upgrade."""
    assert await migrations.current(url) is None
    below: str | None = None
    before: set[str] = set()
    for step in STEPS:
        await migrations.upgrade(url, step)
        assert await migrations.current(url) == step
        after = await tables(url)
        await migrations.downgrade(url, below or "base")
        assert await migrations.current(url) == below
        assert await tables(url) - {"alembic_version"} == before - {"alembic_version"}
        await migrations.upgrade(url, step)
        assert await tables(url) == after
        below, before = step, after
    assert below == migrations.head()


async def test_the_models_and_the_migrations_agree(url: str) -> None:
    """At the newest revision the models would change nothing, and checks bear the names that errors go by."""
    await migrations.upgrade(url)
    assert await migrations.differences(url) is None
    engine = administrator_engine(url)
    async with engine.connect() as connection:
        stored = await connection.run_sync(_checks)
    await engine.dispose()
    assert stored == {
        str(check.name)
        for table in Base.metadata.tables.values()
        for check in table.constraints
        if isinstance(check, CheckConstraint)
    }


def _checks(connection: Connection) -> set[str]:
    found = inspect(connection)
    return {str(check["name"]) for table in found.get_table_names() for check in found.get_check_constraints(table)}


async def test_going_all_the_way_down_leaves_nothing(url: str, engine: str) -> None:
    """Only Alembic's own table stays; functions, triggers and policies are gone with the others."""
    await migrations.upgrade(url)
    await migrations.downgrade(url, "base")
    assert await tables(url) - {"sqlite_sequence"} == {"alembic_version"}
    if engine == "postgres":
        assert await leftovers(url) == []
    await migrations.upgrade(url)
    assert await migrations.current(url) == migrations.head()


async def test_a_schema_of_another_revision_is_refused(url: str) -> None:
    """None, too old or too new: serving starts at exactly the revision of the code."""

    async def refused(wanted: str) -> None:
        database = Database(url)
        with pytest.raises(guard.SchemaOutOfDate, match=wanted):
            await guard.refuse_other_schema(database)
        await database.dispose()

    await refused("at migration none")
    await migrations.upgrade(url, STEPS[0])
    await refused(f"at migration {STEPS[0]}")
    await migrations.upgrade(url)
    database = Database(url)
    await guard.refuse_other_schema(database)
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.dispose()
    await refused("at migration 9999")


ADDED = """
from alembic import op

revision, down_revision = "9999", "{head}"


def upgrade() -> None:
    op.execute("ALTER TABLE products ADD CONSTRAINT added CHECK (version > 0) NOT VALID")
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE products VALIDATE CONSTRAINT added")
        op.execute("CREATE INDEX CONCURRENTLY ix_added ON products (organization_id, name)")
"""


@pytest.fixture
def behind(test_databases: TestDatabases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a database, and then one revision more, of the kind that docs/migrations.md shows."""
    url = test_databases.postgres().superuser
    shutil.copytree(ROOT / "alembic", tmp_path / "alembic", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "alembic/versions/9999_added.py").write_text(ADDED.format(head=migrations.head()))
    config = Config(ROOT / "alembic.ini", stdout=io.StringIO())
    config.set_main_option("script_location", str(tmp_path / "alembic"))
    monkeypatch.setattr(migrations, "_config", lambda: config)
    return url


async def test_a_revision_may_leave_its_transaction_for_a_while(behind: str) -> None:
    """What has to be done beside the work of others is done outside of any transaction, and the rest goes on."""
    assert migrations.broken_rules() is None
    await migrations.upgrade(behind)
    assert await migrations.current(behind) == "9999"
    connection = await asyncpg.connect(behind)
    assert await connection.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_added'::regclass")
    assert await connection.fetchval("SELECT convalidated FROM pg_constraint WHERE conname = 'added'")
    await connection.close()


async def test_a_migration_that_cannot_have_its_lock_gives_up_and_changes_nothing(behind: str) -> None:
    """Otherwise everybody who comes after it would wait too; run again, it goes through."""
    before = await migrations.current(behind)
    reader = await asyncpg.connect(behind)
    transaction = reader.transaction()
    await transaction.start()
    await reader.execute("SELECT count(*) FROM products")
    async with asyncio.timeout(30):
        with pytest.raises(StartError, match="kept a lock for longer than is waited for; run it again"):
            await migrations.upgrade(behind)
    await transaction.rollback()
    assert await migrations.current(behind) == before
    assert not await reader.fetchval("SELECT count(*) FROM pg_constraint WHERE conname = 'added'")
    await reader.close()
    await migrations.upgrade(behind)
    assert await migrations.current(behind) == "9999"
