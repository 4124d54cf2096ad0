"""Statements that count what became of a payment link."""

from typing import cast

from sqlalchemy import Executable, Table, bindparam, func, literal_column, select

from domain.payments.figures import PAID, money_of
from domain.payments.link_statistics import LinkStatistics
from domain.payments.payment_link import PaymentLink
from infrastructure.persistence import tenancy
from infrastructure.persistence.link_views import counter_of
from infrastructure.persistence.models.payments import PaymentOrderRow
from infrastructure.persistence.models.technical import CounterRow
from infrastructure.persistence.session import Session
from infrastructure.persistence.types import Guid, text

_ORDERS = cast("Table", PaymentOrderRow.__table__)
_COUNTERS = cast("Table", CounterRow.__table__)


async def statistics(session: Session, link: PaymentLink) -> LinkStatistics:
    """Count views in one statement, orders and money in another.

    Raises:
        FiguresTooLarge: more was paid than an amount can hold.
    """
    viewed = await session.rows(session.prepare("link-views", _views), {"counter_name": counter_of(link.id)})
    ordered = await session.rows(session.prepare("link-orders", _orders), {"link_id": link.id})
    counted = [
        (str(status), str(currency), _whole(n), (_whole(high) << 32) + _whole(low))
        for status, currency, n, high, low in ordered
    ]
    paid = [(currency, n, minor) for status, currency, n, minor in counted if status in PAID]
    return LinkStatistics(
        views=_whole(viewed[0][0]),
        orders=sum(n for _, _, n, _ in counted),
        completed=sum(n for _, n, _ in paid),
        gross=tuple(
            money_of(sum(minor for other, _, minor in paid if other == currency), currency)
            for currency in sorted({currency for currency, _, _ in paid})
        ),
    )


def _whole(value: object) -> int:
    """Return a sum as the integer it is: PostgreSQL adds bigints up to a numeric, and nothing to null."""
    return int(cast("int", value or 0))


def _views() -> Executable:
    return select(func.sum(_COUNTERS.c.value)).where(
        tenancy.wall(_COUNTERS), _COUNTERS.c.name == bindparam("counter_name", type_=text())
    )


def _orders() -> Executable:
    # In two halves, because SQLite refuses a sum beyond 64 bits with an error of its own.
    minor = _ORDERS.c.amount_minor
    high, low = minor.bitwise_rshift(literal_column("32")), minor.bitwise_and(literal_column("4294967295"))
    return (
        select(_ORDERS.c.status, _ORDERS.c.amount_currency, func.count(), func.sum(high), func.sum(low))
        .where(tenancy.wall(_ORDERS), _ORDERS.c.payment_link_id == bindparam("link_id", type_=Guid()))
        .group_by(_ORDERS.c.status, _ORDERS.c.amount_currency)
    )
