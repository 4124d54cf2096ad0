"""Specifications compiled to SQL: the same object, the same rows, on both databases.

A specification is split into its *outline* (a hashable tree of operators and fields) and its *values*. The
outline is what a statement is built from and kept under; the values become its parameters p0, p1, … in the order
of the walk. Two-valued logic is kept by ``IS NOT TRUE``: NOT of an unknown is true, as it is in Python.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Protocol

from sqlalchemy import BigInteger, Column, ColumnElement, Table, and_, bindparam, false, literal_column, or_, true
from sqlalchemy.types import String, Text

from domain.shared import specification as s
from domain.shared.specification_fields import JsonHas, LessThanField
from domain.shared.specification_spans import HasAtLeast, LongerThan
from domain.shared.specification_values import Ordered
from infrastructure.persistence.mapper import Children
from infrastructure.persistence.matches import ILikeMatch, JsonContainsMatch, LikeMatch, has
from infrastructure.persistence.spans import count_of, longer
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import JsonText, ListOf

type Outline = tuple[object, ...]


class Columns(Protocol):
    """What the compiler needs of a mapper."""

    @property
    def table(self) -> Table:
        """Return the table of the roots."""
        ...

    @property
    def children(self) -> Mapping[str, Children]:
        """Return the kinds of parts by the attribute that lists them."""
        ...

    def column(self, path: str) -> Column[object]:
        """Return the column behind an attribute path."""
        ...


_COMPARE: dict[str, Callable[[ColumnElement[object], ColumnElement[object]], ColumnElement[bool]]] = {
    "Equal": lambda c, p: c == p,
    "GreaterThan": lambda c, p: c > p,
    "GreaterOrEqual": lambda c, p: c >= p,
    "LessThan": lambda c, p: c < p,
    "LessOrEqual": lambda c, p: c <= p,
}


def outline[E](spec: s.Spec[E], columns: Columns, values: list[object]) -> Outline:
    """Walk a specification: return its outline and append its values in order.

    Raises:
        AttributeError: a field the entity does not have.
        TypeError: an unknown kind of specification, or an order between values of different types.
    """
    match spec:
        case s.And(left, right):
            return ("and", outline(left, columns, values), outline(right, columns, values))
        case s.Or(left, right):
            return ("or", outline(left, columns, values), outline(right, columns, values))
        case s.Not(inner):
            return ("not", outline(inner, columns, values))
        case s.Everything():
            return ("true",)
        case s.FieldSpec() if type(spec) in _LEAVES:
            return _LEAVES[type(spec)](spec, columns.column(spec.field), values)
        case LessThanField() | LongerThan() | HasAtLeast():
            return _of_entity(spec, columns, values)
    raise TypeError(f"cannot compile {type(spec).__name__} to SQL")


def _of_entity(spec: LessThanField | LongerThan | HasAtLeast, columns: Columns, values: list[object]) -> Outline:
    """Outline a leaf that looks at more than one attribute."""
    match spec:
        case LessThanField(field, other):
            if _kind(columns.column(field)) is not _kind(columns.column(other)):
                raise TypeError(f"cannot order {field} and {other}")
            return ("fields", field, other)
        case LongerThan(start, end, span):
            if {_kind(columns.column(start)), _kind(columns.column(end))} != {datetime}:
                raise TypeError(f"{start} and {end} are not both moments")
            values.append(span // timedelta(microseconds=1))
            return ("longer", start, end)
        case HasAtLeast(parts, count):
            if parts not in columns.children:
                raise AttributeError(f"no parts {parts!r}")
            values.append(count)
            return ("parts", parts)


def _equal(spec: s.Equal | s.NotEqual, column: Column[object], values: list[object]) -> Outline:
    if spec.value is None:
        return ("null", spec.field)
    if not _can_hold(column, spec.value):
        return _NOTHING
    values.append(spec.value)
    return ("Equal", spec.field)


def _ordered(
    spec: s.GreaterThan | s.GreaterOrEqual | s.LessThan | s.LessOrEqual, column: Column[object], values: list[object]
) -> Outline:
    value = _same_type(column, spec.value)
    if isinstance(value, int) and not _can_hold(column, value):
        # Every number the column can hold lies on one side of a value that is too large for it.
        selects_all = (value < 0) == isinstance(spec, s.GreaterThan | s.GreaterOrEqual)
        return ("not", ("null", spec.field)) if selects_all else _NOTHING
    values.append(value)
    return (type(spec).__name__, spec.field)


def _between(spec: s.Between, column: Column[object], values: list[object]) -> Outline:
    low, high = _same_type(column, spec.low), _same_type(column, spec.high)
    if isinstance(low, int) and isinstance(high, int):
        least, most = _limits(column)
        low, high = max(low, least), min(high, most)
        if low > high:
            return _NOTHING
    values.extend((low, high))
    return ("Between", spec.field)


def _in(spec: s.In, column: Column[object], values: list[object]) -> Outline:
    values.append([value for value in spec.values if _can_hold(column, value)])
    return ("In", spec.field)


def _like_pattern(spec: s.Like | s.ILike, column: Column[object], values: list[object]) -> Outline:
    if _kind(column) is not str:
        return _NOTHING
    values.append(spec.pattern)
    return (type(spec).__name__, spec.field)


def _json_pairs(spec: s.JsonContains, column: Column[object], values: list[object]) -> Outline:
    if _kind(column) is not Mapping:
        return _NOTHING
    values.append(json.dumps(dict(spec.value)))
    return ("JsonContains", spec.field)


def _json_item(spec: JsonHas, column: Column[object], values: list[object]) -> Outline:
    if _kind(column) is not Mapping:
        return _NOTHING
    values.append(spec.text)
    return ("JsonHas", spec.field)


_NOTHING: Outline = ("false",)
_LEAVES: Mapping[type[s.FieldSpec], Callable[[Any, Column[object], list[object]], Outline]] = {  # reason: by their key
    s.IsNull: lambda spec, column, values: ("null", spec.field),  # noqa: ARG005 - the shape all leaves share
    s.IsNotNull: lambda spec, column, values: ("not", ("null", spec.field)),  # noqa: ARG005 - as above
    s.Equal: _equal,
    s.NotEqual: lambda spec, column, values: ("not", _equal(spec, column, values)),
    s.GreaterThan: _ordered,
    s.GreaterOrEqual: _ordered,
    s.LessThan: _ordered,
    s.LessOrEqual: _ordered,
    s.Between: _between,
    s.In: _in,
    s.Like: _like_pattern,
    s.ILike: _like_pattern,
    s.JsonContains: _json_pairs,
    JsonHas: _json_item,
}


@cache
def _kind(column: Column[object]) -> type:
    """Return the type of the attribute behind a column; JSON counts as a mapping, whatever is in it."""
    return Mapping if isinstance(column.type, JsonText) else column.type.python_type


@cache
def _limits(column: Column[object]) -> tuple[int, int]:
    """Return the least and the largest number a column can hold."""
    most = 2**63 - 1 if isinstance(column.type, BigInteger) else 2**31 - 1
    return -most - 1, most


def _can_hold(column: Column[object], value: object) -> bool:
    """Say whether equality is possible at all: text is never a number, True is not 1, and numbers may be too large."""
    kind = _kind(column)
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if isinstance(value, int) and kind is int:
        least, most = _limits(column)
        return least <= value <= most
    return isinstance(value, kind)


def _same_type(column: Column[object], value: Ordered) -> Ordered:
    """Return the value if the column's values have an order with it."""
    kind = _kind(column)
    if kind is bool or not isinstance(value, kind):
        raise TypeError(f"cannot order {column.name} and {type(value).__name__}")
    return value


