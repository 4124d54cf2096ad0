"""Real processes, to be killed."""

import multiprocessing
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import perf_counter

STARTS_WITHIN = 120.0
_ROOT = Path(__file__).resolve().parents[2]
_SOURCES = (str(_ROOT / "src"), str(_ROOT))
_NURSERY = multiprocessing.get_context("forkserver")
# To import everything takes many times longer than what most processes live for.
_NURSERY.set_forkserver_preload(["infrastructure.operations", "interfaces.http.main", "tests.support.use_cases"])


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
        self._module, self._arguments = module, arguments
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("STOA_", "PG"))}
        given = {f"STOA_{name.upper()}": str(value) for name, value in settings.items()}
        self._environment = {**inherited, **given, "PYTHONPATH": os.pathsep.join(_SOURCES)}
        self._process: subprocess.Popen[bytes] | BaseProcess | None = None
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
    def pid(self) -> int:
        """Return the number that the system knows it by; 0 before it is started."""
        return (self._process.pid or 0) if self._process is not None else 0

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        if isinstance(self._process, BaseProcess):
            return self._process.is_alive()
        return self._process is not None and self._process.poll() is None

    def ended(self, within: float) -> int | None:
        """Wait for its end and return its exit code, or None when it did not end in time."""
        if isinstance(self._process, BaseProcess):
            self._process.join(within)
            return self._process.exitcode
        assert self._process is not None
        return self._process.wait(within)

    def start(self, *, anew: bool = False) -> None:
        """Start it; returns at once.

        Args:
            anew: with an interpreter of its own that imports everything, as it is started in production; otherwise
                it is forked from a process that has done so.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in ("stdout", "stderr"):
            (self._folder / name).touch()
        self.started_at = perf_counter()
        self._process = self._started_anew() if anew else self._forked()

    def _started_anew(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", self._module, *self._arguments]
        with (self._folder / "stdout").open("ab") as out, (self._folder / "stderr").open("ab") as errors:
            return subprocess.Popen(
                command, cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=out, stderr=errors
            )

    def _forked(self) -> BaseProcess:
        process = _NURSERY.Process(
            target=_become, args=(self._folder, self._environment, self._module, self._arguments), daemon=True
        )
        process.start()
        return process

    def tell(self, number: signal.Signals) -> None:
        """Send this process, and only this one, a signal."""
        assert self._process is not None
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def wait(self, seconds: float) -> int:
        """Wait for its end and return its exit code, or minus the signal that ended it.

        Raises:
            TimeoutError: it still runs.
        """
        if isinstance(self._process, BaseProcess):
            self._process.join(seconds)
            code = self._process.exitcode
        else:
            assert self._process is not None
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            code = self._process.returncode
        if code is None:
            raise TimeoutError(self.errors)
        return code

    def kill(self) -> None:
        """End this process, and only this one, without any warning."""
        if self._process is None or not self.alive:
            return
        self._process.kill()
        if isinstance(self._process, BaseProcess):
            self._process.join(10)
        else:
            self._process.wait(10)


def _become(folder: Path, environment: Mapping[str, str], module: str, arguments: Sequence[str]) -> None:
    """Be what ``python -m`` would have made of this process."""
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        file = os.open(folder / name, os.O_WRONLY | os.O_APPEND)
        os.dup2(file, stream.fileno())
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
