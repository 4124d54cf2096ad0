"""A PostgreSQL of the benchmark's own, on a core of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from benchmarks.measure import progress
from benchmarks.pinning import CLIENT_CORE, SERVER_CORE, pin
from benchmarks.seed import Seeded, seed
from infrastructure.persistence import migrations
from infrastructure.persistence.embedded import EmbeddedPostgres

DATABASE = "bench"


@dataclass(frozen=True, slots=True)
class Ground:
    """A seeded database as its roles see it. The folder is for sockets and other things that end with the run."""

    app: str
    relay: str
    sealer: str
    superuser: str
    seeded: Seeded
    folder: Path
    pinned: bool


@contextmanager
def cluster() -> Iterator[EmbeddedPostgres]:
    """Run an empty server that does not wait for the disk, on the server's core, and remove it afterwards."""
    with TemporaryDirectory(prefix="stoa-bench-") as folder:
        server = EmbeddedPostgres(Path(folder), fast=True)
        pin(SERVER_CORE)
        progress("starting PostgreSQL …")
        server.start()
        pin(CLIENT_CORE)
        try:
            yield server
        finally:
            server.stop()


async def prepare(server: EmbeddedPostgres, folder: Path) -> Ground:
    """Migrate and fill the database, with everything off that would run at its own times."""
    superuser = server.url(DATABASE, "postgres")
    server.ensure_database(DATABASE)
    await migrations.upgrade(superuser)
    connection = await asyncpg.connect(superuser)
    try:
        for setting in ("jit = off", "autovacuum = off"):
            await connection.execute(f"ALTER SYSTEM SET {setting}")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()
    progress("filling it …")
    seeded = await seed(superuser)
    return Ground(
        app=server.url(DATABASE, "stoa_app"), relay=server.url(DATABASE, "stoa_relay"),
        sealer=server.url(DATABASE, "stoa_sealer"), superuser=superuser, seeded=seeded, folder=folder,
        pinned=pin(CLIENT_CORE),
    )  # fmt: skip
