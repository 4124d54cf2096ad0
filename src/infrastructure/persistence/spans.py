"""How long something took, in SQL: whole microseconds, the same on both databases."""

from sqlalchemy import BigInteger, Column, ColumnElement, and_, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from infrastructure.persistence.mapper import Children


class ElapsedMicros(FunctionElement[int]):
    """``ElapsedMicros(start, end)``: the microseconds between two moments; null when one is absent."""

    type = BigInteger()
    inherit_cache = True


@compiles(ElapsedMicros, "postgresql")
def _from_intervals(element: ElapsedMicros, compiler: SQLCompiler, **kw: object) -> str:
    start, end = (compiler.process(each, **kw) for each in element.clauses)
    # Extracting is exact: since PostgreSQL 14 it answers with a numeric and not with a binary fraction.
    return f"CAST(extract(epoch FROM {end} - {start}) * 1000000 AS bigint)"


@compiles(ElapsedMicros, "sqlite")
def _from_text(element: ElapsedMicros, compiler: SQLCompiler, **kw: object) -> str:
    start, end = (_micros(compiler.process(each, **kw)) for each in element.clauses)
    return f"({end} - {start})"


def _micros(moment: str) -> str:
    """Return the microseconds since 1970 of a moment stored as text; julian days would be binary fractions."""
    whole = f"CAST(strftime('%s', substr({moment}, 1, 19)) AS INTEGER)"
    return f"({whole} * 1000000 + CAST(substr({moment}, 21, 6) AS INTEGER))"


def longer(start: Column[object], end: Column[object], micros: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that more than so many microseconds lie between two columns."""
    return and_(start.is_not(None), end.is_not(None), ElapsedMicros(start, end) > micros)


def count_of(child: Children, root: Column[object], organization: Column[object]) -> ColumnElement[int]:
    """Return how many parts of one kind a root has."""
    table = child.mapper.table
    query = select(func.count()).select_from(table)
    mine = and_(table.c.organization_id == organization, table.c[child.parent] == root)
    return query.where(mine).correlate(root.table).scalar_subquery()
