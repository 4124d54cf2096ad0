"""The relay: publishes what commits left in the outbox, at least once and in order per aggregate.

A row's id is taken under its aggregate's row lock, so of one aggregate a reader who sees a row also sees or has seen
every earlier one. That holds for each statement's own snapshot only: reading on behind the last id would overtake a
late commit. So every read begins at the start, leaves out exactly the rows that are on their way, and exactly the
rows that were confirmed are deleted.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, Executable, Table, bindparam, delete, func, not_, select

from application.kernel.ports import IEventPublisher
from domain.shared.errors import Unavailable
from domain.shared.events import EventEnvelope
from infrastructure.observability.metrics import Metrics
from infrastructure.persistence.database import Database
from infrastructure.persistence.models.technical import OutboxRow
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import ListOf
from infrastructure.workers.connection import WorkerConnection
from infrastructure.workers.leader import Leader
from infrastructure.workers.wakeup import Wakeup

BATCH = 1000
# Counting further would cost more than anybody wants to know.
_COUNTED = 100_000
_COUNT_SECONDS = 1.0
_OUTBOX = cast("Table", OutboxRow.__table__)
type Row = Sequence[object]


class Relay(Leader):
    """One active relay publishes and deletes; the others stand by."""

    name = "relay"
    lock_key = int.from_bytes(b"stoarely")

    def __init__(
        self,
        database: Database,
        publisher: IEventPublisher,
        *,
        wakeup: Wakeup | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        super().__init__(database, wakeup)
        self._publisher = publisher
        self._metrics = metrics or Metrics()
        self._counted_at = -_COUNT_SECONDS
        self.published = 0

    async def drain_once(self) -> int:
        """Publish everything there is and return how much it was; nothing while another relay leads.

        Raises:
            Unavailable: the publisher or the database failed; what was not confirmed is still there.
        """
        return await self._once()

    async def _work(self, connection: WorkerConnection) -> int:
        count = 0
        batch = await self._read(connection, [])
        while batch:
            await self._count(connection)
            ids = [row[0] for row in batch]
            ahead = await self._publish_and_read_on(connection, batch, ids)
            await connection.rows(self._database.prepare("outbox-delete", _delete), {"ids": ids})
            count += len(batch)
            batch = ahead or await self._read(connection, [])
        self._metrics.set_outbox_backlog(0)
        return count

    async def _read(self, connection: WorkerConnection, under_way: Sequence[object]) -> Sequence[Row]:
        statement = self._database.prepare("outbox-read", lambda: _read(postgres=self._database.is_postgres))
        return await connection.rows(statement, {"ids": under_way})

    async def _publish_and_read_on(
        self, connection: WorkerConnection, batch: Sequence[Row], ids: Sequence[object]
    ) -> Sequence[Row]:
        """Publish a batch, and meanwhile read the next one when there probably is one."""
        publishing = asyncio.ensure_future(self._publish(batch))
        ahead: Sequence[Row] = []
        try:
            if len(batch) == BATCH:
                ahead = await self._read(connection, ids)
            await publishing
        except BaseException:
            # Failed reading must not leave a publication behind that nobody waits for.
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)
            raise
        return ahead

    async def _publish(self, batch: Sequence[Row]) -> None:
        events = [_envelope(row) for row in batch]
        try:
            await self._publisher.publish_batch(events)
        except Unavailable:
            self._metrics.observe_publish_failure()
            raise
        self.published += len(events)
        oldest = min(event.occurred_at.timestamp() for event in events)
        self._metrics.observe_published(len(events), time.time() - oldest)

    async def _count(self, connection: WorkerConnection) -> None:
        if time.monotonic() - self._counted_at >= _COUNT_SECONDS:
            self._counted_at = time.monotonic()
            rows = await connection.rows(self._database.prepare("outbox-count", _count), {})
            self._metrics.set_outbox_backlog(cast("int", rows[0][0]))


def _envelope(row: Sequence[Any]) -> EventEnvelope:  # reason: a positional row, in the order of the envelope
    return EventEnvelope._make(row[1:])


def _ids() -> ListOf:
    return ListOf(BigInteger())


def _read(*, postgres: bool) -> Executable:
    c = _OUTBOX.c
    return (
        select(
            c.id, c.event_id, c.type, c.schema_version, c.occurred_at, c.organization_id, c.aggregate_type,
            c.aggregate_id, c.aggregate_version, c.traceparent, c.payload,
        )
        .where(_elsewhere(postgres=postgres))
        .order_by(c.id)
        .limit(BATCH)
    )  # fmt: skip


def _elsewhere(*, postgres: bool) -> ColumnElement[bool]:
    """Leave out the rows under way. PostgreSQL hashes a sub-select and compares an array item by item."""
    ids = bindparam("ids", type_=_ids())
    if postgres:
        return _OUTBOX.c.id.not_in(select(func.unnest(ids).column_valued("under_way")))
    return not_(AnyOf(_OUTBOX.c.id, ids))


def _delete() -> Executable:
    return delete(_OUTBOX).where(AnyOf(_OUTBOX.c.id, bindparam("ids", type_=_ids())))


def _count() -> Executable:
    return select(func.count()).select_from(select(_OUTBOX.c.id).limit(_COUNTED).subquery())
