"""The sealer: chains audit entries after their commit, and anchors the ends of the chains outside of the tables.

Chaining inside the business transaction would make an organization's writes wait for each other.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, cast
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Executable, Table, bindparam, column, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from application.kernel.causality import traceparent_of
from application.kernel.ports import IClock, IIds
from domain.audit.audit_entry import AuditEntry
from domain.audit.chain import GENESIS, link
from domain.shared.ids import EventId, encode_id
from infrastructure.observability.metrics import Metrics
from infrastructure.persistence import bulk
from infrastructure.persistence.database import Database
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.technical import AuditEntryRow, AuditHeadRow, OutboxRow
from infrastructure.persistence.types import Guid, JsonText, UtcDateTime, text
from infrastructure.system import SystemClock, UuidV7Ids
from infrastructure.workers import anchors as anchor_file
from infrastructure.workers.anchors import Anchor
from infrastructure.workers.connection import WorkerConnection
from infrastructure.workers.leader import Leader
from infrastructure.workers.wakeup import Wakeup

BATCH = 1000
ANCHOR_SECONDS = 10.0
HEAD_EVENT = "audit_head.sealed"
_ENTRIES = Mapper(AuditEntry, AuditEntryRow)
_HEADS = cast("Table", AuditHeadRow.__table__)
_OUTBOX = cast("Table", OutboxRow.__table__)
_EVENT_COLUMNS = (
    "organization_id", "event_id", "type", "schema_version", "occurred_at", "aggregate_type", "aggregate_id",
    "aggregate_version", "traceparent", "payload",
)  # fmt: skip


class Head(NamedTuple):
    """The end of an organization's chain."""

    seq: int
    hash: str


class Sealer(Leader):
    """One active sealer gives every entry its place and its hash; the others stand by."""

    name = "sealer"
    lock_key = int.from_bytes(b"stoaseal")

    def __init__(
        self,
        database: Database,
        key: bytes,
        *,
        anchors: Path | None,
        wakeup: Wakeup | None = None,
        metrics: Metrics | None = None,
        clock: IClock | None = None,
        ids: IIds | None = None,
        anchor_seconds: float = ANCHOR_SECONDS,
    ) -> None:
        """Anchor each organization's head at most once in ``anchor_seconds``: in the outbox, and in the file if any."""
        super().__init__(database, wakeup)
        self._key = key
        self._file = anchors
        self._metrics = metrics or Metrics()
        self._anchor_seconds = anchor_seconds
        self._clock = clock or SystemClock()
        self._ids = ids or UuidV7Ids()
        self._unanchored: dict[UUID, Head] = {}
        self._anchored_at: dict[UUID, float] = {}

    async def seal_once(self) -> int:
        """Seal everything there is and return how much it was; nothing while another sealer leads.

        Raises:
            Unavailable: the database failed; what was not sealed is still there.
        """
        return await self._once()

    async def _elected(self, connection: WorkerConnection) -> None:
        """Find the heads that a crash left without an anchor."""
        rows = await connection.rows(self._database.prepare("audit-heads", _all_heads), {})
        known = await asyncio.to_thread(anchor_file.newest, self._file) if self._file else None
        heads = {cast("UUID", row[0]): Head(cast("int", row[1]), cast("str", row[2])) for row in rows}
        self._unanchored = {
            organization: head
            for organization, head in heads.items()
            if known is not None and head.seq > known.get(organization, 0)
        }

    async def _work(self, connection: WorkerConnection) -> int:
        count, found = 0, BATCH
        while found == BATCH:
            rows = await connection.rows(self._database.prepare("audit-unsealed", _unsealed), {})
            found = len(rows)
            self._metrics.set_audit_unsealed(found)
            by_organization: defaultdict[UUID, list[AuditEntry]] = defaultdict(list)
            for entry in map(_ENTRIES.hydrate, rows):
                by_organization[entry.organization_id].append(entry)
            for organization, entries in by_organization.items():
                self._unanchored[organization] = await self._seal(connection, organization, entries)
            count += found
        self._metrics.set_audit_unsealed(0)
        await self._anchor(connection)
        return count

    async def _seal(self, connection: WorkerConnection, organization: UUID, entries: Sequence[AuditEntry]) -> Head:
        """Append entries to one organization's chain, whose head row is locked meanwhile."""
        params = {"organization": organization, "sealed_at": self._clock.now()}
        async with connection.transaction():
            lock = self._database.prepare("audit-head-lock", lambda: _lock_head(postgres=self._database.is_postgres))
            found = (await connection.rows(lock, params))[0]
            head = Head(cast("int", found[0]), cast("str", found[1]))
            links: list[dict[str, object]] = []
            for entry in entries:
                head = Head(head.seq + 1, link(self._key, head.hash, head.seq + 1, entry))
                links.append({"id": entry.id, "seq": head.seq, "hash": head.hash})
            await self._write(connection, organization, links)
            move = self._database.prepare("audit-head-move", _move_head)
            await connection.rows(move, {**params, "new_seq": head.seq, "new_hash": head.hash})
        return head

    async def _write(
        self, connection: WorkerConnection, organization: UUID, links: Sequence[dict[str, object]]
    ) -> None:
        if self._database.is_postgres:
            statement = self._database.prepare("audit-seal", _seal_from_json)
            params = {"organization": organization, "links": msgspec.json.encode(links).decode()}
            if len(await connection.rows(statement, params)) != len(links):
                raise RuntimeError("an entry was sealed by somebody else; nothing is written")
            return
        statement = self._database.prepare("audit-seal", _seal_one)
        await connection.many(
            statement,
            [
                {"organization": organization, "entry": each["id"], "new_seq": each["seq"], "new_hash": each["hash"]}
                for each in links
            ],
        )

    async def _anchor(self, connection: WorkerConnection) -> None:
        """Publish the heads that moved, through the outbox and then the file; a crash between repeats the first."""
        now = time.monotonic()
        recent = {o: at for o, at in self._anchored_at.items() if now - at < self._anchor_seconds}
        due = {o: head for o, head in self._unanchored.items() if o not in recent}
        if due:
            at = self._clock.now()
            statement = self._database.prepare(
                "audit-head-event", lambda: bulk.values_statement(_OUTBOX, _EVENT_COLUMNS)
            )
            await connection.many(statement, [self._event(o, head, at) for o, head in due.items()])
            if self._file is not None:
                lines = [Anchor.of(o, head.seq, head.hash, at) for o, head in due.items()]
                await asyncio.to_thread(anchor_file.append, self._file, lines)
        self._anchored_at = recent | dict.fromkeys(due, now)
        self._unanchored = {o: head for o, head in self._unanchored.items() if o not in due}

    def _event(self, organization: UUID, head: Head, at: datetime) -> dict[str, object]:
        event_id = EventId(self._ids.new())
        public = encode_id("org", organization)
        payload = {
            "event_id": encode_id("evt", event_id), "type": HEAD_EVENT, "schema_version": 1, "occurred_at": at,
            "organization_id": public, "actor": "sealer",
            "aggregate": {"type": "audit_head", "id": public, "version": head.seq},
            "correlation_id": str(event_id), "causation_id": None, "data": {"seq": head.seq, "hash": head.hash},
        }  # fmt: skip
        values = (
            organization, event_id, HEAD_EVENT, 1, at, "audit_head", organization, head.seq,
            traceparent_of(event_id, str(event_id)),
            msgspec.json.encode(payload).decode(),
        )  # fmt: skip
        return {f"c_{name}": value for name, value in zip(_EVENT_COLUMNS, values, strict=True)}


