"""Text and JSON functions that PostgreSQL has operators for and SQLite is taught, with the same answers."""

import json
from collections.abc import Mapping

from sqlalchemy import Column, ColumnElement, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import Boolean

from domain.shared.specification_values import typed
from infrastructure.persistence import tenancy


class _TextMatch(GenericFunction[bool]):
    type = Boolean()
    inherit_cache = True


class LikeMatch(_TextMatch):
    """``LikeMatch(pattern, text)``."""

    inherit_cache = True
    name = "stoa_like"


class ILikeMatch(_TextMatch):
    """``ILikeMatch(pattern, text)``, ASCII letter case aside."""

    inherit_cache = True
    name = "stoa_ilike"


class JsonContainsMatch(_TextMatch):
    """``JsonContainsMatch(pairs, document)``."""

    inherit_cache = True
    name = "stoa_json_contains"


class JsonHasMatch(_TextMatch):
    """``JsonHasMatch(text, document)``."""

    inherit_cache = True
    name = "stoa_json_has"


@compiles(LikeMatch, "postgresql")
def _like(element: LikeMatch, compiler: SQLCompiler, **kw: object) -> str:
    pattern, value = (compiler.process(c, **kw) for c in element.clauses)
    return f"{value} LIKE {pattern}"


@compiles(ILikeMatch, "postgresql")
def _ilike(element: ILikeMatch, compiler: SQLCompiler, **kw: object) -> str:
    pattern, value = (compiler.process(c, **kw) for c in element.clauses)
    return f'lower({value} COLLATE "C") LIKE lower({pattern} COLLATE "C")'


@compiles(JsonContainsMatch, "postgresql")
def _json_contains(element: JsonContainsMatch, compiler: SQLCompiler, **kw: object) -> str:
    needle, value = (compiler.process(c, **kw) for c in element.clauses)
    return f"{value} @> {needle}"


@compiles(JsonHasMatch, "postgresql")
def _json_has(element: JsonHasMatch, compiler: SQLCompiler, **kw: object) -> str:
    wanted, value = (compiler.process(c, **kw) for c in element.clauses)
    return f"{value} ? {wanted}"


def json_contains(needle: str, document: str) -> bool:
    """Say whether a flat JSON object holds every pair of another; SQLite calls it as a function."""
    found: object = json.loads(document)
    wanted: dict[str, object] = json.loads(needle)
    return isinstance(found, Mapping) and all(k in found and typed(found[k]) == typed(v) for k, v in wanted.items())


def json_has(wanted: str, document: str) -> bool:
    """Say whether a JSON list has a text or an object a key; SQLite calls it as a function."""
    found: object = json.loads(document)
    return isinstance(found, list | Mapping) and wanted in found


def has(column: Column[object], wanted: ColumnElement[object]) -> ColumnElement[bool]:
    """Look a text up in the column's table of items, when it has one, and else in the JSON itself.

    No index on JSON can be used behind row security, because its operators are not leakproof; one on text can.
    A column names its table, the reference to the root and the text as ``info={"items": (table, parent, item)}``.
    """
    if "items" not in column.info:
        return JsonHasMatch(wanted, column)
    name, parent, item = column.info["items"]
    items = column.table.metadata.tables[name]
    found = select(items.c[parent]).where(tenancy.wall(items), items.c[item] == wanted)
    return column.table.c.id.in_(found)
