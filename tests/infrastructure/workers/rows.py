"""Plain rows for the workers to find, and a look at what they left; past every wall, as the superuser."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy import Executable, Table, insert, text

from application.kernel.actor import NOWHERE
from domain.shared.events import EventEnvelope
from domain.shared.ids import encode_id
from infrastructure.persistence.database import Database
from infrastructure.persistence.models.technical import AuditEntryRow, JobRow, OutboxRow
from infrastructure.persistence.statement import Statement
from infrastructure.persistence.transaction import Transaction

PAST = datetime(2026, 1, 1, tzinfo=UTC)


class Rows:
    """Writes and reads rows of the technical tables in one transaction."""

    def __init__(self, database: Database, transaction: Transaction) -> None:
        self._dialect = database.dialect
        self._transaction = transaction

    async def insert(self, row: type, **values: object) -> None:
        table = cast("Table", row.__table__)  # type: ignore[attr-defined]  # reason: declarative models have it
        columns = {name: value for name, value in values.items() if name in table.c}
        await self._transaction.rows(Statement(insert(table).values(columns), self._dialect), {})

    async def run(self, sql: str) -> Sequence[Sequence[object]]:
        return await self.fetch(text(sql))

    async def fetch(self, core: Executable) -> Sequence[Sequence[object]]:
        return await self._transaction.rows(Statement(core, self._dialect), {})

    async def event(self, aggregate: UUID, version: int) -> UUID:
        """Leave one event in the outbox and return its id."""
        event_id = uuid4()
        payload = {
            "event_id": encode_id("evt", event_id), "type": "payment_order.updated", "organization_id": None,
            "aggregate": {"type": "payment_order", "id": encode_id("ord", aggregate), "version": version},
        }  # fmt: skip
        await self.insert(
            OutboxRow, organization_id=uuid4(), event_id=event_id, type="payment_order.updated", schema_version=1,
            occurred_at=datetime.now(UTC), aggregate_type="payment_order", aggregate_id=aggregate,
            aggregate_version=version, traceparent=None, payload=json.dumps(payload),
        )  # fmt: skip
        return event_id

    async def entry(self, organization: UUID, number: int, *, occurred_at: datetime | None = None) -> UUID:
        """Leave one unsealed audit entry and return its id."""
        entry_id = uuid4()
        await self.insert(
            AuditEntryRow, organization_id=organization, id=entry_id, occurred_at=occurred_at or datetime.now(UTC),
            actor="operator", action="products.update", operation="updated", subject_type="product",
            subject_id=encode_id("prod", UUID(int=number)), subject_version=number,
            changes=f'{{"name":"Ærø {number}"}}', request_id=str(UUID(int=number)),
        )  # fmt: skip
        return entry_id

    async def job(
        self, organization: UUID, subject: UUID, *, kind: str = "payments.charge", run_at: datetime = PAST
    ) -> None:
        """Leave one job."""
        await self.insert(
            JobRow, organization_id=organization, kind=kind, subject_id=subject, run_at=run_at, lease_until=None,
            token=0, attempts=0,
        )  # fmt: skip


@asynccontextmanager
async def rows(database: Database) -> AsyncIterator[Rows]:
    async with database.transaction(NOWHERE) as transaction:
        yield Rows(database, transaction)


async def run(database: Database, sql: str) -> Sequence[Sequence[object]]:
    """Run one statement and return its rows."""
    async with rows(database) as transaction:
        return await transaction.run(sql)


def first_occurrences(events: Sequence[EventEnvelope]) -> dict[UUID, list[int]]:
    """Versions in the order they first arrived, by aggregate."""
    found: dict[UUID, list[int]] = {}
    for event in events:
        versions = found.setdefault(event.aggregate_id, [])
        if event.aggregate_version not in versions:
            versions.append(event.aggregate_version)
    return found
