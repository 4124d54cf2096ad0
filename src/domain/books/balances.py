"""What the books add up to, and where they are wrong."""

from attrs import frozen

from domain.books.journal_entry import Account
from domain.shared.ids import JournalEntryId, PaymentOrderId
from domain.shared.money import Money


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
    """What was read, and the first problems of every kind, by id."""

    entries: int
    orders: int
    problems: list[BooksProblem]

    @property
    def ok(self) -> bool:
        """Whether debits and credits agree, and the orders with the books."""
        return not self.problems
