"""Debian's PgBouncer in transaction mode, with fewer sessions than clients, in front of a test's database."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from infrastructure.persistence.embedded import _LEAVE_ROOT

SESSIONS = 2
_SOCKET = ".s.PGSQL.5432"
_CONFIGURATION = """
[databases]
* = host={server}
[pgbouncer]
pool_mode = transaction
default_pool_size = {sessions}
unix_socket_dir = {folder}
listen_addr =
listen_port = 5432
auth_type = trust
auth_file = {folder}/users.txt
logfile = {folder}/pgbouncer.log
{more}
"""


def program() -> str:
    """Return where it is, or skip the test."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        pytest.skip("PgBouncer is not installed, and scripts/ensure-pgbouncer.sh could not install it")
    return found


def version() -> tuple[int, int]:
    """Return its version: prepared statements outlast transactions since 1.21."""
    said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = re.findall(r"PgBouncer (\d+)\.(\d+)", said)[0]
    return int(major), int(minor)


@contextmanager
def pgbouncer(url: str, more: str = "") -> Iterator[str]:
    """Run it; yields the URL by way of it, without what Stoa needs to know of it."""
    with tempfile.TemporaryDirectory(prefix="stoa-pgb-") as name:
        folder, server = Path(name), parse_qs(urlsplit(url).query)["host"][0]
        (folder / "users.txt").write_text('"stoa_app" ""\n"postgres" ""\n')
        (folder / "pgbouncer.ini").write_text(
            _CONFIGURATION.format(server=server, folder=folder, sessions=SESSIONS, more=more)
        )
        process = subprocess.Popen([*_as_nobody(), program(), "-q", str(folder / "pgbouncer.ini")], cwd=folder)
        try:
            _wait_for(folder / _SOCKET, process)
            yield f"{url.partition('?')[0]}?host={quote(str(folder))}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _as_nobody() -> list[str]:
    """Leave root, as which it refuses to run, and keep root's access to the server's socket."""
    if os.geteuid() != 0:
        return []
    return [sys.executable, "-I", "-S", "-c", _LEAVE_ROOT, str(pwd.getpwnam("nobody").pw_uid)]


def _wait_for(path: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            log = path.with_name("pgbouncer.log")
            pytest.fail(f"PgBouncer ended with {process.returncode}: {log.read_text() if log.exists() else ''}")
        with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            return
        time.sleep(0.02)
    pytest.fail("PgBouncer does not listen")
