"""Verifying the books of every organization, each behind its own walls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy import Executable, Table, select, union

from application.books.books import VerifyBooks
from application.kernel.actor import NOWHERE, PLATFORM, operator
from application.kernel.dispatcher import Call
from domain.books.balances import MAX_ORDERS
from domain.shared.ids import OrganizationId, PaymentOrderId, decode_id, encode_id
from infrastructure.container import Container
from infrastructure.persistence.models.technical import AuditEntryRow, AuditHeadRow
from infrastructure.persistence.pool import STATEMENT_SECONDS

PROBLEMS = 40
"""How many of an organization's problems are named."""


@dataclass(frozen=True, slots=True)
class OrganizationProblem:
    """One thing that is wrong in one organization's books; ids as they are shown outside."""

    organization_id: str
    reason: str
    journal_entry_id: str | None
    payment_order_id: str | None


@dataclass(slots=True)
class BooksReport:
    """What was read and what was wrong."""

    organizations: int = 0
    entries: int = 0
    orders: int = 0
    problems: list[OrganizationProblem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all books hold."""
        return not self.problems


async def verify(
    container: Container,
    organization: OrganizationId | None,
    progress: Callable[[int], None],
    *,
    at_once: int = MAX_ORDERS,
) -> BooksReport:
    """Verify one organization's books, or everybody's, so many orders at once.

    ``progress`` hears the number of entries read so far after each part.

    Raises:
        Unavailable: the database does not answer.
    """
    report = BooksReport()
    for each in await _organizations(container) if organization is None else [organization]:
        report.organizations += 1
        await _verify_one(container, each, report, progress, at_once)
    return report


async def _verify_one(
    container: Container,
    organization: OrganizationId,
    report: BooksReport,
    progress: Callable[[int], None],
    at_once: int,
) -> None:
    """Add one organization to the report, its first problems only: books that are all wrong would fill the memory."""
    public, named, after = encode_id("org", organization), 0, None
    while True:
        call = Call(actor=operator(organization), request_id=str(uuid4()))
        outcome = await container.dispatcher()("books.verify", VerifyBooks(after=after, limit=at_once), call)
        found = cast("dict[str, object]", outcome.body)
        report.entries += cast("int", found["entries"])
        report.orders += cast("int", found["orders"])
        problems = cast("list[dict[str, str | None]]", found["problems"])[: PROBLEMS - named]
        named += len(problems)
        report.problems += [
            OrganizationProblem(
                public, str(problem["reason"]), problem["journal_entry_id"], problem["payment_order_id"]
            )
            for problem in problems
        ]
        progress(report.entries)
        if found["next_after"] is None:
            return
        after = PaymentOrderId(decode_id("ord", cast("str", found["next_after"])))


async def _organizations(container: Container) -> list[OrganizationId]:
    """Return every organization that ever did anything: the audit log is the one place that names them all."""
    database = container.sealer_database()
    statement = database.prepare("audited", _audited)
    rows = await database.read(statement, {}, organization_id=NOWHERE, patience=STATEMENT_SECONDS)
    return [OrganizationId(cast("UUID", row[0])) for row in rows if row[0] != PLATFORM]


def _audited() -> Executable:
    heads, entries = cast("Table", AuditHeadRow.__table__), cast("Table", AuditEntryRow.__table__)
    unsealed = select(entries.c.organization_id).where(entries.c.seq.is_(None))
    return union(select(heads.c.organization_id), unsealed)
