"""Compiled Core statements: written with SQLAlchemy, run without its execution layers."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import ColumnElement, Dialect, Executable, column, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BindParameter

type Params = Mapping[str, object]


class Statement:
    """A Core statement and its text for one dialect, compiled at first use and kept.

    ``arguments(params)`` puts named values into the driver's positional order.
    """

    __slots__ = ("_defaults", "_order", "core", "names", "sql")

    def __init__(self, core: Executable, dialect: Dialect) -> None:
        """Compile now, so that a bad statement fails where it is built."""
        if not isinstance(core, ClauseElement):
            raise TypeError("only Core statements can be compiled")
        compiled = core.compile(dialect=dialect)
        if not isinstance(compiled, SQLCompiler):
            raise TypeError("only SQL statements can be compiled")
        self.core: Final = core
        self.sql: Final = str(compiled)
        self._order = tuple(compiled.positiontup or ())
        self._defaults = dict(compiled.params)
        self.names: Final = frozenset(self._defaults)

    def arguments(self, params: Params) -> list[object]:
        """Return the positional arguments; constants of the statement fill what is not given."""
        return [params[name] if name in params else self._defaults[name] for name in self._order]


class AnyOf(ColumnElement[bool]):
    """``column = any(one list parameter)``: one statement text for every length of the list."""

    inherit_cache = True

    def __init__(self, left: ColumnElement[object], values: BindParameter[object]) -> None:
        """Compare ``left`` with the items of a :class:`~.types.ListOf` parameter."""
        super().__init__()
        self.left = left
        self.values = values

    def get_children(self, **_: object) -> tuple[ColumnElement[object], BindParameter[object]]:  # type: ignore[override]  # reason: a narrower tuple
        """Let SQLAlchemy see the column and the parameter."""
        return self.left, self.values

    _traverse_internals = ()  # type: ignore[assignment]  # reason: statements holding it are kept by us, not cached by SQLAlchemy


AnyOf.inherit_cache = False


@compiles(AnyOf, "postgresql")
def _any_array(element: AnyOf, compiler: SQLCompiler, **kw: object) -> str:
    return f"{compiler.process(element.left, **kw)} = ANY ({compiler.process(element.values, **kw)})"


@compiles(AnyOf, "sqlite")
def _in_json(element: AnyOf, compiler: SQLCompiler, **kw: object) -> str:
    values = select(column("value")).select_from(func.json_each(element.values))
    return f"{compiler.process(element.left, **kw)} IN ({compiler.process(values, **kw)})"
