"""Tables of tasks: what is to be done, what waits for what, and who works on it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.work.task_errors import DependencyExists, TaskClaimed
from infrastructure.persistence.models.base import Base, TableArgs, TenantRow, belongs_to, of_organization, unique
from infrastructure.persistence.types import JsonText, text

_PENDING = sql("status = 'pending'")
_OPEN = sql("ended_at IS NULL")


def _of(table: str, column: str, ondelete: str) -> ForeignKeyConstraint:
    """Return the composite key of what goes with, or forgets, what it belongs to."""
    return ForeignKeyConstraint(
        ["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete
    )


class TaskRow(TenantRow):
    """Something to do. Its lane, its priority and when it is available are one index: that of the claims."""

    __tablename__ = "tasks"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("agents", "agent_id"),
        belongs_to("agents", "claimed_by"),
        _of("conversations", "conversation_id", "CASCADE"),
        _of("tasks", "parent_id", "SET NULL (parent_id)"),
        CheckConstraint("open_dependencies >= 0", name="dependencies_counted"),
        CheckConstraint("status <> 'claimed' OR claimed_by IS NOT NULL", name="claimed_by_status"),
        CheckConstraint("status <> 'blocked' OR open_dependencies > 0", name="blocked_by_something"),
        CheckConstraint("attempt BETWEEN 0 AND max_attempts", name="attempts_capped"),
        Index(
            "ix_tasks_claimable",
            "organization_id",
            "lane",
            "rank",
            "available_at",
            "id",
            postgresql_where=_PENDING,
            sqlite_where=_PENDING,
        ),
        Index("ix_tasks_created_at", "organization_id", "created_at", "id"),
        Index("ix_tasks_status", "organization_id", "status", "created_at", "id"),
        Index("ix_tasks_agent_id", "organization_id", "agent_id", "created_at", "id"),
        Index("ix_tasks_claimed_by", "organization_id", "claimed_by"),
        Index("ix_tasks_conversation_id", "organization_id", "conversation_id", "created_at", "id"),
        Index("ix_tasks_parent_id", "organization_id", "parent_id", "created_at", "id"),
    )

    title: Mapped[str] = mapped_column(text(200))
    type: Mapped[str] = mapped_column(text(80))
    description: Mapped[str] = mapped_column(text())
    agent_id: Mapped[UUID | None]
    capability: Mapped[str | None] = mapped_column(text(80))
    conversation_id: Mapped[UUID | None]
    parent_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(text(20))
    input: Mapped[str] = mapped_column(JsonText())
    output: Mapped[str | None] = mapped_column(JsonText())
    error: Mapped[str | None] = mapped_column(JsonText())
    priority: Mapped[int]
    not_before: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    timeout_seconds: Mapped[int | None]
    max_attempts: Mapped[int]
    attempt: Mapped[int]
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    cost_currency: Mapped[str | None] = mapped_column(text(3))
    metadata_: Mapped[str] = mapped_column("metadata", JsonText())
    lane: Mapped[str] = mapped_column(text(120))
    rank: Mapped[int]
    available_at: Mapped[datetime]
    open_dependencies: Mapped[int]
    claimed_by: Mapped[UUID | None]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


class TaskDependencyRow(Base):
    """One task waits for another."""

    __tablename__ = "task_dependencies"
    __table_args__: TableArgs = (
        _of("tasks", "task_id", "CASCADE"),
        _of("tasks", "depends_on_id", "CASCADE"),
        unique("task_id", "depends_on_id", error=DependencyExists),
        Index("ix_task_dependencies_depends_on_id", "organization_id", "depends_on_id", "task_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    task_id: Mapped[UUID]
    depends_on_id: Mapped[UUID]


class TaskRunRow(Base):
    """One claim of a task: its lease while it is open, its outcome afterwards."""

    __tablename__ = "task_runs"
    __table_args__: TableArgs = (
        _of("tasks", "task_id", "CASCADE"),
        belongs_to("agents", "agent_id"),
        Index(
            "uq_task_runs_open",
            "organization_id",
            "task_id",
            unique=True,
            postgresql_where=_OPEN,
            sqlite_where=_OPEN,
            info={"error": TaskClaimed},
        ),
        Index("ix_task_runs_lease", "organization_id", "lease_until", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_task_runs_task_id", "organization_id", "task_id", "started_at", "id"),
        Index("ix_task_runs_agent_id", "organization_id", "agent_id", "started_at", "id"),
        {"info": {"unmapped": ("lease_seconds", "token")}},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    task_id: Mapped[UUID]
    agent_id: Mapped[UUID]
    worker: Mapped[str] = mapped_column(text(200))
    attempt: Mapped[int]
    token: Mapped[str] = mapped_column(text(64))
    lease_seconds: Mapped[int]
    started_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    times_out_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(text(20))
    error: Mapped[str | None] = mapped_column(JsonText())
