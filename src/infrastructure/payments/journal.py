"""The sandbox provider's memory: an SQLite file of its own, as a provider's records are nobody else's."""

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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


type RefundsOf = Callable[[str], list[Record]]
type Make = Callable[[RefundsOf], Record]

_decoder = msgspec.json.Decoder(Record)
_WAITS_FOR_OTHERS = 30
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    reference TEXT NOT NULL,
    charge_reference TEXT,
    record BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_records_reference ON records (reference);
CREATE INDEX IF NOT EXISTS ix_records_charge_reference ON records (charge_reference);
"""
_ADD = "INSERT INTO records (key, reference, charge_reference, record) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_BY_KEY = "SELECT record FROM records WHERE key = ?"
_CHARGE_BY_NAME = "SELECT record FROM records WHERE reference = ? AND charge_reference IS NULL"
_BY_CHARGE = "SELECT record FROM records WHERE charge_reference = ? ORDER BY number"
_ALL = "SELECT record FROM records ORDER BY number"


class Journal:
    """At most one record per key, for all threads and all processes that share the file.

    A record counts once its transaction is on disk; what a killed process left of one never happened. Without a path
    everything stays in memory. Lines of JSON, as they were kept in earlier days, are read at every start from the file
    of the same name that ends in ``.jsonl``.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._opened: sqlite3.Connection | None = None

    def record(self, make: Make) -> Record:
        """Add the record that ``make`` makes, unless its key has one; return the key's record.

        ``make`` may ask for the refunds of a charge by its reference, of which there will be no more meanwhile.

        Raises:
            ValueError: the key belongs to another charge or refund.
        """
        with self._database(alone=True) as database:
            new = make(lambda charge: _records(database, _BY_CHARGE, charge))
            known = next(iter(_records(database, _BY_KEY, new.idempotency_key)), None)
            if known is None:
                database.execute(_ADD, _row(new))
            elif not known.is_same_request(new):
                raise ValueError(f"the idempotency key belongs to another {known.kind}")
            return known or new

    def find(self, key: str) -> Record | None:
        """Return the record of a key, whichever process wrote it."""
        with self._database() as database:
            return next(iter(_records(database, _BY_KEY, key)), None)

    def charge_named(self, reference: str) -> Record | None:
        """Return the charge that the provider gave this name."""
        with self._database() as database:
            return next(iter(_records(database, _CHARGE_BY_NAME, reference)), None)

    def records(self) -> tuple[Record, ...]:
        """Return all records, oldest first."""
        with self._database() as database:
            return tuple(_records(database, _ALL))

    @contextmanager
    def _database(self, *, alone: bool = False) -> Iterator[sqlite3.Connection]:
        """Open it at the first use. ``alone``, all of the block counts or nothing, and nobody else writes meanwhile."""
        with self._lock:
            if self._opened is None:
                self._opened = _open(self._path)
                weakref.finalize(self, self._opened.close)
            if not alone:
                yield self._opened
                return
            self._opened.execute("BEGIN IMMEDIATE")
            with self._opened:
                yield self._opened


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only who makes the file opens it by hand: closing it would take away the locks that SQLite has on it.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    database = sqlite3.connect(
        path or ":memory:", timeout=_WAITS_FOR_OTHERS, isolation_level=None, check_same_thread=False
    )
    try:
        # Also the end of a transaction survives a power failure.
        database.execute("PRAGMA synchronous = EXTRA")
        database.executescript(_SCHEMA)
        if path is not None:
            _read_lines(database, path.with_suffix(".jsonl"))
    except BaseException:
        database.close()
        raise
    return database


def _read_lines(database: sqlite3.Connection, older: Path) -> None:
    if older.exists():
        whole_lines = older.read_bytes().rpartition(b"\n")[0].splitlines()
        database.execute("BEGIN IMMEDIATE")
        with database:
            database.executemany(_ADD, [_row(_decoder.decode(line)) for line in whole_lines])


def _row(record: Record) -> tuple[str, str, str | None, bytes]:
    return record.idempotency_key, record.reference, record.charge_reference, msgspec.json.encode(record)


def _records(database: sqlite3.Connection, query: str, *parameters: str) -> list[Record]:
    return [_decoder.decode(record) for (record,) in database.execute(query, parameters)]
