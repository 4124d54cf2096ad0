"""Runs the whole suite in two processes at once, for it waits for databases more than it computes.

Each half has databases of its own and reads nothing of the other. Progress goes to stderr; what failed is printed at
the end, the names last. With arguments of pytest's (``ARGS``) one process runs just what they select.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

HALVES = (
    ["tests/contracts", "tests/application"],
    ["tests", "--ignore=tests/contracts", "--ignore=tests/application"],
)
"""Of about the same length; by tests/support/databases.py they share one PostgreSQL and no database."""

_PERCENT = re.compile(r"\[\s*(\d+)%\]")
_LOGS = Path(".stoa/test")
_SHOWN = 400


def _log(number: int) -> Path:
    return _LOGS / f"half-{number}.log"


def _start(number: int, arguments: list[str]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "COVERAGE_FILE": f".coverage.half-{number}"}
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-o", "cache_dir=.pytest_cache", *arguments]
    with _log(number).open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)


def _percent(number: int) -> str:
    found = _PERCENT.findall(_log(number).read_text("utf-8", "replace"))
    return f"{found[-1] if found else 0:>3} %"


def _watch(running: list[subprocess.Popen[bytes]]) -> None:
    started, every = time.monotonic(), 2 if sys.stderr.isatty() else 30
    while any(half.poll() is None for half in running):
        time.sleep(every)
        state = "   ".join(f"half {n} {_percent(n)}" for n in range(1, len(running) + 1))
        line = f"tests: {state}   {time.monotonic() - started:4.0f} s"
        print(f"\r{line}", end="", file=sys.stderr) if sys.stderr.isatty() else print(line, file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)


def _report(number: int, code: int) -> None:
    lines = _log(number).read_text("utf-8", "replace").splitlines()
    print(*(lines[-_SHOWN:] if code else lines[-1:]), sep="\n")


def main(arguments: list[str]) -> int:
    """Run both halves, or what the arguments select, and return pytest's exit code."""
    options = [each for each in arguments if each.startswith("--cov")]
    if options != arguments:
        return subprocess.call([sys.executable, "-m", "pytest", *arguments])
    _LOGS.mkdir(parents=True, exist_ok=True)
    running = [_start(number, [*half, *options]) for number, half in enumerate(HALVES, start=1)]
    try:
        _watch(running)
    except KeyboardInterrupt:
        for half in running:
            half.wait()
        return 130
    codes = [half.returncode for half in running]
    for number, code in enumerate(codes, start=1):
        _report(number, code)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
