"""Port to the books."""

from typing import Protocol

from domain.books.balances import AccountBalance, BooksReport
from domain.books.journal_entry import JournalEntry
from domain.shared.repository import IRepository


class IJournalEntryRepository(IRepository[JournalEntry], Protocol):
    """The organization's journal. Entries are added and read; the database refuses everything else."""

    async def balances(self) -> list[AccountBalance]:
        """Return every account's sums, per currency."""
        ...

    async def verify(self) -> BooksReport:
        """Compare debits with credits, and what the books say of every order with what the order says."""
        ...