def clause(tree: Outline, columns: Columns, prefix: str = "p") -> ColumnElement[bool]:
    """Build the SQL condition of an outline; its parameters are p0, p1 and so on."""
    return _clause(tree, columns, (f"{prefix}{n}" for n in itertools.count()))


def _clause(tree: Outline, columns: Columns, names: Iterator[str]) -> ColumnElement[bool]:
    match tree:
        case ("and", tuple(left), tuple(right)):
            return and_(_clause(left, columns, names), _clause(right, columns, names))
        case ("or", tuple(left), tuple(right)):
            return or_(_clause(left, columns, names), _clause(right, columns, names))
        case ("not", ("null", str(field))):
            # The general form below means the same, but no index can begin a scan there.
            return columns.column(field).is_not(None)
        case ("not", tuple(inner)):
            return _clause(inner, columns, names).is_not(literal_column("true"))
        case ("true" | "false" as always,):
            return true() if always == "true" else false()
        case ("null", str(field)):
            return columns.column(field).is_(None)
        case ("longer" | "fields" | "parts", *_):
            return _over_entity(tree, columns, names)
        case (str(kind), str(field)):
            return _comparison(kind, columns.column(field), names)
    raise TypeError(f"not an outline: {tree!r}")


def _over_entity(tree: Outline, columns: Columns, names: Iterator[str]) -> ColumnElement[bool]:
    match tree:
        case ("longer", str(start), str(end)):
            span = bindparam(next(names), type_=BigInteger())
            return longer(columns.column(start), columns.column(end), span)
        case ("parts", str(kind)):
            found = count_of(columns.children[kind], columns.table.c.id, columns.table.c.organization_id)
            return found >= bindparam(next(names), type_=BigInteger())
        case ("fields", str(field), str(other)):
            return columns.column(field) < columns.column(other)
    raise TypeError(f"not an outline: {tree!r}")


def _comparison(kind: str, column: Column[object], names: Iterator[str]) -> ColumnElement[bool]:
    def value() -> ColumnElement[object]:
        return bindparam(next(names), type_=column.type)

    match kind:
        case "Between":
            return column.between(value(), value())
        case "In":
            return AnyOf(column, bindparam(next(names), type_=ListOf(column.type)))
        case "Like":
            return LikeMatch(bindparam(next(names), type_=String()), column)
        case "ILike":
            return ILikeMatch(bindparam(next(names), type_=String()), column)
        case "JsonContains":
            return JsonContainsMatch(bindparam(next(names), type_=JsonText()), column)
        case "JsonHas":
            return has(column, bindparam(next(names), type_=Text()))
    return _COMPARE[kind](column, value())
