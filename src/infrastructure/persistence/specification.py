"""Specifications compiled to SQL: the same object, the same rows, on both databases.

A specification is split into its *outline* (a hashable tree of operators and fields) and its *values*. The
outline is what a statement is built from and kept under; the values become its parameters p0, p1, … in the order
of the walk. Two-valued logic is kept by ``IS NOT TRUE``: NOT of an unknown is true, as it is in Python.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, false, literal_column, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import Boolean, String

from domain.shared import specification as s
from domain.shared.specification_values import typed
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.types import JsonText, ListOf

type Outline = tuple[object, ...]


class Columns(Protocol):
    """What the compiler needs of a mapper."""

    def column(self, path: str) -> ColumnElement[object]:
        """Return the column behind an attribute path."""
        ...


class _TextMatch(GenericFunction[bool]):
    type = Boolean()
    inherit_cache = True


class _Like(_TextMatch):
    name = "stoa_like"


class _ILike(_TextMatch):
    name = "stoa_ilike"


class _JsonContains(_TextMatch):
    name = "stoa_json_contains"


@compiles(_Like, "postgresql")
def _like(element: _Like, compiler: SQLCompiler, **kw: object) -> str:
    pattern, value = (compiler.process(c, **kw) for c in element.clauses)
    return f"{value} LIKE {pattern}"


@compiles(_ILike, "postgresql")
def _ilike(element: _ILike, compiler: SQLCompiler, **kw: object) -> str:
    pattern, value = (compiler.process(c, **kw) for c in element.clauses)
    return f'lower({value} COLLATE "C") LIKE lower({pattern} COLLATE "C")'


@compiles(_JsonContains, "postgresql")
def _json_contains(element: _JsonContains, compiler: SQLCompiler, **kw: object) -> str:
    needle, value = (compiler.process(c, **kw) for c in element.clauses)
    return f"{value} @> {needle}"


def json_contains(needle: str, document: str) -> bool:
    """Say whether a flat JSON object holds every pair of another; SQLite calls it as a function."""
    found: object = json.loads(document)
    wanted: dict[str, object] = json.loads(needle)
    return isinstance(found, Mapping) and all(k in found and typed(found[k]) == typed(v) for k, v in wanted.items())


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
        TypeError: an unknown kind of specification.
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
        case s.FieldSpec():
            return _leaf(spec, columns.column(spec.field), values)
    raise TypeError(f"cannot compile {type(spec).__name__} to SQL")


def _leaf(spec: s.FieldSpec, column: ColumnElement[object], values: list[object]) -> Outline:
    field = spec.field
    match spec:
        case s.IsNull() | s.Equal(value=None):
            return ("null", field)
        case s.IsNotNull() | s.NotEqual(value=None):
            return ("not", ("null", field))
        case s.NotEqual(value=value):
            return ("not", _leaf(s.Equal(field, value), column, values))
        case s.Equal(value=value) if not _comparable(column, value):
            return ("false",)
        case s.Equal(value=value):
            values.append(value)
        case s.GreaterThan() | s.GreaterOrEqual() | s.LessThan() | s.LessOrEqual():
            values.append(spec.value)
        case s.Between(low=low, high=high):
            values.extend((low, high))
        case s.In(values=given):
            values.append([v for v in given if _comparable(column, v)])
        case s.Like(pattern=pattern) | s.ILike(pattern=pattern):
            values.append(pattern)
        case s.JsonContains(value=pairs):
            values.append(json.dumps(dict(pairs)))
        case _:
            raise TypeError(f"cannot compile {type(spec).__name__} to SQL")
    return (type(spec).__name__, field)


def _comparable(column: ColumnElement[object], value: object) -> bool:
    """Say whether equality can hold at all: text is never a number, and True is not 1."""
    kinds = column.type.python_type
    if isinstance(value, bool) or kinds is bool:
        return isinstance(value, bool) and kinds is bool
    return any(isinstance(value, kind) and issubclass(kinds, kind) for kind in (str, int, datetime, UUID))


def clause(tree: Outline, columns: Columns) -> ColumnElement[bool]:
    """Build the SQL condition of an outline with parameters p0, p1, …"""
    return _clause(tree, columns, (f"p{n}" for n in itertools.count()))


def _clause(tree: Outline, columns: Columns, names: Iterator[str]) -> ColumnElement[bool]:
    match tree:
        case ("and", tuple(left), tuple(right)):
            return and_(_clause(left, columns, names), _clause(right, columns, names))
        case ("or", tuple(left), tuple(right)):
            return or_(_clause(left, columns, names), _clause(right, columns, names))
        case ("not", tuple(inner)):
            return _clause(inner, columns, names).is_not(literal_column("true"))
        case ("true",):
            return true()
        case ("false",):
            return false()
        case ("null", str(field)):
            return columns.column(field).is_(None)
        case (str(kind), str(field)):
            return _comparison(kind, columns.column(field), names)
    raise TypeError(f"not an outline: {tree!r}")


def _comparison(kind: str, column: ColumnElement[object], names: Iterator[str]) -> ColumnElement[bool]:
    def value() -> ColumnElement[object]:
        return bindparam(next(names), type_=column.type)

    match kind:
        case "Between":
            return column.between(value(), value())
        case "In":
            return AnyOf(column, bindparam(next(names), type_=ListOf(column.type)))
        case "Like":
            return _Like(bindparam(next(names), type_=String()), column)
        case "ILike":
            return _ILike(bindparam(next(names), type_=String()), column)
        case "JsonContains":
            return _JsonContains(bindparam(next(names), type_=JsonText()), column)
    return _COMPARE[kind](column, value())
