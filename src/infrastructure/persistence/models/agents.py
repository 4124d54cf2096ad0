"""Tables of the agents context."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.agents.tool_grant import ToolAlreadyGranted
from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import Base, TableArgs, TenantRow, belongs_to, of_organization, unique
from infrastructure.persistence.types import JsonText, text


class AgentRow(TenantRow):
    """A program that works for the organization."""

    __tablename__ = "agents"
    __table_args__: TableArgs = (
        of_organization(),
        Index("ix_agents_created_at", "organization_id", "created_at", "id"),
        Index("ix_agents_type", "organization_id", "type", "created_at", "id"),
        Index("ix_agents_status", "organization_id", "status", "created_at", "id"),
        Index("ix_agents_role", "organization_id", "role", "created_at", "id"),
    )

    name: Mapped[str] = mapped_column(text(200))
    type: Mapped[str] = mapped_column(text(20))
    role: Mapped[str | None] = mapped_column(text(100))
    description: Mapped[str] = mapped_column(text())
    capabilities: Mapped[str] = mapped_column(
        JsonText(), info={"items": ("agent_capabilities", "agent_id", "capability")}
    )
    configuration: Mapped[str] = mapped_column(JsonText())
    state: Mapped[str] = mapped_column(JsonText())
    status: Mapped[str] = mapped_column(text(20))
    metadata_: Mapped[str] = mapped_column("metadata", JsonText())


class AgentCapabilityRow(Base):
    """One capability of an agent, to be found by; written by the repository together with the agent's own list."""

    __tablename__ = "agent_capabilities"
    __table_args__: TableArgs = (
        ForeignKeyConstraint(
            ["organization_id", "agent_id"], ["agents.organization_id", "agents.id"], ondelete="CASCADE"
        ),
        unique("agent_id", "capability", error=DuplicateError),
        Index("ix_agent_capabilities_capability", "organization_id", "capability", "agent_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_id: Mapped[UUID]
    capability: Mapped[str] = mapped_column(text(64))


class ToolRow(TenantRow):
    """Something that agents may call."""

    __tablename__ = "tools"
    __table_args__: TableArgs = (
        of_organization(),
        Index("ix_tools_created_at", "organization_id", "created_at", "id"),
        Index("ix_tools_category", "organization_id", "category", "created_at", "id"),
        CheckConstraint("cost_minor >= 0", name="cost_not_negative"),
        CheckConstraint("(cost_minor is null) = (cost_currency is null)", name="cost_whole"),
    )

    name: Mapped[str] = mapped_column(text(200))
    category: Mapped[str] = mapped_column(text(100))
    description: Mapped[str] = mapped_column(text())
    parameters: Mapped[str] = mapped_column(JsonText())
    capabilities: Mapped[str] = mapped_column(
        JsonText(), info={"items": ("tool_capabilities", "tool_id", "capability")}
    )
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    cost_currency: Mapped[str | None] = mapped_column(text(3))
    availability: Mapped[str] = mapped_column(text(20))
    last_checked_at: Mapped[datetime | None]
    health_note: Mapped[str | None] = mapped_column(text(500))
    retired_at: Mapped[datetime | None]
    metadata_: Mapped[str] = mapped_column("metadata", JsonText())


class ToolCapabilityRow(Base):
    """One capability of a tool, to be found by; written by the repository together with the tool's own list."""

    __tablename__ = "tool_capabilities"
    __table_args__: TableArgs = (
        ForeignKeyConstraint(["organization_id", "tool_id"], ["tools.organization_id", "tools.id"], ondelete="CASCADE"),
        unique("tool_id", "capability", error=DuplicateError),
        Index("ix_tool_capabilities_capability", "organization_id", "capability", "tool_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    tool_id: Mapped[UUID]
    capability: Mapped[str] = mapped_column(text(64))


class ToolGrantRow(TenantRow):
    """That an agent may use a tool."""

    __tablename__ = "tool_grants"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("tools", "tool_id"),
        belongs_to("agents", "agent_id"),
        unique("agent_id", "tool_id", error=ToolAlreadyGranted),
        Index("ix_tool_grants_created_at", "organization_id", "created_at", "id"),
        Index("ix_tool_grants_tool_id", "organization_id", "tool_id", "id"),
    )

    tool_id: Mapped[UUID]
    agent_id: Mapped[UUID]


class ToolUsageRow(TenantRow):
    """One call of a tool; never changed, so that its task, which can go with its conversation, is no reference."""

    __tablename__ = "tool_usages"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("tools", "tool_id"),
        belongs_to("agents", "agent_id"),
        Index("ix_tool_usages_created_at", "organization_id", "created_at", "id"),
        Index("ix_tool_usages_tool_id", "organization_id", "tool_id", "created_at", "id"),
        Index("ix_tool_usages_agent_id", "organization_id", "agent_id", "created_at", "id"),
        Index("ix_tool_usages_task_id", "organization_id", "task_id", "id"),
        CheckConstraint("duration_ms >= 0", name="duration_not_negative"),
        CheckConstraint("cost_minor >= 0", name="cost_not_negative"),
        CheckConstraint("(cost_minor is null) = (cost_currency is null)", name="cost_whole"),
        CheckConstraint("error_code is null or outcome <> 'ok'", name="error_of_failures"),
    )

    tool_id: Mapped[UUID]
    agent_id: Mapped[UUID]
    task_id: Mapped[UUID | None]
    duration_ms: Mapped[int]
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    cost_currency: Mapped[str | None] = mapped_column(text(3))
    outcome: Mapped[str] = mapped_column(text(20))
    error_code: Mapped[str | None] = mapped_column(text(64))


class PerformanceRecordRow(TenantRow):
    """One measurement of an agent's work; never changed, like the calls of tools."""

    __tablename__ = "performance_records"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("agents", "agent_id"),
        Index("ix_performance_records_created_at", "organization_id", "created_at", "id"),
        Index("ix_performance_records_agent_id", "organization_id", "agent_id", "created_at", "id"),
        Index("ix_performance_records_task_id", "organization_id", "task_id", "id"),
    )

    agent_id: Mapped[UUID]
    task_id: Mapped[UUID | None]
    metric: Mapped[str] = mapped_column(text(64))
    value: Mapped[int] = mapped_column(BigInteger)
    unit: Mapped[str] = mapped_column(text(20))
    note: Mapped[str] = mapped_column(text())
