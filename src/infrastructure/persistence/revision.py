"""The newest migration this code knows, found without importing Alembic, which every start would wait for."""

from functools import cache
from pathlib import Path

VERSIONS = Path(__file__).resolve().parents[3] / "alembic" / "versions"


@cache
def head() -> str:
    """Return the newest revision: migrations are one line, and their files begin with their number."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py"))
