"""Questions about what was done."""

from datetime import datetime

from domain.audit.audit_entry import AuditEntry
from domain.shared.specification import Equal, Everything, GreaterOrEqual, LessThan, Spec


def entries_matching(
    *,
    actor: str | None = None,
    action: str | None = None,
    subject_type: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Spec[AuditEntry]:
    """Entries with exactly the values that are given, from ``since`` on and before ``until``."""
    found: Spec[AuditEntry] = Everything()
    for field, value in (("actor", actor), ("action", action), ("subject_type", subject_type)):
        if value is not None:
            found &= Equal(field, value)
    if since is not None:
        found &= GreaterOrEqual("occurred_at", since)
    return found if until is None else found & LessThan("occurred_at", until)
