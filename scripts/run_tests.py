"""Runs the whole suite in eight processes, five at once: they wait for databases and processes as much as they compute.

Each part has databases of its own and reads nothing of the others. Progress goes to stderr; what failed is printed at
the end, the names last. A few that failed beside the others are run once more, alone: what fails again has failed, and
what does not is named all the same. With ``--cov`` the coverage of all parts together is judged. With other arguments,
which are pytest's (``ARGS``), one process runs just what they select.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

MEASURED = ("core", "application", "chains", "work")
"""Coverage is measured here alone: the others reach the same lines."""
_ATTACKS = [
    f"tests/contracts/test_{each}.py"
    for each in ("fuzz", "injection", "isolation", "mass_assignment", "query_budgets", "rows", "walls")
]
PARTS = {
    "faults": ["tests/faults"],
    "contracts": ["tests/contracts", *(f"--ignore={each}" for each in _ATTACKS)],
    "application": ["tests/application", "--ignore=tests/application/chains", "--ignore=tests/application/work"],
    "core": ["tests/domain", "tests/infrastructure"],
    "attacks": _ATTACKS,
    "rest": ["tests"],
    "chains": ["tests/application/chains"],
    "work": ["tests/application/work"],
}
"""Those that take longest begin first. By tests/support/databases.py all share one PostgreSQL and no database."""
PARTS["rest"] += [f"--ignore={each}" for part in PARTS.values() for each in part if each.startswith("tests/")]

MOST_AT_ONCE = 5
"""More of them would take each other's time, and tests that know the clock would fail for nothing."""

MOST_AGAIN = 3
"""So many failures may be the fault of a busy machine. Of more than these something else is the cause."""

_PERCENT = re.compile(r"\[\s*(\d+)%\]")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/\S+::.+?)(?: - .*)?$", re.MULTILINE)
_LOGS = Path(".stoa/test")
_SHOWN = 200
_TESTS_FAILED = 1


def _log(part: str) -> Path:
    return _LOGS / f"{part}.log"


def _start(part: str, *, measured: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", *PARTS[part]]
    if measured and part in MEASURED:
        command += ["--cov", "--cov-report=", "--cov-fail-under=0"]
    environment = {**os.environ, "COVERAGE_FILE": str(_LOGS / f"{part}.coverage")}
    with _log(part).open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)


def _text(part: str) -> str:
    return _log(part).read_text("utf-8", "replace")


def _percent(part: str) -> str:
    found = _PERCENT.findall(_text(part))
    return f"{found[-1] if found else 0:>3} %"


def _run_all(running: dict[str, subprocess.Popen[bytes]], *, measured: bool) -> None:
    """Run all parts, the next one whenever there is room; ``running`` has every part that was started."""
    started, every = time.monotonic(), 2 if sys.stderr.isatty() else 30
    waiting = list(PARTS)
    while waiting or _alive(running):
        while waiting and _alive(running) < MOST_AT_ONCE:
            part = waiting.pop(0)
            running[part] = _start(part, measured=measured)
        time.sleep(every)
        state = "   ".join(f"{part} {_percent(part)}" for part in running)
        line = f"tests: {state}   {time.monotonic() - started:4.0f} s"
        print(f"\r{line}", end="", file=sys.stderr) if sys.stderr.isatty() else print(line, file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)


def _alive(running: Mapping[str, subprocess.Popen[bytes]]) -> int:
    return sum(process.poll() is None for process in running.values())


def _report(part: str, code: int) -> None:
    lines = _text(part).splitlines()
    print(f"{part}:", *(lines[-_SHOWN:] if code else lines[-1:]), sep="\n")


def _again(failed: Sequence[str]) -> int:
    """Run what failed once more with nothing beside it, and tell which of them relied on a quiet machine."""
    if len(failed) > MOST_AGAIN:
        print("failed:", *failed, sep="\n  ")
        return _TESTS_FAILED
    code = subprocess.call([sys.executable, "-m", "pytest", "-q", "--tb=short", *failed])
    print("failed beside the others,", "and not all passed alone:" if code else "passed alone:", *failed, sep="\n  ")
    return code


def _covered() -> int:
    """Judge the lines that all measured parts reached together, by the limit of pyproject.toml."""
    coverage = [sys.executable, "-m", "coverage"]
    kept = [str(_LOGS / f"{part}.coverage") for part in MEASURED]
    combined = subprocess.run([*coverage, "combine", "--quiet", *kept], check=False)
    found = subprocess.run([*coverage, "report"], capture_output=True, text=True, check=False)
    lines = found.stdout.splitlines()
    print("coverage:", *(lines if found.returncode else lines[-3:]), found.stderr, sep="\n")
    return combined.returncode or found.returncode


def main(arguments: list[str]) -> int:
    """Run all parts, or what the arguments select, and return pytest's exit code."""
    if arguments not in ([], ["--cov"]):
        return subprocess.call([sys.executable, "-m", "pytest", *arguments])
    _LOGS.mkdir(parents=True, exist_ok=True)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        _run_all(running, measured=bool(arguments))
    except KeyboardInterrupt:
        for process in running.values():
            process.wait()
        return 130
    for part, process in running.items():
        _report(part, process.returncode)
    covered = _covered() if arguments else 0
    parts = {part: int(process.returncode) for part, process in running.items() if process.returncode}
    failed = {part: _FAILED.findall(_text(part)) for part in parts}
    if all(failed.values()) and set(parts.values()) <= {_TESTS_FAILED}:
        return max(covered, _again([test for tests in failed.values() for test in tests]) if failed else 0)
    print("ended otherwise than by failed tests:", *(part for part, tests in failed.items() if not tests))
    return max(map(abs, parts.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
