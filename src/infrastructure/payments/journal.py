"""The sandbox provider's memory: a file of JSON lines that is only ever appended to."""

import fcntl
import os
import threading
from io import BufferedWriter
from pathlib import Path

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One effect: the charge with this key was carried out, or declined. ``amount`` is in minor units."""

    idempotency_key: str
    amount: int
    currency: str
    token: str
    reference: str
    decline_code: str | None
    permanent: bool


_decoder = msgspec.json.Decoder(Record)


class Journal:
    """At most one record per key, for all threads and all processes that share the file.

    A record counts once its whole line is on disk; what a killed process left of a line is cut off by the next one
    that writes. Without a path everything stays in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._records: dict[str, Record] = {}
        self._read = 0  # bytes of the file that are in `_records`

    def record(self, new: Record) -> None:
        """Add a record unless its key has one.

        Raises:
            ValueError: the key belongs to another charge.
        """
        with self._lock:
            if self._path is None:
                self._add(new)
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(self._path, "ab", opener=_private) as file:
                # The lock belongs to the open file and ends with it, however the process ends.
                fcntl.flock(file, fcntl.LOCK_EX)
                self._catch_up()
                if new.idempotency_key not in self._records:
                    self._append(file, new)
                self._add(new)

    def find(self, key: str) -> Record | None:
        """Return the record of a key, whichever process wrote it."""
        with self._lock:
            self._catch_up()
            return self._records.get(key)

    def records(self) -> tuple[Record, ...]:
        """Return all records, oldest first."""
        with self._lock:
            self._catch_up()
            return tuple(self._records.values())

    def _append(self, file: BufferedWriter, new: Record) -> None:
        line = msgspec.json.encode(new) + b"\n"
        file.truncate(self._read)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
        self._read += len(line)

    def _add(self, new: Record) -> None:
        if self._records.setdefault(new.idempotency_key, new) != new:
            raise ValueError("the idempotency key belongs to another charge")

    def _catch_up(self) -> None:
        """Read the whole lines that were added since the last time."""
        if self._path is None or not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                record = _decoder.decode(line)
                self._records[record.idempotency_key] = record


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
