"""Tables of the machinery: idempotency, outbox, audit, jobs, counters and look-ups."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, Identity, Index, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from infrastructure.persistence.models.base import Base, TableArgs
from infrastructure.persistence.types import Identity64, UtcDateTime, text


class IdempotencyRecordRow(Base):
    """An answer already given, under the key it was asked for with."""

    __tablename__ = "idempotency_records"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(text(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(text(64))
    response: Mapped[str | None] = mapped_column(text())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class OutboxRow(Base):
    """An event waiting to be published. ``id`` is commit order per aggregate, and never a high-water mark."""

    __tablename__ = "outbox"
    __table_args__: TableArgs = (Index("ix_outbox_id", "id"),)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Identity64, Identity(always=True), primary_key=True)
    event_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(text(80))
    schema_version: Mapped[int]
    occurred_at: Mapped[datetime]
    aggregate_type: Mapped[str] = mapped_column(text(80))
    aggregate_id: Mapped[UUID]
    aggregate_version: Mapped[int]
    traceparent: Mapped[str | None] = mapped_column(text(80))
    payload: Mapped[str] = mapped_column(text())


class EventRow(Base):
    """A published event, kept for its organization. ``position`` grows in the order in which events appear here."""

    __tablename__ = "events"
    __table_args__: TableArgs = (
        Index("ix_events_position", "organization_id", "position"),
        Index("ix_events_aggregate_id", "organization_id", "aggregate_id", "position"),
        # Rows lie in the order of time, so that the smallest kind of index finds the old ones.
        Index("ix_events_recorded_at", "recorded_at", postgresql_using="brin"),
        {"info": {"unmapped": ("recorded_at",)}},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Identity64, Identity(always=True))
    type: Mapped[str] = mapped_column(text(80))
    schema_version: Mapped[int]
    aggregate_type: Mapped[str] = mapped_column(text(80))
    aggregate_id: Mapped[UUID]
    aggregate_version: Mapped[int]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    payload: Mapped[str] = mapped_column(text())


class AuditEntryRow(Base):
    """One effect, append-only; the sealer alone fills ``seq`` and ``hash``, once."""

    __tablename__ = "audit_entries"
    __table_args__: TableArgs = (
        Index(
            "ix_audit_entries_unsealed",
            "entry_no",
            postgresql_where=sql("seq is null"),
            sqlite_where=sql("seq is null"),
        ),
        Index("ix_audit_entries_seq", "organization_id", "seq"),
        # One for each question people ask of the log, in the order in which answers are listed.
        Index("ix_audit_entries_occurred_at", "organization_id", "occurred_at", "id"),
        Index("ix_audit_entries_actor", "organization_id", "actor", "occurred_at", "id"),
        Index("ix_audit_entries_action", "organization_id", "action", "occurred_at", "id"),
        Index("ix_audit_entries_subject_id", "organization_id", "subject_id", "occurred_at", "id"),
        Index("ix_audit_entries_request_id", "organization_id", "request_id", "occurred_at", "id"),
        {"info": {"unmapped": ("entry_no",)}},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_no: Mapped[int] = mapped_column(Identity64, Identity(always=True))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())
    actor: Mapped[str] = mapped_column(text(80))
    action: Mapped[str] = mapped_column(text(80))
    operation: Mapped[str] = mapped_column(text(20))
    subject_type: Mapped[str] = mapped_column(text(80))
    subject_id: Mapped[str] = mapped_column(text(80))
    subject_version: Mapped[int]
    changes: Mapped[str] = mapped_column(text())
    request_id: Mapped[str] = mapped_column(text(80))
    seq: Mapped[int | None] = mapped_column(Identity64)
    hash: Mapped[str | None] = mapped_column(text(64))


class AuditHeadRow(Base):
    """The end of each organization's sealed chain."""

    __tablename__ = "audit_heads"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Identity64)
    hash: Mapped[str] = mapped_column(text(64))
    sealed_at: Mapped[datetime]


class JobRow(Base):
    """Work for a background worker: at most one of a kind per subject, held under a lease with a fencing token."""

    __tablename__ = "jobs"
    __table_args__: TableArgs = (Index("ix_jobs_run_at", "run_at"),)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(text(80), primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    token: Mapped[int]
    attempts: Mapped[int]
    correlation_id: Mapped[str | None] = mapped_column(text(80))
    causation_id: Mapped[UUID | None]
    traceparent: Mapped[str | None] = mapped_column(text(80))
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(text(80))


class CounterRow(Base):
    """A gapless number per organization, name and day."""

    __tablename__ = "counters"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(text(40), primary_key=True)
    day: Mapped[date] = mapped_column(Date(), primary_key=True)
    value: Mapped[int]


class LookupRow(Base):
    """A public value (key hash, link slug) that is found before the tenant is known, and unique across tenants."""

    __tablename__ = "lookups"

    kind: Mapped[str] = mapped_column(text(40), primary_key=True)
    value: Mapped[str] = mapped_column(text(128), primary_key=True)
    organization_id: Mapped[UUID]
    subject_id: Mapped[UUID]
