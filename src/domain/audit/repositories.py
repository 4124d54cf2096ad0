"""The port to what was done: reading only, since the unit of work alone writes."""

from typing import Protocol
from uuid import UUID

from domain.audit.audit_entry import AuditEntry
from domain.shared.page import Page, PageRequest
from domain.shared.specification import Spec


class IAuditEntryRepository(Protocol):
    """The organization's audit entries."""

    async def get(self, id: UUID) -> AuditEntry:
        """Return one entry.

        Raises:
            EntityNotFoundError: this tenant has none with that id.
        """
        ...

    async def page(self, spec: Spec[AuditEntry], request: PageRequest) -> Page[AuditEntry]:
        """Return one keyset page, sorted by ``occurred_at`` or ``-occurred_at``.

        Raises:
            InvalidCursor: the cursor was not issued for this tenant, query and order.
        """
        ...
