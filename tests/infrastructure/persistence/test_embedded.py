"""The embedded PostgreSQL against real folders, real processes and real kills."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from infrastructure.persistence.embedded import EmbeddedPostgres, EmbeddedPostgresError

type Manage = Callable[[Path], EmbeddedPostgres]

START = """
import pathlib, sys
from infrastructure.persistence.embedded import EmbeddedPostgres
manager = EmbeddedPostgres(pathlib.Path(sys.argv[1]))
manager.start()
manager.ensure_database("stoa")
"""


@pytest.fixture
def manage() -> Iterator[Manage]:
    """Make managers whose servers are stopped when the test ends."""
    made: list[EmbeddedPostgres] = []

    def make(data_dir: Path) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(data_dir))
        return made[-1]

    yield make
    for manager in made:
        manager.stop()


async def run(manager: EmbeddedPostgres, *statements: str, database: str = "stoa") -> object:
    """Return the first value of the last statement."""
    connection = await asyncpg.connect(manager.url(database, "postgres"))
    try:
        value: object = None
        for statement in statements:
            value = await connection.fetchval(statement)
        return value
    finally:
        await connection.close()


def started(manager: EmbeddedPostgres) -> EmbeddedPostgres:
    manager.start()
    manager.ensure_database("stoa")
    return manager


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "pg" / "postmaster.pid").read_text().split()[0])


async def insert_until_killed(manager: EmbeddedPostgres, pid: int) -> int:
    """Insert rows one by one, kill the postmaster on the way and return how many rows were acknowledged."""
    connection, acked = await asyncpg.connect(manager.url(user="postgres")), 0
    # asyncpg reports a backend that vanishes between two statements as an internal error of its own.
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        while True:
            await connection.execute("INSERT INTO acked VALUES ($1)", acked)
            acked += 1
            if acked == 100:
                os.kill(pid, signal.SIGKILL)
    connection.terminate()
    return acked


def start_elsewhere(data_dir: Path) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-W", "error", "-c", START, str(data_dir))
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, stderr=subprocess.PIPE)


async def test_data_survives_a_stop_and_a_second_manager_attaches(tmp_path: Path, manage: Manage) -> None:
    """Rows are there after a restart, and attaching to a running server is immediate."""
    first = manage(tmp_path / "data")
    assert not first.running
    started(first)
    await run(first, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")

    second, before = manage(tmp_path / "data"), time.perf_counter()
    second.start()
    assert time.perf_counter() - before < 0.5
    assert await run(second, "SELECT n FROM kept") == 7

    second.stop()
    assert not first.running
    first.start()
    assert await run(first, "SELECT n FROM kept") == 7


async def test_it_is_a_utf8_postgres_18_on_a_private_unix_socket(tmp_path: Path, manage: Manage) -> None:
    """Locale, time zone and walls are the same on every machine, whatever its environment says."""
    manager = started(manage(tmp_path))
    facts = "current_setting('listen_addresses') || current_setting('server_encoding') || current_setting('TimeZone')"
    assert await run(manager, f"SELECT {facts}") == "UTF8UTC"
    assert str(await run(manager, "SHOW server_version")).startswith("18.")
    provider = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'stoa'"
    assert await run(manager, provider) == "bC.UTF-8"
    assert await run(manager, "SELECT 'école' = ANY (tsvector_to_array(to_tsvector('simple', 'l—ÉCOLE')))") is True
    assert await run(manager, "SHOW fsync") == "on"
    assert stat.S_IMODE((tmp_path / "pg").stat().st_mode) == 0o700


async def test_a_fast_server_starts_over_what_an_interrupted_start_left(tmp_path: Path) -> None:
    """A half-made cluster is made anew, and a server for tests does not wait for the disk."""
    (tmp_path / "pg.new").mkdir()
    (tmp_path / "pg.new" / "half").write_text("")
    manager = EmbeddedPostgres(tmp_path, fast=True)
    manager.start()
    try:
        assert await run(manager, "SHOW fsync", database="postgres") == "off"
    finally:
        manager.stop()


async def test_sqlalchemy_takes_the_url_too(tmp_path: Path, manage: Manage) -> None:
    """The URL needs only its scheme changed."""
    manager = started(manage(tmp_path))
    url = manager.url(user="postgres").replace("postgresql:", "postgresql+asyncpg:", 1)
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT current_database()"))).scalar_one() == "stoa"
    await engine.dispose()


async def test_databases_are_created_once_copied_and_dropped(tmp_path: Path, manage: Manage) -> None:
    """Inside a running event loop and from several threads at once, one database comes of it."""
    manager = started(manage(tmp_path))
    await run(manager, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    await asyncio.gather(*(asyncio.to_thread(manager.ensure_database, 'odd "name') for _ in range(4)))
    manager.ensure_database("copy", template="stoa")
    assert await run(manager, "SELECT n FROM kept", database="copy") == 7

    manager.drop_database("copy")
    manager.drop_database("copy")
    count = "SELECT count(*) FROM pg_database WHERE datname IN ('copy', 'odd \"name')"
    assert await run(manager, count) == 1
    with pytest.raises(EmbeddedPostgresError, match='template database "absent" does not exist'):
        manager.ensure_database("copy", template="absent")


async def test_three_processes_race_on_a_fresh_folder(tmp_path: Path, manage: Manage) -> None:
    """All of them succeed with one server, which outlives them in a session of its own."""
    racers = [start_elsewhere(tmp_path / "fresh") for _ in range(3)]
    for racer in racers:
        _, errors = racer.communicate(timeout=20)
        assert (racer.returncode, errors) == (0, b"")
    manager = manage(tmp_path / "fresh")
    assert manager.running
    assert await run(manager, "SELECT 1") == 1
    assert os.getsid(postmaster(tmp_path / "fresh")) not in {os.getsid(0), *(racer.pid for racer in racers)}


async def test_a_killed_server_comes_back_with_every_acknowledged_row(tmp_path: Path, manage: Manage) -> None:
    """Kill -9 while rows are inserted loses none that was acknowledged, and start() mends what is left behind."""
    manager = started(manage(tmp_path))
    await run(manager, "CREATE TABLE acked (n int)")
    pid = postmaster(tmp_path)
    acked = await insert_until_killed(manager, pid)
    manager.start()
    assert postmaster(tmp_path) != pid
    found = await run(manager, "SELECT count(*) FROM acked")
    # The last insert may have been committed without its answer reaching us.
    assert acked >= 100
    assert found in (acked, acked + 1)


def test_a_pid_given_to_another_program_is_not_believed(tmp_path: Path, manage: Manage) -> None:
    """A pid file left by a crash that names a living stranger neither blocks the start nor harms the stranger."""
    manager = started(manage(tmp_path))
    left_behind = (tmp_path / "pg" / "postmaster.pid").read_text().splitlines()
    manager.stop()
    with subprocess.Popen(("sleep", "60")) as stranger:
        (tmp_path / "pg" / "postmaster.pid").write_text("\n".join([str(stranger.pid), *left_behind[1:], ""]))
        manager.stop()
        manager.start()
        assert manager.running
        assert stranger.poll() is None
        stranger.terminate()


def test_folders_above_keep_their_modes(tmp_path: Path, manage: Manage) -> None:
    """Nothing outside the data folder is made more accessible for the server's sake."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    above = [private, *private.parents, Path(sys.prefix)]
    before = [folder.stat().st_mode for folder in above]
    started(manage(private / "data"))
    assert [folder.stat().st_mode for folder in above] == before
    assert (private / "data" / "pg").stat().st_uid == os.geteuid()


