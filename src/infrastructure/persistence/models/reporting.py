"""Tables of the figures: what orders and refunds add up to, kept in the transactions that change them."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import BigInteger, Index, Table
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from infrastructure.persistence.models.base import Base, TableArgs, of_organization
from infrastructure.persistence.models.payments import PaymentOrderRow, RefundRow
from infrastructure.persistence.types import text


class PaymentFiguresRow(Base):
    """The sums of one currency over one hour of UTC.

    An amount is ``high`` · 10⁹ + ``low``: sums of 64-bit amounts would soon be beyond 64 bits, and a sum that cannot
    be kept must not keep anybody from being paid.
    """

    __tablename__ = "payment_figures"
    __table_args__: TableArgs = (of_organization(),)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(text(3), primary_key=True)
    orders_pending: Mapped[int] = mapped_column(BigInteger)
    orders_processing: Mapped[int] = mapped_column(BigInteger)
    orders_settlement_pending: Mapped[int] = mapped_column(BigInteger, server_default="0")
    orders_unknown: Mapped[int] = mapped_column(BigInteger)
    orders_completed: Mapped[int] = mapped_column(BigInteger)
    orders_failed: Mapped[int] = mapped_column(BigInteger)
    orders_cancelled: Mapped[int] = mapped_column(BigInteger)
    orders_expired: Mapped[int] = mapped_column(BigInteger)
    orders_refunded: Mapped[int] = mapped_column(BigInteger)
    orders_partially_refunded: Mapped[int] = mapped_column(BigInteger)
    captures: Mapped[int] = mapped_column(BigInteger)
    refunds: Mapped[int] = mapped_column(BigInteger)
    captured_high: Mapped[int] = mapped_column(BigInteger)
    captured_low: Mapped[int] = mapped_column(BigInteger)
    fees_high: Mapped[int] = mapped_column(BigInteger)
    fees_low: Mapped[int] = mapped_column(BigInteger)
    refunded_high: Mapped[int] = mapped_column(BigInteger)
    refunded_low: Mapped[int] = mapped_column(BigInteger)


class PaymentDurationsRow(Base):
    """How many payments completed on one day of UTC took as long as one bin of the histogram says."""

    __tablename__ = "payment_durations"
    __table_args__: TableArgs = (of_organization(),)

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[datetime] = mapped_column(primary_key=True)
    bin: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    payments: Mapped[int] = mapped_column(BigInteger)


def _index(row: type[Base], *columns: str, include: Sequence[str] = ()) -> Index:
    """Make an index for questions over all orders, beside those that the table's own module has for its rules."""
    table = cast("Table", row.__table__)
    name, names = f"ix_{table.name}_{'_'.join(columns)}", ("organization_id", *columns, "id")
    return Index(name, *(table.c[each] for each in names), postgresql_include=list(include))


# Fees of orders that were never paid are looked for in every period and are next to none.
_LOST_FEES = sql("completed_at is null and fee_minor > 0")

INDEXES = (
    Index(
        "ix_payment_orders_lost_fees",
        cast("Table", PaymentOrderRow.__table__).c.organization_id,
        cast("Table", PaymentOrderRow.__table__).c.created_at,
        postgresql_where=_LOST_FEES,
        sqlite_where=_LOST_FEES,
    ),
    # Parts of hours are added up from the index alone, as far as rows have settled.
    _index(PaymentOrderRow, "completed_at", include=["amount_currency", "captured_minor", "fee_minor"]),
    _index(PaymentOrderRow, "status", "created_at"),
    _index(PaymentOrderRow, "amount_minor"),
    _index(RefundRow, "succeeded_at"),
)
