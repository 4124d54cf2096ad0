"""The sandbox provider's memory: a file of JSON lines that is only ever appended to."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterable
from io import BufferedWriter
from pathlib import Path
from typing import Literal

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One effect: the charge or refund with this key was carried out, or declined. Amounts are in minor units.

    Of a refund ``token`` is the charge's, and ``charge_reference`` its name.
    """

    idempotency_key: str
    kind: Literal["charge", "refund"] = "charge"
    amount: int
    currency: str
    token: str
    reference: str
    charge_reference: str | None = None
    fee: int | None = None
    decline_code: str | None
    permanent: bool

    def is_same_request(self, other: "Record") -> bool:
        """Say whether both were asked for in the same words."""
        return (self.kind, self.amount, self.currency, self.token, self.charge_reference) == (
            other.kind, other.amount, other.currency, other.token, other.charge_reference,
        )  # fmt: skip


_decoder = msgspec.json.Decoder(Record)

type Make = Callable[[Iterable[Record]], Record]


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

    def record(self, make: Make) -> Record:
        """Add the record that ``make`` makes of all before it, unless its key has one; return the key's record.

        Raises:
            ValueError: the key belongs to another charge or refund.
        """
        with self._lock:
            if self._path is None:
                return self._add(make, None)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(self._path, "ab", opener=_private) as file:
                # The lock belongs to the open file and ends with it, however the process ends.
                fcntl.flock(file, fcntl.LOCK_EX)
                self._catch_up()
                return self._add(make, file)

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

    def _add(self, make: Make, file: BufferedWriter | None) -> Record:
        new = make(self._records.values())
        known = self._records.get(new.idempotency_key)
        if known is not None:
            if not known.is_same_request(new):
                raise ValueError(f"the idempotency key belongs to another {known.kind}")
            return known
        if file is not None:
            self._append(file, new)
        self._records[new.idempotency_key] = new
        return new

    def _append(self, file: BufferedWriter, new: Record) -> None:
        line = msgspec.json.encode(new) + b"\n"
        file.truncate(self._read)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
        self._read += len(line)

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
