"""The hash that links audit entries covers everything that matters."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from attrs import evolve, fields

from domain.audit.audit_entry import AuditEntry
from domain.audit.chain import GENESIS, link
from domain.shared.ids import AuditEntryId, OrganizationId

KEY = b"a key"
ENTRY = AuditEntry(
    id=AuditEntryId(UUID(int=1)), organization_id=OrganizationId(UUID(int=2)),
    occurred_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), actor="operator", action="products.update",
    operation="updated", subject_type="product", subject_id="prod_1", subject_version=2, changes='{"name":"Ærø"}',
    request_id="req", seq=None, hash=None,
)  # fmt: skip
OTHERS: dict[str, object] = {
    "id": UUID(int=9), "organization_id": UUID(int=9), "occurred_at": ENTRY.occurred_at + timedelta(microseconds=1),
    "actor": "operato", "action": "rproducts.update", "operation": "deleted", "subject_type": "price",
    "subject_id": "prod_2", "subject_version": 3, "changes": "{}", "request_id": "",
}  # fmt: skip


def test_every_field_but_the_seal_itself_is_covered() -> None:
    """No field of an entry is left out, now or when one is added."""
    assert {*OTHERS, "seq", "hash"} == {a.name for a in fields(AuditEntry)}


@pytest.mark.parametrize("field", OTHERS)
def test_a_change_of_any_field_changes_the_hash(field: str) -> None:
    """Each field alone is enough."""
    changed = evolve(ENTRY, **{field: OTHERS[field]})  # type: ignore[arg-type]  # reason: the values fit their fields
    assert link(KEY, GENESIS, 1, changed) != link(KEY, GENESIS, 1, ENTRY)


def test_a_field_cannot_borrow_from_its_neighbour() -> None:
    """Lengths keep fields apart."""
    moved = evolve(ENTRY, actor="operato", action="rproducts.update")
    assert link(KEY, GENESIS, 1, moved) != link(KEY, GENESIS, 1, ENTRY)


def test_key_place_and_predecessor_are_covered() -> None:
    """None of the three can be replaced."""
    good = link(KEY, GENESIS, 1, ENTRY)
    assert good not in {link(b"", GENESIS, 1, ENTRY), link(KEY, good, 1, ENTRY), link(KEY, GENESIS, 2, ENTRY)}


def test_the_form_is_fixed() -> None:
    """HMAC-SHA256 over fields behind their lengths; whoever keeps the key can check it with any tool."""
    parts = ["stoa.audit.1", GENESIS, "1", UUID(int=2).hex, UUID(int=1).hex, "2026-01-02T03:04:05.000006+00:00"]
    parts += ["operator", "products.update", "updated", "product", "prod_1", "2", '{"name":"Ærø"}', "req"]
    message = b"".join(len(field.encode()).to_bytes(8) + field.encode() for field in parts)
    assert link(KEY, GENESIS, 1, ENTRY) == hmac.new(KEY, message, hashlib.sha256).hexdigest()


def test_the_same_moment_in_another_zone_is_the_same_entry() -> None:
    """Time is compared in UTC."""
    elsewhere = ENTRY.occurred_at.astimezone(timezone(timedelta(hours=5)))
    assert link(KEY, GENESIS, 1, evolve(ENTRY, occurred_at=elsewhere)) == link(KEY, GENESIS, 1, ENTRY)
