"""Real processes, to be killed."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from time import perf_counter

STARTS_WITHIN = 60.0
_ROOT = Path(__file__).resolve().parents[2]
_SOURCES = (str(_ROOT / "src"), str(_ROOT))


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def crowd() -> float:
    """Return how many times more work than processors this machine has right now, and at least 1.

    Limits in seconds are meant for a machine of one's own; multiplied by this they also hold on a shared one.
    """
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


class ChildProcess:
    """A Python module in a process of its own; its output is kept in files below ``folder``."""

    def __init__(self, folder: Path, module: str, *arguments: str, **settings: object) -> None:
        """Name the module's arguments, and Stoa's settings without their prefix; nothing starts yet."""
        self._folder = folder
        self._command = [sys.executable, "-m", module, *arguments]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("STOA_", "PG"))}
        given = {f"STOA_{name.upper()}": str(value) for name, value in settings.items()}
        self._environment = {**inherited, **given, "PYTHONPATH": os.pathsep.join(_SOURCES)}
        self._process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0

    @property
    def output(self) -> str:
        """Return what it wrote to its standard output, over all starts."""
        return (self._folder / "stdout").read_text()

    @property
    def errors(self) -> str:
        """Return what it wrote to its standard error, over all starts."""
        return (self._folder / "stderr").read_text(errors="replace")

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; returns at once."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.started_at = perf_counter()
        with (self._folder / "stdout").open("ab") as out, (self._folder / "stderr").open("ab") as errors:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
            )

    def kill(self) -> None:
        """End this process, and only this one, without any warning."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)
