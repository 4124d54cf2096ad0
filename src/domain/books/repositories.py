"""Port to the books."""

from datetime import datetime
from typing import Protocol

from domain.books.balances import AccountBalance, BooksReport
from domain.books.journal_entry import JournalEntry
from domain.shared.ids import PaymentOrderId
from domain.shared.repository import IRepository


class IJournalEntryRepository(IRepository[JournalEntry], Protocol):
    """The organization's journal. Entries are added and read; the database refuses everything else."""

    async def balances(self, since: datetime | None = None, until: datetime | None = None) -> list[AccountBalance]:
        """Return every account's sums, per currency, of the entries from ``since`` on and before ``until``.

        Raises:
            BooksSpanTooLong: there are more entries than are added up at once.
        """
        ...

    async def verify(self, after: PaymentOrderId | None, limit: int) -> BooksReport:
        """Compare debits with credits, and what the books say of orders with what the orders say.

        Reads so many orders with all their entries, in the order of their ids, from behind ``after`` on.
        """
        ...
