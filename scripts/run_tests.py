"""Runs the whole suite in four processes at once, for it waits for databases and processes more than it computes.

Each part has databases of its own and reads nothing of the others. Progress goes to stderr; what failed is printed at
the end, the names last. With arguments of pytest's (``ARGS``) one process runs just what they select.
"""

import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

CORE = ["tests/domain", "tests/application", "tests/infrastructure"]
"""Coverage is measured here alone: it costs half as much time again, and the others reach the same lines."""
PARTS = {
    "contracts": ["tests/contracts"],
    "core": CORE,
    "faults": ["tests/faults"],
}
PARTS["rest"] = ["tests", *(f"--ignore={folder}" for folders in PARTS.values() for folder in folders)]
"""The first three take about as long; by tests/support/databases.py all share one PostgreSQL and no database."""

_PERCENT = re.compile(r"\[\s*(\d+)%\]")
_LOGS = Path(".stoa/test")
_SHOWN = 400


def _log(part: str) -> Path:
    return _LOGS / f"{part}.log"


def _start(part: str, arguments: list[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", *arguments]
    with _log(part).open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)


def _percent(part: str) -> str:
    found = _PERCENT.findall(_log(part).read_text("utf-8", "replace"))
    return f"{found[-1] if found else 0:>3} %"


def _watch(running: Mapping[str, subprocess.Popen[bytes]]) -> None:
    started, every = time.monotonic(), 2 if sys.stderr.isatty() else 30
    while any(process.poll() is None for process in running.values()):
        time.sleep(every)
        state = "   ".join(f"{part} {_percent(part)}" for part in running)
        line = f"tests: {state}   {time.monotonic() - started:4.0f} s"
        print(f"\r{line}", end="", file=sys.stderr) if sys.stderr.isatty() else print(line, file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)


def _report(part: str, code: int) -> None:
    lines = _log(part).read_text("utf-8", "replace").splitlines()
    print(f"{part}:", *(lines[-_SHOWN:] if code else lines[-1:]), sep="\n")


def main(arguments: list[str]) -> int:
    """Run all parts, or what the arguments select, and return pytest's exit code."""
    coverage = [each for each in arguments if each.startswith("--cov")]
    if coverage != arguments:
        return subprocess.call([sys.executable, "-m", "pytest", *arguments])
    _LOGS.mkdir(parents=True, exist_ok=True)
    running = {part: _start(part, [*paths, *(coverage if paths is CORE else [])]) for part, paths in PARTS.items()}
    try:
        _watch(running)
    except KeyboardInterrupt:
        for process in running.values():
            process.wait()
        return 130
    for part, process in running.items():
        _report(part, process.returncode)
    return max(process.returncode for process in running.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
