"""The chain that seals audit entries: each hash covers its entry and, through its predecessor's, everything before.

The key is kept outside of the database: whoever may change every row can still not make a hash that fits.
"""

import hmac
from datetime import UTC
from itertools import chain

from domain.audit.audit_entry import AuditEntry

GENESIS = "0" * 64
"""Stands before the first entry of every organization."""

_VERSION = b"stoa.audit.1"


def link(key: bytes, previous: str, seq: int, entry: AuditEntry) -> str:
    """Return the hash of an entry at its place: HMAC-SHA256 in hex.

    Every field goes in behind its own length, so that no two different entries read alike. ``seq`` is given apart
    from the entry, which has none before it is sealed.
    """
    fields = (
        previous,
        str(seq),
        entry.organization_id.hex,
        entry.id.hex,
        entry.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.operation,
        entry.subject_type,
        entry.subject_id,
        str(entry.subject_version),
        entry.changes,
        entry.request_id,
    )
    encoded = [field.encode() for field in fields]
    message = b"".join(chain.from_iterable((len(part).to_bytes(8), part) for part in (_VERSION, *encoded)))
    return hmac.digest(key, message, "sha256").hex()
