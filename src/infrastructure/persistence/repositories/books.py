"""The repository of the books."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Executable, Integer, Uuid, bindparam, text

from domain.books.balances import MAX_ENTRIES, AccountBalance, BooksProblem, BooksReport, BooksSpanTooLong
from domain.books.journal_entry import Account, JournalEntry, Posting
from domain.books.repositories import IJournalEntryRepository
from domain.shared.ids import JournalEntryId, PaymentOrderId
from domain.shared.money import Money
from infrastructure.persistence.mapper import Children, Mapper
from infrastructure.persistence.models.books import JournalEntryRow, JournalPostingRow
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.tenancy import TENANT
from infrastructure.persistence.types import UtcDateTime

PROBLEMS = 20
_BEFORE_ALL = UUID(int=0)
_EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_POSTINGS = Children(Mapper(Posting, JournalPostingRow), parent="journal_entry_id", order="number")
_BALANCES = """
WITH span AS (
    SELECT id FROM journal_entries WHERE organization_id = :tenant AND created_at >= :since AND created_at < :until
    ORDER BY created_at, id LIMIT :most
)
SELECT p.account, p.amount_currency,
    coalesce(sum(p.amount_minor) FILTER (WHERE p.direction = 'debit'), 0),
    coalesce(sum(p.amount_minor) FILTER (WHERE p.direction = 'credit'), 0),
    (SELECT count(*) FROM span)
FROM journal_postings p JOIN span ON p.journal_entry_id = span.id WHERE p.organization_id = :tenant
GROUP BY p.account, p.amount_currency ORDER BY p.account, p.amount_currency
"""
# Every entry belongs to an order, so whoever goes through the orders comes by every entry.
_ORDERS = """
SELECT id FROM payment_orders WHERE organization_id = :tenant AND id > :after ORDER BY id LIMIT :most
"""
# The first wrong entries by id: too few or too many lines, or a currency whose debits and credits differ.
_UNBALANCED = """
SELECT id, found <> lines, currency FROM (
    SELECT e.id, e.lines, p.amount_currency AS currency, sum(count(p.number)) OVER (PARTITION BY e.id) AS found,
        coalesce(sum(CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END), 0) AS difference
    FROM journal_entries e
    LEFT JOIN journal_postings p ON p.organization_id = e.organization_id AND p.journal_entry_id = e.id
    WHERE e.organization_id = :tenant AND e.payment_order_id > :after AND e.payment_order_id <= :last
    GROUP BY e.id, e.lines, p.amount_currency
) entries
WHERE difference <> 0 OR found <> lines ORDER BY id LIMIT :problems
"""
# What an account's postings come to, for each order; credits count for sales, debits for the others.
_DISAGREEING = """
SELECT o.id, o.number, o.captured_minor, o.refunded_minor, o.fee_minor,
    coalesce(b.captured, 0), coalesce(b.refunded, 0), coalesce(b.fee, 0)
FROM payment_orders o
LEFT JOIN (
    SELECT e.payment_order_id,
        sum(CASE WHEN p.account = 'sales' THEN -1 ELSE 0 END
            * CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END) AS captured,
        sum(CASE WHEN p.account = 'refunds' THEN 1 ELSE 0 END
            * CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END) AS refunded,
        sum(CASE WHEN p.account = 'provider_fees' THEN 1 ELSE 0 END
            * CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END) AS fee,
        max(CASE WHEN p.amount_currency = s.amount_currency THEN 0 ELSE 1 END) AS foreign_currency
    FROM journal_entries e
    JOIN journal_postings p ON p.organization_id = e.organization_id AND p.journal_entry_id = e.id
    JOIN payment_orders s ON s.organization_id = e.organization_id AND s.id = e.payment_order_id
    WHERE e.organization_id = :tenant AND e.payment_order_id > :after AND e.payment_order_id <= :last
    GROUP BY e.payment_order_id
) b ON b.payment_order_id = o.id
WHERE o.organization_id = :tenant AND o.id > :after AND o.id <= :last AND (
    o.captured_minor <> coalesce(b.captured, 0) OR o.refunded_minor <> coalesce(b.refunded, 0)
    OR o.fee_minor <> coalesce(b.fee, 0) OR coalesce(b.foreign_currency, 0) <> 0)
