"""One-line sabotages of the product, and the run that shows that a test catches them.

Each ``*.toml`` beside this file holds ``[[saboteur]]`` tables::

    goal = "R7"                                  # a row of docs/reliability.md
    breaks = "A cancelled commit is not awaited"  # what the line below takes away
    file = "src/infrastructure/persistence/transaction.py"
    line = "await asyncio.shield(ending)"         # text that is in the file exactly once
    instead = "await ending"
    caught_by = "tests/infrastructure/persistence/test_cancellation.py::test_nothing_leaks"
"""

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_COPIED = ("src", "tests", "alembic", "contracts", "docs", "scripts", "examples", "ops")
_FILES = ("pyproject.toml", "alembic.ini", "README.md", "CHANGELOG.md", "Makefile", ".importlinter")
_FAILED = 1
"""pytest's exit code when tests ran and failed; a sabotage that breaks an import would give 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saboteur:
    """A line of the product, what replaces it, and the test that has to notice."""

    goal: str
    breaks: str
    file: str
    line: str
    instead: str
    caught_by: str

    def __str__(self) -> str:
        """Name it in a test's id."""
        return f"{self.goal}: {self.breaks}"

    def faults(self) -> list[str]:
        """Say why it could not be tried any more, after the code it is about has changed."""
        found = []
        source = ROOT / self.file
        times = source.read_text("utf-8").count(self.line) if source.is_file() else 0
        if times != 1:
            found.append(f"{self.file} has the line {times} times: {self.line!r}")
        path, _, test = self.caught_by.partition("::")
        name = test.partition("[")[0]
        if not (ROOT / path).is_file() or f"def {name}(" not in (ROOT / path).read_text("utf-8"):
            found.append(f"there is no test {self.caught_by}")
        return found


def saboteurs() -> list[Saboteur]:
    """Return all of them, by file."""
    files = sorted(Path(__file__).parent.glob("*.toml"))
    return [Saboteur(**given) for file in files for given in tomllib.loads(file.read_text("utf-8"))["saboteur"]]


def sabotaged(saboteur: Saboteur, folder: Path) -> Path:
    """Return a copy of the project in which the line is replaced."""
    copy = folder / "stoa"
    for name in _COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, copy / name)
    source = copy / saboteur.file
    source.write_text(source.read_text("utf-8").replace(saboteur.line, saboteur.instead), "utf-8")
    # Tests that start Stoa's own command look for it beside the project; what it imports is decided by PYTHONPATH.
    (copy / ".venv").symlink_to(sys.prefix)
    return copy


def is_caught(saboteur: Saboteur, folder: Path) -> tuple[bool, str]:
    """Run the test that should notice in a sabotaged copy; returns whether it failed, and what pytest said."""
    copy = sabotaged(saboteur, folder)
    environment = {**os.environ, "PYTHONPATH": f"{copy / 'src'}{os.pathsep}{copy}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=line", "-p", "no:cacheprovider", saboteur.caught_by]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    return done.returncode == _FAILED, f"{done.stdout[-3000:]}\n{done.stderr[-1000:]}"
