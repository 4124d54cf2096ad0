"""The relay: publishes what commits left in the outbox, at least once and in order per aggregate.

A row's id is taken under its aggregate's row lock, so of one aggregate a reader who sees a row also sees or has seen
every earlier one. That holds for each statement's own snapshot only: reading on behind the last id would overtake a
late commit. So every read begins at the start, leaves out exactly the rows that are on their way, and exactly the
rows that were confirmed are deleted.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import BigInteger, Executable, Table, bindparam, delete, func, not_, select

from application.kernel.ports import IEventPublisher
from domain.shared.errors import Unavailable
from domain.shared.events import EventEnvelope
from domain.shared.ids import EventId, OrganizationId
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
        statement = self._database.prepare("outbox-read", _read)
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


def _envelope(row: Row) -> EventEnvelope:
    return EventEnvelope(
        event_id=EventId(cast("UUID", row[1])),
        type=cast("str", row[2]),
        schema_version=cast("int", row[3]),
        occurred_at=cast("datetime", row[4]),
        organization_id=OrganizationId(cast("UUID", row[5])),
        aggregate_type=cast("str", row[6]),
        aggregate_id=cast("UUID", row[7]),
        aggregate_version=cast("int", row[8]),
        traceparent=cast("str | None", row[9]),
        payload=cast("str", row[10]),
    )


def _ids() -> ListOf:
    return ListOf(BigInteger())


def _read() -> Executable:
    c = _OUTBOX.c
    return (
        select(
            c.id, c.event_id, c.type, c.schema_version, c.occurred_at, c.organization_id, c.aggregate_type,
            c.aggregate_id, c.aggregate_version, c.traceparent, c.payload,
        )
        .where(not_(AnyOf(c.id, bindparam("ids", type_=_ids()))))
        .order_by(c.id)
        .limit(BATCH)
    )  # fmt: skip


def _delete() -> Executable:
    return delete(_OUTBOX).where(AnyOf(_OUTBOX.c.id, bindparam("ids", type_=_ids())))


def _count() -> Executable:
    return select(func.count()).select_from(select(_OUTBOX.c.id).limit(_COUNTED).subquery())