@pytest.mark.parametrize("name", ["long" * 40, 'o,d"d $(x) né'])
async def test_a_folder_unfit_for_a_socket_gets_a_short_private_one(tmp_path: Path, manage: Manage, name: str) -> None:
    """Long and strange paths work, and the short folder goes away with the server."""
    manager = started(manage(tmp_path / name))
    assert await run(manager, "SELECT 1") == 1
    home = manager._socket_dir()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    manager.stop()
    assert not home.exists()


def test_a_short_folder_somebody_else_prepared_is_refused(tmp_path: Path, manage: Manage) -> None:
    """A folder others may enter is not where the server listens."""
    manager = manage(tmp_path / ("long" * 40))
    home = manager._socket_home()
    home.mkdir(mode=0o755)
    try:
        with pytest.raises(EmbeddedPostgresError, match="not a private folder"):
            manager.start()
    finally:
        home.rmdir()


def test_a_file_in_place_of_the_folder_is_told_in_one_line(tmp_path: Path) -> None:
    """A data folder that is no folder ends in one sentence."""
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedPostgresError, match=r"^Cannot use the data folder .*file: File exists\.$"):
        EmbeddedPostgres(tmp_path / "file").start()
    with pytest.raises(EmbeddedPostgresError, match=r"^Cannot run .*createdb in .*: Not a directory\.$"):
        EmbeddedPostgres(tmp_path / "file").ensure_database("stoa")


def test_an_unreadable_folder_is_told_in_one_line(tmp_path: Path) -> None:
    """A folder that may not be entered ends in one sentence, even for root, whose server is not root."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    with pytest.raises(EmbeddedPostgresError, match=r"^[^\n]*Permission denied[^\n]*$"):
        EmbeddedPostgres(closed).start()
    closed.chmod(0o700)


def test_data_of_another_major_version_is_left_alone(tmp_path: Path) -> None:
    """An old cluster is named, not touched."""
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match="was made by PostgreSQL 16, not 18"):
        EmbeddedPostgres(tmp_path).start()


def test_a_start_that_fails_gives_the_last_log_line(tmp_path: Path, manage: Manage) -> None:
    """What PostgreSQL says about its own configuration is what the person reads."""
    manager = manage(tmp_path)
    manager.start()
    manager.stop()
    with (tmp_path / "pg" / "postgresql.conf").open("a") as configuration:
        configuration.write("nonsense = on\n")
    with pytest.raises(EmbeddedPostgresError, match=r'configuration file "[^"]*postgresql\.conf" contains errors$'):
        manager.start()


def test_stopping_what_never_ran_does_nothing(tmp_path: Path) -> None:
    """stop() on a fresh folder is silent and creates nothing."""
    EmbeddedPostgres(tmp_path / "absent").stop()
    assert not (tmp_path / "absent").exists()
