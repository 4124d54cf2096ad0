"""Checks every audit chain against its hashes, its head and its anchors, reading in pages.

Reads only, as the sealer's role, and may run beside the sealer: heads are read before their chains, so a chain may be
found longer than its head said, never shorter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import cast
from uuid import UUID

from sqlalchemy import BigInteger, Executable, Table, bindparam, func, select, tuple_

from domain.audit.audit_entry import AuditEntry
from domain.audit.chain import GENESIS, link
from domain.shared.ids import encode_id
from infrastructure.persistence.database import Database
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.technical import AuditEntryRow, AuditHeadRow
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import Guid, ListOf
from infrastructure.workers import anchors as anchor_file
from infrastructure.workers.connection import WorkerConnection, connected

PAGE = 2000
# Transactions end after 15 seconds, so honest entries are never sealed much later than younger ones.
BACKDATED = timedelta(minutes=5)
_ENTRIES = Mapper(AuditEntry, AuditEntryRow)
_HEADS = cast("Table", AuditHeadRow.__table__)
_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)
_END = 2**63 - 1
_DAWN = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AuditProblem:
    """The first bad row of one organization; ids as they are shown outside."""

    organization_id: str
    seq: int
    entry_id: str | None
    reason: str


@dataclass(slots=True)
class AuditReport:
    """What was read and what was wrong. Entries younger than the sealer's last pass are unsealed, not wrong."""

    organizations: int = 0
    entries: int = 0
    anchors: int = 0
    unreadable_anchors: int = 0
    unsealed: int = 0
    oldest_unsealed: timedelta | None = None
    problems: list[AuditProblem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every chain holds."""
        return not self.problems


async def verify(
    database: Database,
    key: bytes,
    anchors: Path | None,
    *,
    progress: Callable[[int], None] | None = None,
) -> AuditReport:
    """Check everything; ``progress`` hears the number of entries read so far after each page.

    Raises:
        Unavailable: the database does not answer.
    """
    async with connected(database) as connection:
        return await _Verification(database, connection, key, progress or (lambda _: None)).run(anchors)


@dataclass(slots=True)
class _Chain:
    """How far one organization's chain was followed."""

    organization: UUID
    head_seq: int
    head_hash: str
    seq: int = 0
    hash: str = GENESIS
    newest: datetime = _DAWN


class _Verification:
    def __init__(
        self, database: Database, connection: WorkerConnection, key: bytes, progress: Callable[[int], None]
    ) -> None:
        self._database = database
        self._connection = connection
        self._key = key
        self._progress = progress
        self._report = AuditReport()
        self._problems: dict[UUID, AuditProblem] = {}
        self._heads: dict[UUID, tuple[int, str]] = {}

    async def run(self, anchors: Path | None) -> AuditReport:
        rows = await self._connection.rows(self._database.prepare("verify-heads", _select_heads), {})
        self._heads = {cast("UUID", row[0]): (cast("int", row[1]), cast("str", row[2])) for row in rows}
        await self._follow_chains()
        for organization in self._heads:
            # What is left has no entry at all.
            self._blame(organization, 1, None, "the chain is gone, its head is not")
        if anchors is not None:
            for batch in batched(anchor_file.read(anchors), 10_000, strict=False):
                await self._check_anchors(batch)
        await self._count_unsealed()
        self._report.problems = [self._problems[organization] for organization in sorted(self._problems)]
        return self._report

    async def _follow_chains(self) -> None:
        statement = self._database.prepare("verify-page", _select_page)
        chain: _Chain | None = None
        position = (_FIRST, 0, _FIRST)
        while True:
            after = dict(zip(("after_organization", "after_seq", "after_id"), position, strict=True))
            rows = await self._connection.rows(statement, after)
            broken: UUID | None = None
            for entry in map(_ENTRIES.hydrate, rows):
                position = (entry.organization_id, entry.seq or 0, entry.id)
                if entry.organization_id == broken:
                    continue
                if chain is None or chain.organization != entry.organization_id:
                    await self._finish(chain)
                    chain = self._begin(entry.organization_id)
                if not self._follows(chain, entry):
                    broken, chain = entry.organization_id, None
            self._report.entries += len(rows)
            self._progress(self._report.entries)
            if len(rows) < PAGE:
                break
            if broken == position[0]:
                # Whatever comes after the first bad row proves nothing: go on with the next organization.
                position = (broken, _END, _LAST)
        await self._finish(chain)

    def _begin(self, organization: UUID) -> _Chain:
        self._report.organizations += 1
        seq, hash_ = self._heads.pop(organization, (0, GENESIS))
        return _Chain(organization, seq, hash_)

    def _follows(self, chain: _Chain, entry: AuditEntry) -> bool:
        """Check one entry against its predecessor, and move the chain on to it."""
        seq = chain.seq + 1
        hash_ = link(self._key, chain.hash, seq, entry)
        reason = None
        if entry.seq != seq:
            reason = f"expected seq {seq}: entries are missing, repeated or moved"
        elif entry.hash != hash_:
            reason = "the hash does not fit: the entry or one before it was changed"
        elif entry.seq == chain.head_seq and chain.head_hash != hash_:
            reason = "the head of the chain does not fit"
        elif entry.occurred_at + BACKDATED < chain.newest:
            reason = "the entry is older than its predecessors: it was back-dated"
        if reason is not None:
            self._blame(entry.organization_id, min(seq, entry.seq or seq), entry.id, reason)
            return False
        chain.seq, chain.hash, chain.newest = seq, hash_, max(chain.newest, entry.occurred_at)
        return True

    async def _finish(self, chain: _Chain | None) -> None:
        """Check that an unbroken chain ends where its head says; the sealer may have gone on since we read it."""
        if chain is None:
            return
        if chain.seq < chain.head_seq:
            self._blame(chain.organization, chain.seq + 1, None, f"the chain ends before its head, {chain.head_seq}")
        elif chain.seq > chain.head_seq:
            statement = self._database.prepare("verify-head", _select_head)
            rows = await self._connection.rows(statement, {"organization": chain.organization})
            if not rows or cast("int", rows[0][0]) < chain.seq:
                self._blame(chain.organization, chain.seq, None, "the chain is longer than its head says")

    async def _check_anchors(self, batch: Sequence[tuple[UUID, anchor_file.Anchor] | None]) -> None:
        wanted: dict[UUID, dict[int, str]] = {}
        for pair in batch:
            if pair is None:
                self._report.unreadable_anchors += 1
                continue
            organization, anchor = pair
            if wanted.setdefault(organization, {}).setdefault(anchor.seq, anchor.hash) != anchor.hash:
                self._blame(organization, anchor.seq, None, "two anchors of one place differ: a chain was replaced")
            self._report.anchors += 1
        statement = self._database.prepare("verify-anchors", _select_anchored)
        for organization, hashes in wanted.items():
            params = {"organization": organization, "seqs": sorted(hashes)}
            rows = await self._connection.rows(statement, params)
            self._compare(organization, hashes, {cast("int", row[0]): (cast("UUID", row[1]), row[2]) for row in rows})

    def _compare(self, organization: UUID, hashes: dict[int, str], stored: dict[int, tuple[UUID, object]]) -> None:
        for seq in sorted(hashes):
            entry_id, hash_ = stored.get(seq, (None, None))
            if entry_id is None:
                self._blame(organization, seq, None, "an anchored entry is gone")
            elif hash_ != hashes[seq]:
                self._blame(organization, seq, entry_id, "the hash is not the one that was anchored")

    def _blame(self, organization: UUID, seq: int, entry_id: UUID | None, reason: str) -> None:
        """Keep the first bad row of the organization."""
        known = self._problems.get(organization)
        if known is None or seq < known.seq:
            public = None if entry_id is None else encode_id("aud", entry_id)
            self._problems[organization] = AuditProblem(encode_id("org", organization), seq, public, reason)

    async def _count_unsealed(self) -> None:
        rows = await self._connection.rows(self._database.prepare("verify-unsealed", _select_unsealed), {})
        self._report.unsealed = cast("int", rows[0][0])
        if rows[0][1] is not None:
            self._report.oldest_unsealed = datetime.now(UTC) - cast("datetime", rows[0][1])


def _select_heads() -> Executable:
    return select(_HEADS.c.organization_id, _HEADS.c.seq, _HEADS.c.hash).order_by(_HEADS.c.organization_id)


def _select_head() -> Executable:
    return select(_HEADS.c.seq).where(_HEADS.c.organization_id == bindparam("organization", type_=Guid()))


def _select_page() -> Executable:
    c = _ENTRIES.table.c
    place = tuple_(c.organization_id, c.seq, c.id)
    after = tuple_(
        bindparam("after_organization", type_=Guid()), bindparam("after_seq", type_=BigInteger()),
        bindparam("after_id", type_=Guid()),
    )  # fmt: skip
    return select(*_ENTRIES.columns).where(c.seq.is_not(None), place > after).order_by(*place).limit(PAGE)


def _select_anchored() -> Executable:
    c = _ENTRIES.table.c
    return select(c.seq, c.id, c.hash).where(
        c.organization_id == bindparam("organization", type_=Guid()),
        AnyOf(c.seq, bindparam("seqs", type_=ListOf(BigInteger()))),
    )


def _select_unsealed() -> Executable:
    c = _ENTRIES.table.c
    return select(func.count(), func.min(c.occurred_at)).where(c.seq.is_(None))
