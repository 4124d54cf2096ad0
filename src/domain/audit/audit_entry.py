"""An audit entry: who changed what, how, and as part of which request."""

from datetime import datetime

from attrs import frozen

from domain.shared.ids import AuditEntryId, OrganizationId


@frozen(kw_only=True)
class AuditEntry:
    """One effect, written once and never changed. The unit of work writes it, the sealer adds ``seq`` and ``hash``.

    Attributes:
        actor: the caller's public text (``key_…``, ``operator``).
        action: the name of the use-case.
        operation: created, updated or deleted.
        subject_type: the kind of the changed aggregate.
        subject_id: its id as it is shown everywhere else.
        changes: canonical JSON text of an object.
        seq: place in the organization's chain, from 1; None until sealed.
        hash: keyed hash over the entry and its predecessor; None until sealed.
    """

    id: AuditEntryId
    organization_id: OrganizationId
    occurred_at: datetime
    actor: str
    action: str
    operation: str
    subject_type: str
    subject_id: str
    subject_version: int
    changes: str
    request_id: str
    seq: int | None
    hash: str | None
