"""Compiled Core statements: written with SQLAlchemy, run without its execution layers."""

from collections.abc import Mapping
from typing import Final, Protocol

from sqlalchemy import Boolean, Dialect, Executable
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from infrastructure.observability.tallies import Tally

type Params = Mapping[str, object]


class Build(Protocol):
    """Makes a statement for one of the two databases."""

    def __call__(self, *, postgres: bool) -> Executable:
        """Return the statement."""
        ...


class Statement:
    """A Core statement and its text for one dialect, compiled at first use and kept.

    ``arguments(params)`` puts named values into the driver's positional order.
    """

    __slots__ = ("_defaults", "_order", "core", "names", "sql", "tally")

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
        self.tally: Tally | None = None

    def arguments(self, params: Params) -> list[object]:
        """Return the positional arguments; constants of the statement fill what is not given."""
        return [params[name] if name in params else self._defaults[name] for name in self._order]


class AnyOf(FunctionElement[bool]):
    """``AnyOf(column, parameter)``: one statement text for every length of a :class:`~.types.ListOf` parameter."""

    type = Boolean()
    inherit_cache = True


@compiles(AnyOf, "postgresql")
def _any_array(element: AnyOf, compiler: SQLCompiler, **kw: object) -> str:
    left, values = (compiler.process(each, **kw) for each in element.clauses)
    return f"({left} = ANY ({values}))"


@compiles(AnyOf, "sqlite")
def _in_json(element: AnyOf, compiler: SQLCompiler, **kw: object) -> str:
    left, values = (compiler.process(each, **kw) for each in element.clauses)
    return f"({left} IN (SELECT value FROM json_each({values})))"  # noqa: S608 - both sides are compiled by SQLAlchemy