ORDER BY o.number LIMIT :problems
"""
_ENTRIES = """
SELECT count(*) FROM journal_entries
WHERE organization_id = :tenant AND payment_order_id > :after AND payment_order_id <= :last
"""


class SqlJournalEntryRepository(SqlRepository[JournalEntry], IJournalEntryRepository):
    """Journal entries with their postings."""

    mapper = Mapper(JournalEntry, JournalEntryRow, children={"postings": _POSTINGS})

    async def balances(self, since: datetime | None = None, until: datetime | None = None) -> list[AccountBalance]:
        """Return every account's sums of a span."""
        span = {"since": since or _EVER[0], "until": until or _EVER[1], "most": MAX_ENTRIES + 1}
        rows = await self._rows("balances", _BALANCES, span)
        if rows and _whole(rows[0][4]) > MAX_ENTRIES:
            raise BooksSpanTooLong
        return [
            AccountBalance(
                account=Account(cast("str", account)),
                debits=Money(_whole(debited), cast("str", currency)),
                credits=Money(_whole(credited), cast("str", currency)),
            )
            for account, currency, debited, credited, _ in rows
        ]

    async def verify(self, after: PaymentOrderId | None, limit: int) -> BooksReport:
        """Look for the first wrong entries and orders of a range."""
        start = _BEFORE_ALL if after is None else after
        orders = await self._rows("orders", _ORDERS, {"after": start, "most": limit})
        if not orders:
            return BooksReport(entries=0, orders=0, problems=[], next_after=None)
        last = PaymentOrderId(cast("UUID", orders[-1][0]))
        part = {"after": start, "last": last}
        entries = _whole((await self._rows("entries", _ENTRIES, part))[0][0])
        problems = [
            BooksProblem(
                reason="lines are missing or too many" if miscounted else f"debits and credits differ in {currency}",
                journal_entry_id=JournalEntryId(cast("UUID", entry)),
            )
            for entry, miscounted, currency in await self._rows("unbalanced", _UNBALANCED, part)
        ]
        problems += [_disagreement(row) for row in await self._rows("disagreeing", _DISAGREEING, part)]
        more = last if len(orders) == limit else None
        return BooksReport(entries=entries, orders=len(orders), problems=problems, next_after=more)

    async def _rows(self, name: str, sql: str, given: Mapping[str, object]) -> Sequence[Sequence[object]]:
        statement = self._prepare(name, lambda: _statement(sql))
        return await self._session.rows(statement, {"problems": PROBLEMS, **given})


def _statement(sql: str) -> Executable:
    ids = [bindparam(name, type_=Uuid()) for name in (TENANT, "after", "last") if f":{name}" in sql]
    moments = [bindparam(name, type_=UtcDateTime()) for name in ("since", "until") if f":{name}" in sql]
    numbers = [bindparam(name, type_=Integer()) for name in ("problems", "most") if f":{name}" in sql]
    statement = text(sql).bindparams(*ids, *moments, *numbers)
    # Ids are text on SQLite, and are the first column wherever there is one.
    return statement.columns(id=Uuid()) if sql.startswith(("\nSELECT id", "\nSELECT o.id")) else statement


def _whole(value: object) -> int:
    # A sum of bigint is numeric on PostgreSQL.
    return int(cast("int", value))


def _disagreement(row: Sequence[object]) -> BooksProblem:
    order, number, *amounts = row
    ours, books = amounts[:3], amounts[3:]
    differences = [
        f"{what} {_whole(mine)}, in the books {_whole(theirs)}"
        for what, mine, theirs in zip(("captured", "refunded", "fee"), ours, books, strict=True)
        if _whole(mine) != _whole(theirs)
    ]
    reason = "; ".join(differences) or "the books have another currency"
    return BooksProblem(reason=f"order {number}: {reason}", payment_order_id=PaymentOrderId(cast("UUID", order)))
