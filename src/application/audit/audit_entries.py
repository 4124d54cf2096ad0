"""Audit entries: who changed what in the organization."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.kernel.actor import Scope
from application.kernel.page import ListView, PageQuery
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.audit.audit_entry import AuditEntry
from domain.audit.specifications import entries_matching
from domain.shared.ids import AuditEntryId


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntryView:
    """One change: `action` is the use-case, `subject_id` the changed resource, `seq` the place in the sealed chain."""

    id: AuditEntryId
    occurred_at: datetime
    actor: str
    action: str
    operation: str
    subject_type: str
    subject_id: str
    subject_version: int
    changes: dict[str, object]
    request_id: str
    seq: int | None
    hash: str | None

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditEntryView":
        """Show an entry."""
        return cls(
            id=entry.id,
            occurred_at=entry.occurred_at,
            actor=entry.actor,
            action=entry.action,
            operation=entry.operation,
            subject_type=entry.subject_type,
            subject_id=entry.subject_id,
            subject_version=entry.subject_version,
            changes=json.loads(entry.changes),
            request_id=entry.request_id,
            seq=entry.seq,
            hash=entry.hash,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAuditEntries(PageQuery):
    """Which entries: `occurred_from` belongs to the range, `occurred_before` does not. Ids are in the order of time."""

    actor: Annotated[str, Len(1, 100)] | None = None
    action: Annotated[str, Len(1, 100)] | None = None
    subject_type: Annotated[str, Len(1, 50)] | None = None
    occurred_from: datetime | None = None
    occurred_before: datetime | None = None
    sort: Literal["id", "-id"] = "-id"


@use_case(
    "audit_entries.list",
    scope=Scope.AUDIT_READ,
    example={"limit": 20, "action": "products.create", "subject_type": "product"},
    read_only=True,
)
async def list_audit_entries(cmd: ListAuditEntries, uow: IUnitOfWork) -> ListView[AuditEntryView]:
    """List what was changed in the organization, by whom and how, newest first."""
    wanted = entries_matching(
        actor=cmd.actor,
        action=cmd.action,
        subject_type=cmd.subject_type,
        since=cmd.occurred_from,
        until=cmd.occurred_before,
    )
    return ListView.of(await uow.audit_entries.page(wanted, cmd.request(cmd.sort)), AuditEntryView.of)
