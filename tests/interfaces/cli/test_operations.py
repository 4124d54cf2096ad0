"""The commands around the use-cases: servers, database, audit, doctor, demo."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from application.kernel.start_error import StartError
from domain.shared.errors import Unavailable
from tests.interfaces.cli.fakes import Books, BooksProblem, FakeOperations, Finding, Problem, Report, invoke


class PortTaken(StartError):
    """Someone else listens there."""

    exit_code = 6


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["up"], ("up",)),
        (["serve"], ("serve",)),
        (["worker"], ("worker",)),
        (["mcp"], ("mcp", None, None)),
        (["mcp", "--api-key", "good", "--organization", "home"], ("mcp", "good", "home")),
        (["db", "upgrade"], ("upgrade", "head")),
        (["db", "downgrade", "base"], ("downgrade", "base")),
        (["db", "stop"], ("stop",)),
    ],
)
def test_commands_reach_their_operation(arguments: list[str], told: tuple[object, ...]) -> None:
    """Each does one thing, and has nothing to say on standard output."""
    operations = FakeOperations()
    result = invoke(operations, *arguments)
    assert (result.exit_code, result.stdout) == (0, "")
    assert operations.told == [told]


@pytest.mark.parametrize(
    ("failure", "code", "line"),
    [
        (StartError("STOA_PORT: must be\na number"), 2, "Error: STOA_PORT: must be a number\n"),
        (PortTaken("Port 8000 is taken."), 6, "Error: Port 8000 is taken.\n"),
        (Unavailable(), 6, "Error: The service is temporarily unavailable. (unavailable)\n"),
    ],
)
def test_a_start_that_fails_is_one_line(failure: Exception, code: int, line: str) -> None:
    """The setting is named, and the code says whether trying again makes sense."""
    result = invoke(FakeOperations(failure=failure), "up")
    assert (result.exit_code, result.stderr) == (code, line)


def test_the_revision_is_data() -> None:
    """Alone on its line, or nothing."""
    assert invoke(FakeOperations(), "db", "current").stdout == "0002\n"
    assert invoke(FakeOperations(revision=None), "db", "current").stdout == ""


def test_a_schema_that_differs_is_a_conflict() -> None:
    """The difference is shown."""
    assert invoke(FakeOperations(), "db", "check").exit_code == 0
    result = invoke(FakeOperations(difference="add column x"), "db", "check")
    assert (result.exit_code, result.stdout) == (4, "add column x\n")


def test_the_address_is_ready_for_psql() -> None:
    """``psql $(stoa db url)`` works."""
    assert invoke(FakeOperations(), "db", "url").stdout == "postgresql://app@/stoa\n"
    assert invoke(FakeOperations(), "db", "url", "--superuser").stdout == "postgresql://super@/stoa\n"


def test_an_audit_log_that_holds_exits_with_zero() -> None:
    """The counts are data too."""
    result = invoke(FakeOperations(), "audit", "verify")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"ok": True, "organizations": 2, "entries": 40, "unsealed": 3, "problems": []}


def test_an_audit_log_that_does_not_hold_names_the_first_bad_entry() -> None:
    """Someone changed history, and here is where."""
    report = Report(False, 2, 40, 0, [Problem("org_1", 7, "aud_7", "the hash differs")])
    result = invoke(FakeOperations(report=report), "audit", "verify")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["problems"][0]["entry_id"] == "aud_7"


def test_anchors_from_elsewhere_are_named(tmp_path: Path) -> None:
    """After a restore they are those of the server that was backed up; a file that is not there is no anchor."""
    operations, kept = FakeOperations(), tmp_path / "audit-heads.jsonl"
    assert invoke(operations, "audit", "verify", "--anchors", str(kept)).exit_code == 2
    kept.touch()
    assert invoke(operations, "audit", "verify", "--anchors", str(kept)).exit_code == 0
    assert operations.told == [("audit", str(kept))]


def test_books_that_balance_exit_with_zero() -> None:
    """All of them, or one organization's."""
    operations = FakeOperations()
    result = invoke(operations, "books", "verify", "--organization", "home")
    assert (result.exit_code, operations.told) == (0, [("books", "home")])
    assert json.loads(result.stdout) == {"ok": True, "organizations": 2, "entries": 12, "orders": 5, "problems": []}


def test_books_that_do_not_agree_name_the_first_wrong_order() -> None:
    """Someone edited a posting, and here is where."""
    problem = BooksProblem("org_1", "order 20260314-000001: captured 100, in the books 99", None, "ord_1")
    result = invoke(FakeOperations(books=Books(False, 1, 2, 1, [problem])), "books", "verify")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["problems"][0]["payment_order_id"] == "ord_1"


def test_doctor_fails_closed() -> None:
    """One bad finding, or none at all, is no health."""
    bad = Finding("schema", False, "two revisions behind", "run stoa db upgrade")
    assert invoke(FakeOperations(), "doctor").exit_code == 0
    assert invoke(FakeOperations(findings=()), "doctor").exit_code == 6
    result = invoke(FakeOperations(findings=(Finding("database", True), bad)), "doctor")
    assert result.exit_code == 6
    assert json.loads(result.stdout)[1]["remedy"] == "run stoa db upgrade"


def test_the_demo_holds_only_if_every_step_does() -> None:
    """Its exit code is a test."""
    steps = (Finding("a sale", True, "12.50 EUR"), Finding("a replay", False, "charged twice"))
    assert invoke(FakeOperations(findings=steps[:1]), "demo").exit_code == 0
    result = invoke(FakeOperations(findings=steps), "demo")
    assert result.exit_code == 70
    assert "✗ a replay" in result.stderr
    assert "charged twice" in result.stdout
    assert invoke(FakeOperations(findings=()), "demo").exit_code == 70


def test_help_loads_nothing_heavy() -> None:
    """Help and completion answer at once, because frameworks are imported when a command runs and not before."""
    program = """
import sys
from interfaces.cli.app import stoa
from interfaces.cli.main import main
sys.argv = ["stoa", "--help"]
try:
    main()
except SystemExit as done:
    assert done.code == 0
heavy = {"asyncio", "alembic", "fastapi", "mcp", "msgspec", "pydantic_core", "rich", "sqlalchemy", "starlette"}
print("loaded:", sorted(heavy & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"}
    )
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_a_server_listens_before_it_imports_mcp() -> None:
    """The library of one face is a sixth of all that a server imports; nobody who does not call it waits for it."""
    program = "import sys, infrastructure.operations, interfaces.http.main; print('loaded:', 'mcp' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"}
    )
    assert done.stdout.splitlines()[-1] == "loaded: False"
