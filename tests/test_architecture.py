"""The rules of the house that no reviewer has to remember."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src"
LONGEST_FILE = 300
LONGEST_FUNCTION = 40


@cache
def parsed() -> list[tuple[str, ast.Module]]:
    """Every file of src, by its path below src."""
    paths = sorted(SRC.rglob("*.py"))
    return [(path.relative_to(SRC).as_posix(), ast.parse(path.read_text("utf-8"))) for path in paths]


def nodes(*layers: str) -> Iterator[tuple[str, ast.AST]]:
    """Every node of the layers, or of all of them, with its place as ``file:line``."""
    for path, tree in parsed():
        if not layers or path.startswith(layers):
            for node in ast.walk(tree):
                yield f"{path}:{getattr(node, 'lineno', 1)}", node


def imported(node: ast.AST) -> set[str]:
    """Name the modules an import statement imports from, in full."""
    match node:
        case ast.Import(names=names):
            return {alias.name for alias in names}
        case ast.ImportFrom(module=str(module)):
            return {module}
    return set()


# ---------------------------------------------------------------- layers


@pytest.mark.parametrize(
    ("module", "violation", "contract"),
    [
        ("domain/payments/seeded.py", "import application.kernel.seeded", "Dependencies point inwards"),
        ("infrastructure/seeded.py", "import interfaces.http.seeded", "Dependencies point inwards"),
        ("application/payments/seeded.py", "import sqlalchemy", "The core knows no framework and no driver"),
        ("domain/shared/seeded.py", "import socket", "The core reaches neither network"),
        ("domain/payments/seeded.py", "import domain.catalog.seeded", "The contexts of the domain know each other"),
        ("application/kernel/seeded.py", "import application.payments.seeded", "The kernel of the application serves"),
        ("interfaces/http/seeded.py", "import infrastructure.seeded", "Only each face's main module"),
        ("interfaces/http/main.py", "import infrastructure.persistence.seeded", "The container is the only door"),
        ("domain/shared/seeded.py", "import domain.shared.sprout", "No cycles among siblings"),
    ],
)
def test_a_seeded_violation_breaks_its_contract(tmp_path: Path, module: str, violation: str, contract: str) -> None:
    """Each contract of .importlinter really fails when its rule is broken."""
    shutil.copytree(SRC, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    for folder in ("domain/catalog", "application/kernel", "application/payments", "interfaces/http", "infrastructure"):
        (tmp_path / folder / "seeded.py").write_text("")
    (tmp_path / "infrastructure/persistence/seeded.py").write_text("")
    (tmp_path / "domain/shared/sprout.py").write_text("import domain.shared.seeded")
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{violation}\n")
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    broken = re.findall(r"^(.+) BROKEN$", result.stdout, re.MULTILINE)
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(name.startswith(contract) for name in broken), result.stdout


@pytest.mark.parametrize(("layer", "guests"), [("domain", {"attrs"}), ("application", {"attrs", "annotated_types"})])
def test_the_core_imports_little_from_outside(layer: str, guests: set[str]) -> None:
    """The domain needs attrs, the application also annotated_types; neither needs anything else to be installed."""
    allowed = sys.stdlib_module_names | guests | {"domain", layer}
    strangers = [
        f"{place} {name}"
        for place, node in nodes(layer)
        for name in imported(node)
        if name.partition(".")[0] not in allowed
    ]
    assert not strangers


def test_transactions_end_in_the_unit_of_work_only() -> None:
    """Repositories, handlers, workers and faces never commit or roll back."""
    owners = (
        "application/kernel/dispatcher.py",  # asks the unit of work to, once
        "infrastructure/persistence/transaction.py",  # is where it happens
        "infrastructure/persistence/unit_of_work.py",  # passes it on
        "infrastructure/persistence/migrations.py",  # changes the schema, which no unit of work does
    )
    endings = [
        place
        for place, node in nodes()
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"commit", "rollback"}
        and not place.startswith(owners)
    ]
    assert not endings


# ---------------------------------------------------------------- code


def test_files_stay_small() -> None:
    """A file is read in one sitting."""
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in SRC.rglob("*.py")}
    assert not {path: length for path, length in lengths.items() if length > LONGEST_FILE}


def test_functions_stay_small() -> None:
    """A function is read on one screen."""
    long_functions = [
        f"{place} {node.name}"
        for place, node in nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]
    assert not long_functions


def test_no_import_is_for_types_only() -> None:
    """A cycle that only types see is a cycle all the same."""
    assert not [path for path in SRC.rglob("*.py") if "TYPE_CHECKING" in path.read_text("utf-8")]


def test_packages_export_nothing() -> None:
    """Every name is imported from the file that defines it."""
    assert not [path for path in SRC.rglob("__init__.py") if path.read_text("utf-8").strip()]


def test_no_float_touches_money() -> None:
    """The core holds no float literal and never calls ``float``; only the dispatcher's pauses are seconds."""
    floats = [
        place
        for place, node in nodes("domain", "application")
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
    ]
    assert not [place for place in floats if not place.startswith("application/kernel/dispatcher.py")]


# ---------------------------------------------------------------- repository


def test_no_committed_file_names_a_registry_or_a_machine() -> None:
    """What is committed works anywhere: no package index, no folder of somebody's computer."""
    hosts = r"(files\.)?pythonhosted\.org|pypi\.org|/s[i]mple/|--(extra-)?index-url|--find-links[ =]/"
    homes = r"(^|[^[:alnum:]_.])/(root/|work/|Users/|opt/[^h]|home/[a-z])"
    if not (ROOT / ".git").exists():
        pytest.skip("an unpacked archive has no committed files")
    command = ["git", "-c", "safe.directory=*", "grep", "--cached", "-I", "-n", "-E", f"{hosts}|{homes}"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stdout + result.stderr
