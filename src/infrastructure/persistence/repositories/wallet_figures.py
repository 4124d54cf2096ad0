"""Statements that add up what moved to and from a wallet."""

from typing import cast

from sqlalchemy import ColumnElement, Executable, Integer, Table, bindparam, func, literal, select

from domain.shared.evm_types import Address
from domain.shared.ids import WalletId
from domain.shared.period import Period
from domain.wallets.figures import MOST_COUNTERPARTIES, Counterparty, Tally, WalletFigures
from domain.wallets.transaction_direction import TransactionDirection
from domain.wallets.transaction_status import WalletTransactionStatus
from infrastructure.persistence import tenancy
from infrastructure.persistence.models.wallet_transactions import WalletTransactionRow
from infrastructure.persistence.session import Session
from infrastructure.persistence.types import Guid, UtcDateTime

_TABLE = cast("Table", WalletTransactionRow.__table__)


async def figures(session: Session, wallet_id: WalletId, period: Period) -> WalletFigures:
    """Add up a period's transactions, in three statements."""
    params = {"this_wallet": wallet_id, "since": period.since, "until": period.until}
    postgres = session.database.is_postgres
    tallies = await session.rows(session.prepare("wallet_tallies", lambda: _tallies(postgres=postgres)), params)
    others = await session.rows(session.prepare("wallet_others", _counterparties), params)
    [[distinct]] = await session.rows(session.prepare("wallet_distinct", _distinct), params)
    return WalletFigures(
        tallies=[_tally(row) for row in tallies], counterparties=cast("int", distinct),
        most_frequent=[
            Counterparty(address=Address(cast("str", address)), transactions=cast("int", count))
            for address, count in others
        ],
    )  # fmt: skip


def _tally(row: object) -> Tally:
    direction, status, token, *numbers = cast("tuple[str, str, str | None, *tuple[int | str | None, ...]]", row)
    transactions, value, amount, fees = (int(each or 0) for each in numbers)
    return Tally(
        direction=TransactionDirection(direction), status=WalletTransactionStatus(status),
        token=None if token is None else Address(token), transactions=transactions, value=value, token_amount=amount,
        fees=fees,
    )  # fmt: skip


def _of_period() -> tuple[ColumnElement[bool], ...]:
    return (
        tenancy.wall(_TABLE),
        _TABLE.c.wallet_id == bindparam("this_wallet", type_=Guid()),
        _TABLE.c.created_at >= bindparam("since", type_=UtcDateTime()),
        _TABLE.c.created_at < bindparam("until", type_=UtcDateTime()),
    )


def _tallies(*, postgres: bool) -> Executable:
    alike = (_TABLE.c.direction, _TABLE.c.status, _TABLE.c.token_address)
    amounts = (_TABLE.c.value, _TABLE.c.token_amount, _TABLE.c.fee)
    if not postgres:
        # SQLite would round numbers of 256 bits; its rows are added up by whoever reads them.
        return select(*alike, literal(1, Integer()), *amounts).where(*_of_period())
    sums = (func.count(), *(func.sum(amount) for amount in amounts))
    return select(*alike, *sums).where(*_of_period()).group_by(*alike)


def _counterparties() -> Executable:
    other, count = _TABLE.c.counterparty, func.count()
    return (
        select(other, count)
        .where(*_of_period(), other.is_not(None))
        .group_by(other)
        .order_by(count.desc(), other)
        .limit(MOST_COUNTERPARTIES)
    )


def _distinct() -> Executable:
    return select(func.count(_TABLE.c.counterparty.distinct())).where(*_of_period())
