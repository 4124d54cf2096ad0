"""Tables of workflows: versions, executions and their steps."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import Base, TableArgs, TenantRow, belongs_to, of_organization, unique
from infrastructure.persistence.types import JsonText, text

_DUE = sql("due_at is not null")


class WorkflowRow(TenantRow):
    """A named process."""

    __tablename__ = "workflows"
    __table_args__: TableArgs = (
        of_organization(),
        Index("ix_workflows_created_at", "organization_id", "created_at", "id"),
        Index("ix_workflows_status", "organization_id", "status", "created_at", "id"),
    )

    name: Mapped[str] = mapped_column(text(200))
    description: Mapped[str] = mapped_column(text())
    status: Mapped[str] = mapped_column(text(20))
    latest_version: Mapped[int]


class WorkflowVersionRow(TenantRow):
    """A definition, which is only ever inserted. Lists leave the definition out."""

    __tablename__ = "workflow_versions"
    __table_args__: TableArgs = (
        belongs_to("workflows", "workflow_id"),
        unique("workflow_id", "number", error=DuplicateError),
        {"info": {"unmapped": ("steps", "parameters", "output", "updated_at", "updated_by")}},
    )

    workflow_id: Mapped[UUID]
    number: Mapped[int]
    steps_count: Mapped[int]
    notes: Mapped[str] = mapped_column(text())
    steps: Mapped[str] = mapped_column(JsonText())
    parameters: Mapped[str] = mapped_column(JsonText())
    output: Mapped[str] = mapped_column(JsonText())


class WorkflowExecutionRow(TenantRow):
    """One run of a version; its counts are kept under its row's lock."""

    __tablename__ = "workflow_executions"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("workflows", "workflow_id"),
        belongs_to("workflow_versions", "workflow_version_id"),
        belongs_to("playbook_versions", "playbook_version_id"),
        Index("ix_workflow_executions_created_at", "organization_id", "created_at", "id"),
        Index("ix_workflow_executions_workflow_id", "organization_id", "workflow_id", "created_at", "id"),
        Index("ix_workflow_executions_status", "organization_id", "workflow_id", "status", "duration_ms"),
        Index("ix_workflow_executions_playbook_version_id", "organization_id", "playbook_version_id"),
        Index("ix_workflow_executions_workflow_version_id", "organization_id", "workflow_version_id"),
        CheckConstraint(
            "steps_completed + steps_failed + steps_running + steps_waiting <= steps_total", name="counts_within_total"
        ),
    )

    workflow_id: Mapped[UUID | None]
    workflow_version_id: Mapped[UUID | None]
    playbook_version_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(text(20))
    input: Mapped[str] = mapped_column(JsonText())
    output_template: Mapped[str] = mapped_column(JsonText())
    output: Mapped[str | None] = mapped_column(JsonText())
    failed_step: Mapped[str | None] = mapped_column(text(60))
    steps_total: Mapped[int]
    steps_completed: Mapped[int]
    steps_failed: Mapped[int]
    steps_running: Mapped[int]
    steps_waiting: Mapped[int]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)


class WorkflowStepRow(Base):
    """A step of an execution, whose version counts its changes too."""

    __tablename__ = "workflow_steps"
    __table_args__: TableArgs = (
        belongs_to("workflow_executions", "execution_id"),
        belongs_to("agents", "agent_id"),
        belongs_to("tools", "tool_id"),
        belongs_to("tasks", "task_id"),
        unique("execution_id", "position", error=DuplicateError),
        unique("execution_id", "key", error=DuplicateError),
        Index("ix_workflow_steps_task_id", "organization_id", "task_id"),
        Index("ix_workflow_steps_agent_id", "organization_id", "agent_id"),
        Index("ix_workflow_steps_tool_id", "organization_id", "tool_id"),
        Index(
            "ix_workflow_steps_due_at", "organization_id", "execution_id", "due_at",
            postgresql_where=_DUE, sqlite_where=_DUE,
        ),
        CheckConstraint("open_dependencies >= 0", name="dependencies_counted_once"),
    )  # fmt: skip

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    execution_id: Mapped[UUID]
    position: Mapped[int]
    key: Mapped[str] = mapped_column(text(60))
    kind: Mapped[str] = mapped_column(text(20))
    name: Mapped[str] = mapped_column(text(200))
    status: Mapped[str] = mapped_column(text(20))
    depends_on: Mapped[str] = mapped_column(JsonText())
    dependents: Mapped[str] = mapped_column(JsonText())
    open_dependencies: Mapped[int]
    template: Mapped[str] = mapped_column(JsonText())
    input: Mapped[str | None] = mapped_column(JsonText())
    output: Mapped[str | None] = mapped_column(JsonText())
    error: Mapped[str | None] = mapped_column(JsonText())
    agent_id: Mapped[UUID | None]
    capability: Mapped[str | None] = mapped_column(text(80))
    tool_id: Mapped[UUID | None]
    wait_seconds: Mapped[int | None]
    max_attempts: Mapped[int]
    task_id: Mapped[UUID | None]
    due_at: Mapped[datetime | None]
    attempts: Mapped[int]
    failures: Mapped[int]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    concluded_by: Mapped[str | None] = mapped_column(text(80))
