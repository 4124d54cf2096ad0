"""Real databases for tests: one embedded PostgreSQL per checkout, a migrated template, clones of it; SQLite files."""

import asyncio
import hashlib
import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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
        self.cluster = EmbeddedPostgres(ROOT / ".stoa" / "test", fast=True)
        self._made: list[str] = []

    def postgres(self) -> DatabaseUrls:
        """Clone the template."""
        self.cluster.start()
        template = f"stoa_template_{_fingerprint()}"
        self.cluster.ensure_database(template)
        _finish(migrations.upgrade(self.cluster.url(template, "postgres")))
        name = f"t_{os.getpid()}_{next(_numbers)}"
        self.cluster.ensure_database(name, template=template)
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
        """Drop what was made and stop the cluster this run started."""
        for name in self._made:
            self.cluster.drop_database(name)
        self.cluster.stop()


def _finish(work: object) -> None:
    """Run a coroutine whether or not a loop is running, as fixtures of both kinds come here."""
    import threading  # noqa: PLC0415 - only for this

    thread = threading.Thread(target=lambda: asyncio.run(work))  # type: ignore[arg-type]  # reason: a coroutine
    thread.start()
    thread.join()


@contextmanager
def databases(folder: Path) -> Iterator[TestDatabases]:
    """Open and surely remove the test databases."""
    made = TestDatabases(folder)
    try:
        yield made
    finally:
        made.remove()
