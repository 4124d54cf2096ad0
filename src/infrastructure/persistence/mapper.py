"""Pairs an entity class with a table by field name; no mapper is written by hand.

Built once per aggregate. The constructor compares both sides and fails at import when either has a field the
other does not account for. Hydration and its inverse are generated functions over positional rows: one object
per row, in the order of the entity's fields.
"""

import json
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Union, get_args, get_origin, get_type_hints

import attrs
from sqlalchemy import Column, ColumnElement, Table

from domain.shared.money import Money

type Row = Sequence[object]


class MappingError(Exception):
    """Entity and table do not account for each other."""


@dataclass(frozen=True, slots=True)
class _Field:
    """How one attribute is stored: its columns, and the source that reads and writes them."""

    name: str
    columns: tuple[str, ...]
    read: str
    write: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Children:
    """Parts of an aggregate in a table of their own, ordered by ``order``; ``parent`` names the root's id column."""

    mapper: "Mapper[object]"
    parent: str
    order: str


class Mapper[E]:
    """Converts between entities of one class and rows of one table."""

    def __init__(
        self,
        entity: type[E],
        row: type,
        *,
        children: Mapping[str, Children] | None = None,
        constants: Mapping[str, object] | None = None,
    ) -> None:
        """Compare both sides and generate both directions.

        Raises:
            MappingError: a field without a column, or a column without a field.
        """
        self.entity = entity
        self.table: Table = row.__table__  # type: ignore[attr-defined]  # reason: declarative models have it
        self.children = dict(children or {})
        self._constants = dict(constants or {})
        self._scope: dict[str, object] = {"cls": entity, "new": entity.__new__, "Money": Money, "loads": json.loads, "dumps": _dumps}  # fmt: skip
        self._scope.update({f"constant_{name}": value for name, value in self._constants.items()})
        hints = get_type_hints(entity)
        names = [a.name for a in attrs.fields(entity) if a.init and a.name not in {*self.children, *self._constants}]  # type: ignore[arg-type, misc]  # reason: entities are attrs classes
        position = 0
        self._fields: list[_Field] = []
        for name in names:
            field = self._field(name, hints[name], position)
            self._fields.append(field)
            position += len(field.columns)
        self.column_names = tuple(c for f in self._fields for c in f.columns)
        self._check()
        self.columns: tuple[Column[object], ...] = tuple(self.table.c[c] for c in self.column_names)
        self.hydrate: Callable[[Row], E] = self._generate_hydrate()
        self.dehydrate: Callable[[E], tuple[object, ...]] = self._generate_dehydrate()

    def column(self, path: str) -> ColumnElement[object]:
        """Return the column behind an attribute path such as ``status`` or ``amount.minor``.

        Raises:
            AttributeError: the entity has no such stored attribute.
        """
        name = path.replace(".", "_")
        if name not in self.table.c:
            raise AttributeError(f"{self.entity.__name__} has no stored attribute {path!r}")
        return self.table.c[name]

    def _check(self) -> None:
        mapped, stored = set(self.column_names), set(self.table.c.keys())
        missing, extra = mapped - stored, stored - mapped - set(self.table.info.get("unmapped", ()))
        if missing or extra:
            raise MappingError(
                f"{self.entity.__name__} and {self.table.name}: no column for {sorted(missing)}, no field for {sorted(extra)}"
            )

    def _field(self, name: str, annotation: object, at: int) -> _Field:
        kind, optional = _unwrap(annotation)
        cell, value = f"r[{at}]", f"o.{name}"
        if kind is Money:
            build = f"Money(r[{at}], r[{at + 1}])"
            read = f"(None if {cell} is None else {build})" if optional else build
            parts = tuple(f"(None if {value} is None else {value}.{p})" if optional else f"{value}.{p}" for p in ("minor", "currency"))  # fmt: skip
            return _Field(name, (f"{name}_minor", f"{name}_currency"), read, parts)
        if get_origin(kind) in (list, tuple, dict):
            wrap = "tuple" if get_origin(kind) is tuple else ""
            return _Field(name, (name,), f"{wrap}(loads({cell}))", (f"dumps({value})",))
        if isinstance(kind, type) and issubclass(kind, Enum):
            self._scope[f"_{name}"] = {member.value: member for member in kind}
            read, write = f"_{name}[{cell}]", f"{value}.value"
            if optional:
                read, write = f"(None if {cell} is None else {read})", f"(None if {value} is None else {write})"
            return _Field(name, (name,), read, (write,))
        return _Field(name, (name,), cell, (value,))

    def _generate_hydrate(self) -> Callable[[Row], E]:
        if self.entity.__setattr__ is not object.__setattr__:
            # A frozen record only takes its values through the constructor.
            arguments = ", ".join(f"{f.name}={f.read}" for f in self._fields)
            return self._compile("hydrate", ["def hydrate(r):", f"    return cls({arguments})"])  # type: ignore[return-value]  # reason: the generated function
        lines = ["def hydrate(r):", "    o = new(cls)"]
        lines += [f"    o.{f.name} = {f.read}" for f in self._fields]
        lines += [f"    o.{name} = constant_{name}" for name in self._constants]
        lines += [f"    o.{name} = []" for name in (*self.children, *self._transient())]
        lines.append("    return o")
        return self._compile("hydrate", lines)  # type: ignore[return-value]  # reason: the generated function

    def _transient(self) -> list[str]:
        return [a.name for a in attrs.fields(self.entity) if not a.init]  # type: ignore[arg-type, misc]  # reason: entities are attrs classes

    def _generate_dehydrate(self) -> Callable[[E], tuple[object, ...]]:
        values = "".join(f"{w}, " for f in self._fields for w in f.write)
        return self._compile("dehydrate", ["def dehydrate(o):", f"    return ({values})"])  # type: ignore[return-value]  # reason: the generated function

    def _compile(self, name: str, lines: list[str]) -> object:
        exec("\n".join(lines), self._scope)  # noqa: S102 - the source is made of attribute names only
        return self._scope[name]


def _unwrap(annotation: object) -> tuple[object, bool]:
    """Return the annotation without None, and whether it had one; typed ids and scalars pass through."""
    if get_origin(annotation) in (Union, types.UnionType):
        members = [a for a in get_args(annotation) if a is not types.NoneType]
        if len(members) == 1:
            return members[0], True
    return annotation, False


def _dumps(value: object) -> str:
    return json.dumps(value if isinstance(value, dict) else list(value), separators=(",", ":"), ensure_ascii=False)  # type: ignore[call-overload]  # reason: list, tuple or dict by the field's annotation
