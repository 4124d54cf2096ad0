"""Tables of the books: append-only, which the database enforces (``books_guard``)."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.books.journal_entry import EntryAlreadyPosted
from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import Base, TableArgs, TenantRow, belongs_to, of_organization, unique
from infrastructure.persistence.types import Uint256, text


class JournalEntryRow(TenantRow):
    """One movement of money."""

    __tablename__ = "journal_entries"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("payment_orders", "payment_order_id"),
        # The last wall against posting one attempt's or refund's money twice.
        unique("type", "source_id", error=EntryAlreadyPosted),
        Index("ix_journal_entries_payment_order_id", "organization_id", "payment_order_id"),
        Index("ix_journal_entries_created_at", "organization_id", "created_at", "id"),
    )

    type: Mapped[str] = mapped_column(text(20))
    payment_order_id: Mapped[UUID]
    source_id: Mapped[UUID]
    lines: Mapped[int]
    chain_id: Mapped[int | None] = mapped_column(BigInteger)
    token: Mapped[str | None] = mapped_column(text(42))
    token_amount: Mapped[int | None] = mapped_column(Uint256())


class JournalPostingRow(Base):
    """One line of an entry."""

    __tablename__ = "journal_postings"
    __table_args__: TableArgs = (
        belongs_to("journal_entries", "journal_entry_id"),
        unique("journal_entry_id", "number", error=DuplicateError),
        Index("ix_journal_postings_account", "organization_id", "account"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("direction in ('debit', 'credit')", name="direction_known"),
        {"info": {"unmapped": ("organization_id", "journal_entry_id")}},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    journal_entry_id: Mapped[UUID]
    number: Mapped[int]
    account: Mapped[str] = mapped_column(text(40))
    direction: Mapped[str] = mapped_column(text(10))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    amount_currency: Mapped[str] = mapped_column(text(3))
