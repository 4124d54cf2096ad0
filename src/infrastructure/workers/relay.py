"""The relay: publishes what commits left in the outbox, at least once and in order per aggregate, and logs it.

A row's id is taken under its aggregate's row lock, so of one aggregate a reader who sees a row also sees or has seen
every earlier one. That holds for each statement's own snapshot only: reading on behind the last id would overtake a
late commit. So every read begins at the start, leaves out exactly the rows that are on their way, and exactly the
rows that were confirmed move into the event log, where deliveries to webhooks begin.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, Executable, Integer, Table, bindparam, func, not_, select

from application.kernel.actor import NOWHERE
from application.kernel.ports import IEventPublisher
from domain.shared.errors import Unavailable
from domain.shared.events import EventEnvelope
from infrastructure.observability.metrics import Metrics
from infrastructure.observability.spans import NO_SPANS, Kind, Spans
from infrastructure.persistence.database import Database
from infrastructure.persistence.models.technical import OutboxRow
from infrastructure.persistence.pool import STATEMENT_SECONDS
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import ListOf
from infrastructure.workers.connection import WorkerConnection
from infrastructure.workers.leader import Leader
from infrastructure.workers.publication import PRUNED, Publication
from infrastructure.workers.rounds import together
from infrastructure.workers.wakeup import Wakeup

BATCH = 1000
"""The most that a kill makes come again."""

RETENTION = timedelta(days=30)
# Counting further would cost more than anybody wants to know.
_COUNTED = 100_000
_COUNT_SECONDS = 1.0
_LED_SECONDS = 20.0  # longer than the longest pass over a broker that is away, and the pause after it
_PRUNE_SECONDS = 60.0
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
        retention: timedelta = RETENTION,
        deliveries: Wakeup | None = None,
        wakeup: Wakeup | None = None,
        metrics: Metrics | None = None,
        spans: Spans = NO_SPANS,
    ) -> None:
        super().__init__(database, wakeup)
        self._publisher = publisher
        self._publication = Publication(database, retention)
        self._deliveries = deliveries or Wakeup()
        self._metrics = metrics or Metrics()
        self._spans = spans
        self._led_at = -_LED_SECONDS
        self._pruned_at = -_PRUNE_SECONDS
        self.published = 0

    async def run(self) -> None:
        """Lead or stand by until cancelled, and show meanwhile how much waits."""
        await together(super().run(), self._keep_counting())

    async def drain_once(self) -> int:
        """Publish everything there is and return how much it was; nothing while another relay leads.

        Raises:
            Unavailable: the publisher or the database failed; what was not confirmed is still there.
        """
        return await self._once()

    async def _work(self, connection: WorkerConnection) -> int:
        """Publish batch after batch; while one is under way, the one before it moves and the next one is read."""
        self._led_at = time.monotonic()
        count = 0
        confirmed: Sequence[Row] = []
        batch = await self._read([])
        while batch or confirmed:
            if batch:
                ahead = await self._publish_meanwhile(connection, batch, confirmed)
                count += len(batch)
                confirmed, batch = batch, ahead
            else:
                await self._move(connection, confirmed)
                confirmed, batch = [], await self._read([])
        self._metrics.set_outbox_backlog(0)
        await self._prune(connection)
        return count

    async def _prune(self, connection: WorkerConnection) -> None:
        """Forget a bounded number of old events in every pass, until there are none for a while."""
        if time.monotonic() - self._pruned_at >= _PRUNE_SECONDS and await self._publication.prune(connection) < PRUNED:
            self._pruned_at = time.monotonic()

    async def _read(self, under_way: Sequence[object]) -> Sequence[Row]:
        """Read beside the leading session, which may be moving rows meanwhile."""
        statement = self._database.prepare("outbox-read", lambda: _read(postgres=self._database.is_postgres))
        params = {"ids": under_way, "most": _half()}
        return await self._database.read(statement, params, organization_id=NOWHERE, patience=STATEMENT_SECONDS)

    async def _publish_meanwhile(
        self, connection: WorkerConnection, batch: Sequence[Row], confirmed: Sequence[Row]
    ) -> Sequence[Row]:
        """Publish a batch; meanwhile read the next one when there probably is one, and move the one before."""
        ahead: list[Row] = []

        async def read_ahead() -> None:
            ahead.extend(await self._read([*_ids_of(batch), *_ids_of(confirmed)]))

        work = [self._publish(batch)]
        if len(batch) >= _half():
            work.append(read_ahead())
        if confirmed:
            work.append(self._move(connection, confirmed))
        await together(*work)
        return ahead

    async def _move(self, connection: WorkerConnection, confirmed: Sequence[Row]) -> None:
        """Move confirmed rows into the log, and wake whoever delivers to webhooks when one of them is wanted."""
        if await self._publication.move(connection, _ids_of(confirmed)):
            self._deliveries.wake()

    async def _publish(self, batch: Sequence[Row]) -> None:
        events = [_envelope(row) for row in batch]
        try:
            made = [event.traceparent for event in events]
            with self._spans.around("publish events", Kind.PRODUCER, {"messaging.batch.message_count": len(events)},
                                    links=made):  # fmt: skip
                await self._publisher.publish_batch(events)
        except Unavailable:
            self._metrics.observe_publish_failure()
            raise
        self.published += len(events)
        oldest = min(event.occurred_at.timestamp() for event in events)
        self._metrics.observe_published(len(events), time.time() - oldest)

    async def _keep_counting(self) -> None:
        """Count beside the leading session: a broker that is away keeps that one waiting, or makes it start over.

        Who has not led for a while shows nothing, as another relay does.
        """
        while True:
            await asyncio.sleep(_COUNT_SECONDS)
            with suppress(Unavailable):
                leads = time.monotonic() - self._led_at < _LED_SECONDS
                waiting = await self._waiting() if leads else 0
                self._metrics.set_outbox_backlog(waiting)

    async def _waiting(self) -> int:
        statement = self._database.prepare("outbox-count", _count)
        rows = await self._database.read(statement, {}, organization_id=NOWHERE, patience=STATEMENT_SECONDS)
        return cast("int", rows[0][0])


def _envelope(row: Sequence[Any]) -> EventEnvelope:  # reason: a positional row, in the order of the envelope
    return EventEnvelope._make(row[1:])


def _half() -> int:
    """Return the size of a batch: a kill repeats the one that is under way and the one that has not moved yet."""
    return max(1, BATCH // 2)


def _ids_of(batch: Sequence[Row]) -> list[int]:
    return [cast("int", row[0]) for row in batch]


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
        .limit(bindparam("most", type_=Integer()))
    )  # fmt: skip


def _elsewhere(*, postgres: bool) -> ColumnElement[bool]:
    """Leave out the rows under way. PostgreSQL hashes a sub-select and compares an array item by item."""
    ids = bindparam("ids", type_=_ids())
    if postgres:
        return _OUTBOX.c.id.not_in(select(func.unnest(ids).column_valued("under_way")))
    return not_(AnyOf(_OUTBOX.c.id, ids))


def _count() -> Executable:
    return select(func.count()).select_from(select(_OUTBOX.c.id).limit(_COUNTED).subquery())
