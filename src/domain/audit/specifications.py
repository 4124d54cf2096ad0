"""Questions about what was done."""

from datetime import datetime

from domain.audit.audit_entry import AuditEntry
from domain.shared.specification import Equal, Everything, GreaterOrEqual, LessThan, Spec


def entries_matching(
    *,
    actor: str | None = None,
    action: str | None = None,
    operation: str | None = None,
    subject_type: str | None = None,
    subject_id: str | None = None,
    request_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Spec[AuditEntry]:
    """Entries with exactly the values that are given, from ``since`` on and before ``until``."""
    wanted = {
        "actor": actor,
        "action": action,
        "operation": operation,
        "subject_type": subject_type,
        "subject_id": subject_id,
        "request_id": request_id,
    }
    found: Spec[AuditEntry] = Everything()
    for field, value in wanted.items():
        if value is not None:
            found &= Equal(field, value)
    if since is not None:
        found &= GreaterOrEqual("occurred_at", since)
    return found if until is None else found & LessThan("occurred_at", until)
