"""What orders and refunds contribute to the figures, in SQL: the same rules as ``domain.payments.figures``.

Sums need it in two places. The parts of hours at the ends of a period are added up from the rows themselves, and
everything can be counted again to compare it with what is stored.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, Column, ColumnElement, CompoundSelect, Select, Table, case, literal_column, union_all
from sqlalchemy import select as select_from
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from domain.payments.durations import BOUNDS_MS
from domain.payments.figures import AMOUNTS, COUNTS
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.payments.refund import RefundStatus
from infrastructure.persistence import tenancy
from infrastructure.persistence.models.payments import PaymentOrderRow, RefundRow
from infrastructure.persistence.reporting.tally import BASE
from infrastructure.persistence.spans import ElapsedMicros
from infrastructure.persistence.types import UtcDateTime

ORDERS = cast("Table", PaymentOrderRow.__table__)
REFUNDS = cast("Table", RefundRow.__table__)
MONEY = tuple(f"{name}_{part}" for name in AMOUNTS for part in ("high", "low"))
MONEY_COLUMNS = ("captures", "refunds", *MONEY)
"""The columns of figures without the states of orders."""
ALL_COLUMNS = (*COUNTS, *MONEY)

type Query = Select[*tuple[Any, ...]]  # reason: as many columns as are asked for
type Narrow = Callable[[Query, Column[Any]], Query]
"""Restricts a query of contributions by the moment at which they count, and may put columns in front."""


class Bin(FunctionElement[int]):
    """``Bin(micros)``: the histogram's bin of a duration."""

    inherit_cache = True
    type = BigInteger()


@compiles(Bin, "postgresql")
def _bin_by_search(element: Bin, compiler: SQLCompiler, **kw: object) -> str:
    (micros,) = (compiler.process(each, **kw) for each in element.clauses)
    bounds = ",".join(f"{bound}000" for bound in BOUNDS_MS)
    return f"width_bucket({micros}, '{{{bounds}}}'::bigint[])"


@compiles(Bin, "sqlite")
def _bin_by_counting(element: Bin, compiler: SQLCompiler, **kw: object) -> str:
    (micros,) = (compiler.process(each, **kw) for each in element.clauses)
    bounds = ",".join(f"{bound}000" for bound in BOUNDS_MS)
    return f"(SELECT count(*) FROM json_each('[{bounds}]') WHERE value <= {micros})"  # noqa: S608 - made of our own constants


class StartOf(FunctionElement[datetime]):
    """``StartOf(moment)``: the beginning of its hour, or of its day with ``grain="day"``, in UTC."""

    inherit_cache = False

    def __init__(self, moment: ColumnElement[Any], grain: str) -> None:  # reason: of any column type
        """Keep the grain for the compiler."""
        super().__init__(moment)
        self.type = UtcDateTime()
        self.grain = grain


@compiles(StartOf, "postgresql")
def _truncated(element: StartOf, compiler: SQLCompiler, **kw: object) -> str:
    (moment,) = (compiler.process(each, **kw) for each in element.clauses)
    return f"date_trunc('{element.grain}', {moment}, 'UTC')"


@compiles(StartOf, "sqlite")
def _cut_off(element: StartOf, compiler: SQLCompiler, **kw: object) -> str:
    (moment,) = (compiler.process(each, **kw) for each in element.clauses)
    kept, rest = (10, "T00:00:00.000000Z") if element.grain == "day" else (13, ":00:00.000000Z")
    return f"(substr({moment}, 1, {kept}) || '{rest}')"


def contributions(names: Sequence[str], narrow: Narrow) -> CompoundSelect[*tuple[Any, ...]]:
    """Return a query of (…, currency, and the named columns) for every contribution of orders and refunds."""
    states = any(name in names for name in _states())
    # Without states nearly no order has anything to add where it was opened, and a small index knows which ones.
    some = [] if states else [ORDERS.c.completed_at.is_(None), ORDERS.c.fee_minor > literal_column("0")]
    given_back = [
        REFUNDS.c.status == literal_column(f"'{RefundStatus.SUCCEEDED.value}'"),
        REFUNDS.c.surplus.is_(literal_column("false")),
        REFUNDS.c.succeeded_at.is_not(None),
    ]
    paid = [ORDERS.c.completed_at.is_not(None)]
    return union_all(
        narrow(_from(ORDERS, names, _captured(), paid), ORDERS.c.completed_at),
        narrow(_from(REFUNDS, names, _given_back(), given_back), REFUNDS.c.succeeded_at),
        narrow(_from(ORDERS, names, {**_states(), **_lost()}, some), ORDERS.c.created_at),
    )


def durations(narrow: Narrow) -> Query:
    """Return a query of (…, bin, payments) for every paid order."""
    took = Bin(ElapsedMicros(ORDERS.c.processing_at, ORDERS.c.completed_at)).label("bin")
    query = select_from(took, literal_column("1", BigInteger()).label("payments")).where(
        tenancy.wall(ORDERS), ORDERS.c.completed_at.is_not(None), ORDERS.c.processing_at.is_not(None)
    )
    return narrow(query, ORDERS.c.completed_at)


def _from(
    table: Table,
    names: Sequence[str],
    adds: Mapping[str, ColumnElement[int]],
    conditions: Sequence[ColumnElement[bool]],
) -> Query:
    currency = table.c.amount_currency.label("currency")
    nothing = literal_column("0", BigInteger())
    query = select_from(currency, *(adds.get(name, nothing).label(name) for name in names))
    return query.where(tenancy.wall(table), *conditions)


def _states() -> dict[str, ColumnElement[int]]:
    return {
        f"orders_{status.value}": case(
            (ORDERS.c.status == literal_column(f"'{status.value}'"), literal_column("1")), else_=literal_column("0")
        )
        for status in PaymentOrderStatus
    }


def _captured() -> dict[str, ColumnElement[int]]:
    one = literal_column("1", BigInteger())
    return {"captures": one, **_split("captured", ORDERS.c.captured_minor), **_split("fees", ORDERS.c.fee_minor)}


def _lost() -> dict[str, ColumnElement[int]]:
    """Return what a provider kept of money that orders did not want any more."""
    unpaid = case((ORDERS.c.completed_at.is_(None), ORDERS.c.fee_minor), else_=literal_column("0"))
    return _split("fees", unpaid)


def _given_back() -> dict[str, ColumnElement[int]]:
    return {"refunds": literal_column("1", BigInteger()), **_split("refunded", REFUNDS.c.amount_minor)}


def _split(name: str, minor: ColumnElement[int]) -> dict[str, ColumnElement[int]]:
    base = literal_column(str(BASE), BigInteger())
    # Integer division; true division is what SQLAlchemy makes of a slash.
    return {f"{name}_high": minor.op("/")(base), f"{name}_low": minor.op("%")(base)}
