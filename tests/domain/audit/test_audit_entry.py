"""Questions about audit entries."""

from datetime import UTC, datetime
from uuid import UUID

from domain.audit.audit_entry import AuditEntry
from domain.audit.specifications import entries_matching
from domain.shared.ids import AuditEntryId, OrganizationId

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
SUBJECT = "prod_00000000000000000000000007"


def an_entry(subject_type: str = "product") -> AuditEntry:
    return AuditEntry(
        id=AuditEntryId(UUID(int=1)),
        organization_id=OrganizationId(UUID(int=2)),
        occurred_at=NOW,
        actor="operator",
        action="products.create",
        operation="created",
        subject_type=subject_type,
        subject_id=SUBJECT,
        subject_version=1,
        changes="{}",
        request_id="r",
        seq=None,
        hash=None,
    )


def test_entries_are_found_by_what_is_asked() -> None:
    """What is not asked excludes nothing; the range of time is open at its end."""
    entry = an_entry()
    assert entries_matching().is_satisfied_by(entry)
    assert entries_matching(actor="operator", action="products.create", since=NOW).is_satisfied_by(entry)
    assert not entries_matching(subject_type="price").is_satisfied_by(entry)
    assert not entries_matching(until=NOW).is_satisfied_by(entry)
