"""Repositories of published events, webhook endpoints and deliveries."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Executable, bindparam, update

from domain.shared.errors import EntityNotFoundError
from domain.shared.published_event import IEventRepository, PublishedEvent
from domain.webhooks.repositories import IWebhookDeliveryRepository
from domain.webhooks.webhook_delivery import DeliveryAttempt, DeliveryStatus, WebhookDelivery
from domain.webhooks.webhook_endpoint import WebhookEndpoint
from infrastructure.persistence import bulk, tenancy
from infrastructure.persistence.mapper import Children, Mapper
from infrastructure.persistence.models.technical import EventRow
from infrastructure.persistence.models.webhooks import WebhookAttemptRow, WebhookDeliveryRow, WebhookEndpointRow
from infrastructure.persistence.reader import SqlReader
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.types import Guid, UtcDateTime

_NEW = (
    "organization_id", "id", "endpoint_id", "event_id", "event_type", "status", "created_at", "due_at", "token",
    "tries",
)  # fmt: skip


class SqlEventRepository(SqlReader[PublishedEvent], IEventRepository):
    """The organization's published events, which only the relay writes."""

    mapper: ClassVar[Mapper[PublishedEvent]] = Mapper(PublishedEvent, EventRow)


class SqlWebhookEndpointRepository(SqlRepository[WebhookEndpoint]):
    """The organization's webhook endpoints."""

    mapper: ClassVar[Mapper[WebhookEndpoint]] = Mapper(WebhookEndpoint, WebhookEndpointRow)


_ATTEMPTS = Children(Mapper(DeliveryAttempt, WebhookAttemptRow), parent="delivery_id", order="number")


class SqlWebhookDeliveryRepository(SqlReader[WebhookDelivery], IWebhookDeliveryRepository):
    """The organization's deliveries, a queue that the delivery worker empties."""

    mapper: ClassVar[Mapper[WebhookDelivery]] = Mapper(
        WebhookDelivery, WebhookDeliveryRow, children={"attempts": _ATTEMPTS}
    )

    async def enqueue(self, endpoint_id: UUID, events: Sequence[PublishedEvent], at: datetime) -> None:
        """Insert one pending delivery for each event."""
        session, pending = self._session, DeliveryStatus.PENDING.value
        rows = [
            (session.organization_id, session.ids.new(), endpoint_id, event.id, event.type, pending, at, at, 0, 0)
            for event in events
        ]
        if rows:
            await bulk.insert(session, self.mapper.table, _NEW, rows)

    async def requeue(self, id: UUID, at: datetime) -> None:
        """Begin anew, under a token that nobody holds."""
        if not await self._session.rows(self._prepare("requeue", self._requeue), {"this_id": id, "requeued_at": at}):
            raise EntityNotFoundError

    async def cancel(self, endpoint_id: UUID, at: datetime) -> None:
        """End what is pending; a request under way finds its delivery ended and records nothing."""
        params = {"this_endpoint": endpoint_id, "cancelled_at": at}
        await self._session.rows(self._prepare("cancel", self._cancel), params)

    async def forgive(self, endpoint_id: UUID) -> None:
        """Set back what the delivery worker counts beside the aggregate."""
        await self._session.rows(self._prepare("forgive", self._forgive), {"this_id": endpoint_id})

    @staticmethod
    def _forgive() -> Executable:
        table = SqlWebhookEndpointRepository.mapper.table
        this = table.c.id == bindparam("this_id", type_=Guid())
        return update(table).where(tenancy.wall(table), this).values(failing_since=None, failures=0)

    def _cancel(self) -> Executable:
        table = self.mapper.table
        values = {
            "status": DeliveryStatus.CANCELLED.value, "due_at": None, "lease_until": None,
            "concluded_at": bindparam("cancelled_at", type_=UtcDateTime()),
        }  # fmt: skip
        of = table.c.endpoint_id == bindparam("this_endpoint", type_=Guid())
        pending = table.c.status == DeliveryStatus.PENDING.value
        return update(table).where(tenancy.wall(table), of, pending).values(values)

    def _requeue(self) -> Executable:
        table = self.mapper.table
        values = {
            "status": DeliveryStatus.PENDING.value, "due_at": bindparam("requeued_at", type_=UtcDateTime()),
            "concluded_at": None, "lease_until": None, "token": table.c.token + 1, "tries": 0,
        }  # fmt: skip
        this = table.c.id == bindparam("this_id", type_=Guid())
        return update(table).where(tenancy.wall(table), this).values(values).returning(table.c.id)
