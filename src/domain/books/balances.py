"""What the books add up to, and where they are wrong."""

from attrs import frozen

from domain.books.journal_entry import Account
from domain.shared.errors import Invalid
from domain.shared.ids import JournalEntryId, PaymentOrderId
from domain.shared.money import Money

MAX_ENTRIES = 50_000
"""How many entries are added up for one answer: as many as surely fit into a statement's time."""

MAX_ORDERS = 1000
"""How many orders are verified for one answer, with all their entries."""


class BooksSpanTooLong(Invalid):
    """The span has more entries than are added up at once."""

    code = "books_span_too_long"
    summary = f"The span has more than {MAX_ENTRIES} entries; ask for shorter spans and add their sums up."


@frozen(kw_only=True)
class AccountBalance:
    """One account in one currency; ``balance`` is debits less credits."""

    account: Account
    debits: Money
    credits: Money

    @property
    def balance(self) -> Money:
        return self.debits - self.credits


@frozen(kw_only=True)
class BooksProblem:
    """One thing that is wrong, and the entry or the order where it is."""

    reason: str
    journal_entry_id: JournalEntryId | None = None
    payment_order_id: PaymentOrderId | None = None


@frozen(kw_only=True)
class BooksReport:
    """What was read, and the first problems of every kind, by id.

    ``next_after`` is the last order that was read when there may be more of them, else None.
    """

    entries: int
    orders: int
    problems: list[BooksProblem]
    next_after: PaymentOrderId | None

    @property
    def ok(self) -> bool:
        """Whether debits and credits agree, and the orders with the books."""
        return not self.problems
