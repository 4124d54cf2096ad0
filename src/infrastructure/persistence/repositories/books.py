"""The repository of the books."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import Executable, Integer, Uuid, bindparam, text

from domain.books.balances import AccountBalance, BooksProblem, BooksReport
from domain.books.journal_entry import Account, JournalEntry, Posting
from domain.books.repositories import IJournalEntryRepository
from domain.shared.ids import JournalEntryId, PaymentOrderId
from domain.shared.money import Money
from infrastructure.persistence.mapper import Children, Mapper
from infrastructure.persistence.models.books import JournalEntryRow, JournalPostingRow
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.tenancy import TENANT

PROBLEMS = 20
_POSTINGS = Children(Mapper(Posting, JournalPostingRow), parent="journal_entry_id", order="number")
_BALANCES = """
SELECT account, amount_currency,
    coalesce(sum(amount_minor) FILTER (WHERE direction = 'debit'), 0),
    coalesce(sum(amount_minor) FILTER (WHERE direction = 'credit'), 0)
FROM journal_postings WHERE organization_id = :tenant
GROUP BY account, amount_currency ORDER BY account, amount_currency
"""
# The first wrong entries by id: too few or too many lines, or a currency whose debits and credits differ.
_UNBALANCED = """
SELECT id, found <> lines, currency FROM (
    SELECT e.id, e.lines, p.amount_currency AS currency, sum(count(p.number)) OVER (PARTITION BY e.id) AS found,
        coalesce(sum(CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END), 0) AS difference
    FROM journal_entries e
    LEFT JOIN journal_postings p ON p.organization_id = e.organization_id AND p.journal_entry_id = e.id
    WHERE e.organization_id = :tenant
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
    WHERE e.organization_id = :tenant
    GROUP BY e.payment_order_id
) b ON b.payment_order_id = o.id
WHERE o.organization_id = :tenant AND (
    o.captured_minor <> coalesce(b.captured, 0) OR o.refunded_minor <> coalesce(b.refunded, 0)
    OR o.fee_minor <> coalesce(b.fee, 0) OR coalesce(b.foreign_currency, 0) <> 0)
ORDER BY o.number LIMIT :problems
"""
_COUNTS = """
SELECT (SELECT count(*) FROM journal_entries WHERE organization_id = :tenant),
    (SELECT count(*) FROM payment_orders WHERE organization_id = :tenant)
"""


class SqlJournalEntryRepository(SqlRepository[JournalEntry], IJournalEntryRepository):
    """Journal entries with their postings."""

    mapper = Mapper(JournalEntry, JournalEntryRow, children={"postings": _POSTINGS})

    async def balances(self) -> list[AccountBalance]:
        """Return every account's sums."""
        return [
            AccountBalance(
                account=Account(cast("str", account)),
                debits=Money(_whole(debited), cast("str", currency)),
                credits=Money(_whole(credited), cast("str", currency)),
            )
            for account, currency, debited, credited in await self._rows("balances", _BALANCES)
        ]

    async def verify(self) -> BooksReport:
        """Look for the first wrong entries, currencies and orders."""
        problems = [
            BooksProblem(
                reason="lines are missing or too many" if miscounted else f"debits and credits differ in {currency}",
                journal_entry_id=JournalEntryId(cast("UUID", entry)),
            )
            for entry, miscounted, currency in await self._rows("unbalanced", _UNBALANCED)
        ]
        problems += [_disagreement(row) for row in await self._rows("disagreeing", _DISAGREEING)]
        totals: dict[str, int] = {}
        for each in await self.balances():
            totals[each.debits.currency] = totals.get(each.debits.currency, 0) + each.balance.minor
        problems += [
            BooksProblem(reason=f"all debits and credits in {currency} differ by {total}")
            for currency, total in totals.items()
            if total
        ]
        entries, orders = (await self._rows("counts", _COUNTS))[0]
        return BooksReport(entries=_whole(entries), orders=_whole(orders), problems=problems)

    async def _rows(self, name: str, sql: str) -> Sequence[Sequence[object]]:
        return await self._session.rows(self._prepare(name, lambda: _statement(sql)), {"problems": PROBLEMS})


def _statement(sql: str) -> Executable:
    statement = text(sql).bindparams(bindparam(TENANT, type_=Uuid()))
    if ":problems" not in sql:
        return statement
    return statement.bindparams(bindparam("problems", type_=Integer())).columns(id=Uuid())


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
