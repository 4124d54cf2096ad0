"""The published events of many orders at once."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Integer, Select, Table, bindparam, func, literal_column, select

from domain.payments.recent import IOrderEvents, OrderEvent
from domain.shared.ids import EventId, PaymentOrderId
from infrastructure.persistence import tenancy
from infrastructure.persistence.models.technical import EventRow
from infrastructure.persistence.session import Session
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import Guid, ListOf

EVENTS = cast("Table", EventRow.__table__)


class SqlOrderEvents(IOrderEvents):
    """Reads the table that the relay fills as it publishes."""

    def __init__(self, session: Session) -> None:
        """Read in the unit of work's transaction."""
        self._session = session

    async def latest_of(
        self, order_ids: Sequence[PaymentOrderId], *, each: int
    ) -> dict[PaymentOrderId, list[OrderEvent]]:
        """Number the events of every order backwards and take the first ones."""
        statement = self._session.prepare("latest-events-of-orders", _latest)
        found: defaultdict[PaymentOrderId, list[OrderEvent]] = defaultdict(list)
        for order, id_, kind, version, at in await self._session.rows(statement, {"orders": order_ids, "each": each}):
            event = OrderEvent(
                id=EventId(cast("UUID", id_)), type=cast("str", kind), version=cast("int", version),
                occurred_at=cast("datetime", at),
            )  # fmt: skip
            found[PaymentOrderId(cast("UUID", order))].append(event)
        return found


def _latest() -> Select[*tuple[Any, ...]]:  # reason: five columns, read by position
    newest = func.row_number().over(partition_by=EVENTS.c.aggregate_id, order_by=EVENTS.c.position.desc())
    of_orders = (
        select(
            EVENTS.c.aggregate_id, EVENTS.c.id, EVENTS.c.type, EVENTS.c.aggregate_version, EVENTS.c.occurred_at,
            newest.label("place"),
        )
        .where(
            tenancy.wall(EVENTS),
            AnyOf(EVENTS.c.aggregate_id, bindparam("orders", type_=ListOf(Guid()))),
            EVENTS.c.aggregate_type == literal_column("'payment_order'"),
        )
        .subquery("of_orders")
    )  # fmt: skip
    columns = [column for column in of_orders.c if column.name != "place"]
    latest = of_orders.c.place <= bindparam("each", type_=Integer())
    return select(*columns).where(latest).order_by(of_orders.c.aggregate_id, of_orders.c.place)
