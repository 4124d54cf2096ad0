"""Tables of the webhooks context."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import (
    Base,
    SoftDeletableRow,
    TableArgs,
    belongs_to,
    of_organization,
    unique,
)
from infrastructure.persistence.types import JsonText, text

_PENDING = sql("status = 'pending'")


def _gone_with(table: str, column: str) -> ForeignKeyConstraint:
    """Return the composite key of a technical row that is pruned together with what it belongs to."""
    return ForeignKeyConstraint(
        ["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete="CASCADE"
    )


class WebhookEndpointRow(SoftDeletableRow):
    """An address that is told of events. The delivery worker counts its failures beside the aggregate's own columns."""

    __tablename__ = "webhook_endpoints"
    __table_args__: TableArgs = (
        of_organization(),
        Index("ix_webhook_endpoints_created_at", "organization_id", "created_at", "id"),
        {"info": {"unmapped": ("failing_since", "failures")}},
    )

    url: Mapped[str] = mapped_column(text(2000))
    description: Mapped[str] = mapped_column(text())
    events: Mapped[str] = mapped_column(JsonText())
    status: Mapped[str] = mapped_column(text(20))
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None] = mapped_column(text(20))
    secret: Mapped[str] = mapped_column(text(400))
    previous_secret: Mapped[str | None] = mapped_column(text(400))
    previous_secret_ends_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default=sql("0"))


class WebhookDeliveryRow(Base):
    """One event for one endpoint: a queue with a lane for each endpoint."""

    __tablename__ = "webhook_deliveries"
    __table_args__: TableArgs = (
        belongs_to("webhook_endpoints", "endpoint_id"),
        _gone_with("events", "event_id"),
        Index("ix_webhook_deliveries_event_id", "organization_id", "event_id"),
        Index("ix_webhook_deliveries_created_at", "organization_id", "created_at", "id"),
        Index("ix_webhook_deliveries_endpoint_id", "organization_id", "endpoint_id", "created_at", "id"),
        Index(
            "ix_webhook_deliveries_pending",
            "organization_id",
            "endpoint_id",
            "due_at",
            postgresql_where=_PENDING,
            sqlite_where=_PENDING,
        ),
        {"info": {"unmapped": ("lease_until", "token", "tries")}},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID]
    event_id: Mapped[UUID]
    event_type: Mapped[str] = mapped_column(text(80))
    status: Mapped[str] = mapped_column(text(20))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    concluded_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    token: Mapped[int]
    tries: Mapped[int]


class WebhookAttemptRow(Base):
    """One request to an endpoint and what came of it."""

    __tablename__ = "webhook_attempts"
    __table_args__: TableArgs = (
        _gone_with("webhook_deliveries", "delivery_id"),
        unique("delivery_id", "number", error=DuplicateError),
        {"info": {"unmapped": ("organization_id", "delivery_id")}},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID]
    number: Mapped[int]
    started_at: Mapped[datetime]
    duration_ms: Mapped[int]
    status_code: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(text(80))
    response: Mapped[str] = mapped_column(text())
