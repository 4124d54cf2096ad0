"""Tables of playbooks: drafts, versions and runs."""

from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import TableArgs, TenantRow, belongs_to, of_organization, unique
from infrastructure.persistence.types import JsonText, text


class PlaybookRow(TenantRow):
    """A draft and its name."""

    __tablename__ = "playbooks"
    __table_args__: TableArgs = (
        of_organization(),
        Index("ix_playbooks_created_at", "organization_id", "created_at", "id"),
        Index("ix_playbooks_status", "organization_id", "status", "created_at", "id"),
    )

    name: Mapped[str] = mapped_column(text(200))
    description: Mapped[str] = mapped_column(text())
    status: Mapped[str] = mapped_column(text(20))
    latest_version: Mapped[int]
    steps: Mapped[str] = mapped_column(JsonText())
    parameters: Mapped[str] = mapped_column(JsonText())
    output: Mapped[str] = mapped_column(JsonText())


class PlaybookVersionRow(TenantRow):
    """What a draft was when it was published; only ever inserted. Lists leave the template out."""

    __tablename__ = "playbook_versions"
    __table_args__: TableArgs = (
        belongs_to("playbooks", "playbook_id"),
        unique("playbook_id", "number", error=DuplicateError),
        {"info": {"unmapped": ("steps", "parameters", "output", "updated_at", "updated_by")}},
    )

    playbook_id: Mapped[UUID]
    number: Mapped[int]
    steps_count: Mapped[int]
    notes: Mapped[str] = mapped_column(text())
    steps: Mapped[str] = mapped_column(JsonText())
    parameters: Mapped[str] = mapped_column(JsonText())
    output: Mapped[str] = mapped_column(JsonText())


class PlaybookRunRow(TenantRow):
    """One line of the execution log."""

    __tablename__ = "playbook_runs"
    __table_args__: TableArgs = (
        belongs_to("playbooks", "playbook_id"),
        belongs_to("playbook_versions", "playbook_version_id"),
        belongs_to("workflow_executions", "execution_id"),
        Index("ix_playbook_runs_playbook_id", "organization_id", "playbook_id", "created_at", "id"),
        Index("ix_playbook_runs_created_at", "organization_id", "created_at", "id"),
        Index("ix_playbook_runs_execution_id", "organization_id", "execution_id"),
        Index("ix_playbook_runs_playbook_version_id", "organization_id", "playbook_version_id"),
    )

    playbook_id: Mapped[UUID]
    playbook_version_id: Mapped[UUID]
    number: Mapped[int]
    execution_id: Mapped[UUID]
    parameters: Mapped[str] = mapped_column(JsonText())
