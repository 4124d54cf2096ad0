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
    """Which entries: `occurred_from` belongs to the range, `occurred_before` does not.

    `actor` is a key, a person or `operator` as entries show it, `action` the name of a use-case, `subject_id` the id
    of the changed resource. `request_id` finds everything that one request did.
    """

    actor: Annotated[str, Len(1, 100)] | None = None
    action: Annotated[str, Len(1, 100)] | None = None
    operation: Literal["created", "updated", "deleted"] | None = None
    subject_type: Annotated[str, Len(1, 50)] | None = None
    subject_id: Annotated[str, Len(1, 80)] | None = None
    request_id: Annotated[str, Len(1, 80)] | None = None
    occurred_from: datetime | None = None
    occurred_before: datetime | None = None
    sort: Literal["occurred_at", "-occurred_at"] = "-occurred_at"


@use_case(
    "audit_entries.list",
    scope=Scope.AUDIT_READ,
    example={"limit": 20, "action": "products.create", "subject_type": "product"},
    read_only=True,
    statements=1,
)
async def list_audit_entries(cmd: ListAuditEntries, uow: IUnitOfWork) -> ListView[AuditEntryView]:
    """List what was changed in the organization, by whom and how, newest first."""
    wanted = entries_matching(
        actor=cmd.actor,
        action=cmd.action,
        operation=cmd.operation,
        subject_type=cmd.subject_type,
        subject_id=cmd.subject_id,
        request_id=cmd.request_id,
        since=cmd.occurred_from,
        until=cmd.occurred_before,
    )
    return ListView.of(await uow.audit_entries.page(wanted, cmd.request(cmd.sort)), AuditEntryView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAuditEntry:
    """Which entry."""

    id: AuditEntryId


@use_case("audit_entries.get", scope=Scope.AUDIT_READ, example={}, read_only=True, statements=1)
async def get_audit_entry(cmd: GetAuditEntry, uow: IUnitOfWork) -> AuditEntryView:
    """Return one audit entry. Entries are never changed and never deleted.

    Errors: `not_found`.
    """
    return AuditEntryView.of(await uow.audit_entries.get(cmd.id))