def _all_heads() -> Executable:
    return select(_HEADS.c.organization_id, _HEADS.c.seq, _HEADS.c.hash)


def _unsealed() -> Executable:
    c = _ENTRIES.table.c
    return select(*_ENTRIES.columns).where(c.seq.is_(None)).order_by(c.entry_no).limit(BATCH)


def _lock_head(*, postgres: bool) -> Executable:
    """Insert the head of an empty chain or lock the one that is there, and return it."""
    values = {
        "organization_id": bindparam("organization", type_=Guid()), "seq": 0, "hash": GENESIS,
        "sealed_at": bindparam("sealed_at", type_=UtcDateTime()),
    }  # fmt: skip
    statement = (postgresql.insert(_HEADS) if postgres else sqlite.insert(_HEADS)).values(values)
    locked = statement.on_conflict_do_update(index_elements=["organization_id"], set_={"seq": _HEADS.c.seq})
    return locked.returning(_HEADS.c.seq, _HEADS.c.hash)


def _move_head() -> Executable:
    return (
        update(_HEADS)
        .where(_HEADS.c.organization_id == bindparam("organization", type_=Guid()))
        .values(
            seq=bindparam("new_seq", type_=BigInteger()), hash=bindparam("new_hash", type_=text(64)),
            sealed_at=bindparam("sealed_at", type_=UtcDateTime()),
        )
    )  # fmt: skip


def _seal_from_json() -> Executable:
    table = _ENTRIES.table
    columns = [column(name, table.c[name].type) for name in ("id", "seq", "hash")]
    links = func.jsonb_to_recordset(bindparam("links", type_=JsonText())).table_valued(*columns)
    given = links.render_derived(name="given", with_types=True)
    return (
        update(table)
        .where(
            table.c.organization_id == bindparam("organization", type_=Guid()),
            table.c.id == given.c.id,
            table.c.seq.is_(None),
        )
        .values(seq=given.c.seq, hash=given.c.hash)
        .returning(table.c.id)
    )


def _seal_one() -> Executable:
    table = _ENTRIES.table
    return (
        update(table)
        .where(
            table.c.organization_id == bindparam("organization", type_=Guid()),
            table.c.id == bindparam("entry", type_=Guid()),
            table.c.seq.is_(None),
        )
        .values(seq=bindparam("new_seq", type_=BigInteger()), hash=bindparam("new_hash", type_=text(64)))
    )
