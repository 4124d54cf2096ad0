"""The books: what moved, what it adds up to, and whether it is right."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval

from application.kernel.actor import Scope
from application.kernel.page import PageQuery
from application.kernel.reads import list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.books.balances import MAX_ORDERS, AccountBalance, BooksProblem, BooksReport
from domain.books.journal_entry import ACCOUNT_TYPES, Account, AccountType, Direction, EntryType, JournalEntry, Posting
from domain.books.specifications import entries_matching
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.ids import JournalEntryId, PaymentOrderId
from domain.shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingView(View[Posting]):
    """One line of an entry."""

    number: int
    account: Account
    direction: Direction
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntryView(View[JournalEntry]):
    """One movement of money; its debits and credits are equal. What moved on a chain says how much of which token."""

    id: JournalEntryId
    version: int
    type: EntryType
    payment_order_id: PaymentOrderId
    chain_id: int | None
    token: Address | None
    token_amount: BaseUnits | None
    postings: list[PostingView]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListJournalEntries(PageQuery):
    """Which entries: `created_from` belongs to the range, `created_before` does not."""

    payment_order_id: PaymentOrderId | None = None
    account: Account | None = None
    type: EntryType | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "books.list_entries", ListJournalEntries, lambda uow: uow.journal_entries, JournalEntryView,
    "List journal entries with their postings, of one payment order, account or type, or of a span of time.",
    where=lambda cmd: entries_matching(
        payment_order_id=cmd.payment_order_id, account=cmd.account, type=cmd.type, since=cmd.created_from,
        until=cmd.created_before,
    ),
    scope=Scope.BOOKS_READ, example={"limit": 20, "account": "provider_clearing"}, statements=3,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalanceView:
    """One account in one currency; `balance` is debits less credits, so an income is negative."""

    account: Account
    type: AccountType
    currency: str
    debits: Money
    credits: Money
    balance: Money

    @classmethod
    def of(cls, balance: AccountBalance) -> "AccountBalanceView":
        """Show a balance with the type of its account."""
        return cls(
            account=balance.account, type=ACCOUNT_TYPES[balance.account], currency=balance.debits.currency,
            debits=balance.debits, credits=balance.credits, balance=balance.balance,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancesView:
    """Every account that moved."""

    data: list[AccountBalanceView]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetBalances:
    """Which entries: `created_from` belongs to the span, `created_before` does not; all of them without either."""

    created_from: datetime | None = None
    created_before: datetime | None = None


@use_case(
    "books.get_balances", scope=Scope.BOOKS_READ, example={"created_before": "2031-07-01T00:00:00Z"}, read_only=True,
    statements=1,
)  # fmt: skip
async def get_balances(cmd: GetBalances, uow: IUnitOfWork) -> BalancesView:
    """Return debits, credits and balance of every account, per currency; of a span of time, what was moved in it.

    At most 50,000 entries are added up at once; the sums of spans that follow each other add up to the whole.

    Errors: `books_span_too_long`.
    """
    balances = await uow.journal_entries.balances(cmd.created_from, cmd.created_before)
    return BalancesView(data=[AccountBalanceView.of(each) for each in balances])


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksProblemView(View[BooksProblem]):
    """One thing that is wrong, and the entry or the order where it is."""

    reason: str
    journal_entry_id: JournalEntryId | None
    payment_order_id: PaymentOrderId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksReportView(View[BooksReport]):
    """What was read, and the first problems of every kind; `ok` when there are none.

    Everything was read when `next_after` is null; else it is the `after` to go on with.
    """

    ok: bool
    entries: int
    orders: int
    problems: list[BooksProblemView]
    next_after: PaymentOrderId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyBooks:
    """From where on, and how many orders: from the first one, and as many as can be verified at once."""

    after: PaymentOrderId | None = None
    limit: Annotated[int, Interval(ge=1, le=MAX_ORDERS)] = MAX_ORDERS


@use_case("books.verify", scope=Scope.BOOKS_READ, example={"limit": 500}, read_only=True, statements=6)
async def verify_books(cmd: VerifyBooks, uow: IUnitOfWork) -> BooksReportView:
    """Verify the books: debits equal credits in every entry and currency, and every order agrees with its entries.

    Goes through the orders by id, a thousand at once; ask again with `after` until `next_after` is null.

    Errors: `not_found` for the order to go on after.
    """
    if cmd.after is not None:
        # An order of somebody else's is no place to go on from, and says so as an absent one does.
        await uow.payment_orders.get(cmd.after)
    return BooksReportView.of(await uow.journal_entries.verify(cmd.after, cmd.limit))
