"""Tables of the agents context."""

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import Base, TableArgs, TenantRow, of_organization, unique
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
