"""Real databases for tests: one embedded PostgreSQL per checkout, a migrated template, clones of it; SQLite files."""

import asyncio
import fcntl
import hashlib
import itertools
import os
import shutil
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infrastructure.persistence import migrations
from infrastructure.persistence.embedded import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One database as its roles see it; on SQLite all of them are the same file."""

    app: str
    relay: str
    sealer: str
    superuser: str

    @property
    def is_postgres(self) -> bool:
        """Say which engine it is."""
        return self.app.startswith("postgresql")


def _fingerprint() -> str:
    """Name the template after everything that makes the schema."""
    sources = [
        *sorted((ROOT / "alembic").rglob("*.py")),
        *sorted((ROOT / "src/infrastructure/persistence").glob("*.py")),
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


class TestDatabases:
    """Makes empty migrated databases in milliseconds, and removes them at the end."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        """Keep SQLite files below ``folder``."""
        self._folder = folder
        home = ROOT / ".stoa" / "test"
        home.mkdir(parents=True, exist_ok=True)
        self.cluster = EmbeddedPostgres(home, fast=True)
        self._made: list[str] = []
        self._template = ""
        # Runs beside this one share the cluster; the last to leave stops it.
        self._users = (home / "users.lock").open("wb")
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def postgres(self) -> DatabaseUrls:
        """Clone the template, which the first run to need it makes."""
        self.cluster.start()
        with (ROOT / ".stoa" / "test" / "template.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._template:
                self._template = f"stoa_template_{_fingerprint()}"
                self.cluster.ensure_database(self._template)
                _finish(migrations.upgrade(self.cluster.url(self._template, "postgres")))
            name = f"t_{os.getpid()}_{next(_numbers)}"
            self.cluster.ensure_database(name, template=self._template)
        self._made.append(name)
        return self.urls(name)

    def urls(self, name: str) -> DatabaseUrls:
        """Return a database's URLs."""
        url = self.cluster.url
        return DatabaseUrls(
            url(name, "stoa_app"), url(name, "stoa_relay"), url(name, "stoa_sealer"), url(name, "postgres")
        )

    def sqlite(self) -> DatabaseUrls:
        """Copy the migrated file."""
        template = self._folder / "template.db"
        if not template.exists():
            _finish(migrations.upgrade(f"sqlite:///{template}"))
        path = self._folder / f"t_{next(_numbers)}.db"
        shutil.copy(template, path)
        url = f"sqlite:///{path}"
        return DatabaseUrls(url, url, url, url)

    def make(self, engine: str) -> DatabaseUrls:
        """Make a database of the named engine."""
        return self.postgres() if engine == "postgres" else self.sqlite()

    def remove(self) -> None:
        """Drop what was made, and stop the cluster unless another run uses it."""
        for name in self._made:
            self.cluster.drop_database(name)
        with self._users, suppress(BlockingIOError):
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.cluster.stop()


def _finish(work: Coroutine[object, object, None]) -> None:
    """Run a coroutine whether or not a loop is running, as fixtures of both kinds come here."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, work).result()


@contextmanager
def databases(folder: Path) -> Iterator[TestDatabases]:
    """Open and surely remove the test databases."""
    made = TestDatabases(folder)
    try:
        yield made
    finally:
        made.remove()
