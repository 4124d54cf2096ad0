"""The repository of audit entries, which only reads."""

from domain.audit.audit_entry import AuditEntry
from domain.audit.repositories import IAuditEntryRepository
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.technical import AuditEntryRow
from infrastructure.persistence.reader import SqlReader


class SqlAuditEntryRepository(SqlReader[AuditEntry], IAuditEntryRepository):
    """Audit entries of the organization."""

    mapper = Mapper(AuditEntry, AuditEntryRow)
