"""Pairs an entity class with a table by field name; no mapper is written by hand.

Built once per aggregate. The constructor compares both sides and fails at import when either has a field the
other does not account for. Hydration and its inverse are generated functions over positional rows: one object
per row, in the order of the entity's fields.
"""

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, NewType, TypeAliasType, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs
import msgspec
from sqlalchemy import Column, Table

from domain.shared.evm_types import BaseUnits
from domain.shared.money import Money
from infrastructure.persistence.types import JsonText

type Row = Sequence[object]


_SCALARS = (str, int, bool, datetime, UUID)


class MappingError(Exception):
    """Entity and table do not account for each other, or a field is of a type that no column holds."""


@dataclass(frozen=True, slots=True)
class _Field:
    """How one attribute is stored: its columns and their attribute paths, and the source that reads and writes them."""

    name: str
    columns: tuple[str, ...]
    paths: tuple[str, ...]
    read: str
    write: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Children:
    """Parts of an aggregate in a table of their own, ordered by ``order``; ``parent`` names the root's id column."""

    mapper: "Mapper[Any]"  # reason: a collection of parts of different classes
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
            MappingError: a field without a column, a column without a field, or a field of an unknown type.
        """
        self.entity = entity
        self.table: Table = row.__table__  # type: ignore[attr-defined]  # reason: declarative models have it
        self.children = dict(children or {})
        self._constants = dict(constants or {})
        # The names that the generated source uses.
        self._scope: dict[str, Any] = {  # reason: classes, functions and constants alike
            "cls": entity, "new": entity.__new__, "Money": Money, "loads": _decode, "dumps": _dumps,
            **{f"constant_{name}": value for name, value in self._constants.items()},
        }  # fmt: skip
        attributes: tuple[attrs.Attribute[object], ...] = attrs.fields(entity)  # type: ignore[arg-type]  # reason: entities are attrs classes
        self._transient = [a.name for a in attributes if not a.init]
        self._fields: list[_Field] = []
        self._describe([a.name for a in attributes if a.init and a.name not in {*self.children, *self._constants}])
        self.column_names = tuple(c for f in self._fields for c in f.columns)
        self._check()
        # Names of statements' parameters for them.
        self.parameters = tuple(f"c_{name}" for name in self.column_names)
        self.columns: tuple[Column[object], ...] = tuple(self.table.c[c] for c in self.column_names)
        self._json = {column.key for column in self.columns if isinstance(column.type, JsonText)}
        paths = (path for f in self._fields for path in f.paths)
        self._by_path: dict[str, Column[object]] = dict(zip(paths, self.columns, strict=True))
        self.hydrate: Callable[[Row], E] = self._compile("hydrate", self._hydrate_source())
        self.dehydrate: Callable[[E], tuple[object, ...]] = self._compile("dehydrate", self._dehydrate_source())

    def column(self, path: str) -> Column[object]:
        """Return the column behind an attribute path such as ``status`` or ``amount.minor``.

        Raises:
            AttributeError: the entity has no such stored attribute.
        """
        found = self._by_path.get(path)
        if found is None:
            raise AttributeError(f"{self.entity.__name__} has no stored attribute {path!r}")
        return found

    def readable(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return stored values as people read them: JSON columns decoded."""
        return {
            name: _decode(value) if name in self._json and isinstance(value, str) else value
            for name, value in values.items()
        }

    def _describe(self, names: Sequence[str]) -> None:
        hints = get_type_hints(self.entity)
        position = 0
        for name in names:
            field = self._field(name, hints[name], position)
            self._fields.append(field)
            position += len(field.columns)

    def _check(self) -> None:
        mapped, stored = set(self.column_names), set(self.table.c.keys())
        missing, extra = mapped - stored, stored - mapped - set(self.table.info.get("unmapped", ()))
        if missing or extra:
            pair = f"{self.entity.__name__} and {self.table.name}"
            raise MappingError(f"{pair}: no column for {sorted(missing)}, no field for {sorted(extra)}")

    def _field(self, name: str, annotation: object, at: int) -> _Field:
        kind, optional = _unwrap(annotation)
        cell, value = f"r[{at}]", f"o.{name}"

        def unless_none(of: str, source: str) -> str:
            return f"(None if {of} is None else {source})" if optional else source

        if kind is Money:
            columns, paths = (f"{name}_minor", f"{name}_currency"), (f"{name}.minor", f"{name}.currency")
            write = tuple(unless_none(value, f"o.{path}") for path in paths)
            return _Field(name, columns, paths, unless_none(cell, f"Money(r[{at}], r[{at + 1}])"), write)
        if kind is BaseUnits:
            # As text on the way in, because a JSON number of that size is nothing that every reader keeps whole.
            return _Field(
                name, (name,), (name,), unless_none(cell, f"int({cell})"), (unless_none(value, f"str({value})"),)
            )
        if _is_records(kind):
            self._scope[f"_{name}"] = msgspec.json.Decoder(kind).decode
            return _Field(
                name, (name,), (name,), unless_none(cell, f"_{name}({cell})"), (unless_none(value, f"dumps({value})"),)
            )
        if _is_plain_json(kind):
            read = f"tuple(loads({cell}))" if get_origin(kind) is tuple else f"loads({cell})"
            return _Field(name, (name,), (name,), unless_none(cell, read), (unless_none(value, f"dumps({value})"),))
        if isinstance(kind, type) and issubclass(kind, Enum):
            self._scope[f"_{name}"] = {member.value: member for member in kind}
            read, plain = unless_none(cell, f"_{name}[{cell}]"), unless_none(value, f"{value}.value")
            return _Field(name, (name,), (name,), read, (plain,))
        if (kind.__supertype__ if isinstance(kind, NewType) else kind) not in _SCALARS:
            raise MappingError(f"{self.entity.__name__}.{name}: no column holds {annotation!r}")
        return _Field(name, (name,), (name,), cell, (value,))

    def _hydrate_source(self) -> list[str]:
        if self.entity.__setattr__ is not object.__setattr__:
            # A frozen record only takes its values through the constructor.
            arguments = ", ".join(f"{f.name}={f.read}" for f in self._fields)
            return ["def hydrate(r):", f"    return cls({arguments})"]
        lines = ["def hydrate(r):", "    o = new(cls)"]
        lines += [f"    o.{f.name} = {f.read}" for f in self._fields]
        lines += [f"    o.{name} = constant_{name}" for name in self._constants]
        lines += [f"    o.{name} = []" for name in (*self.children, *self._transient)]
        return [*lines, "    return o"]

    def _dehydrate_source(self) -> list[str]:
        values = "".join(f"{w}, " for f in self._fields for w in f.write)
        return ["def dehydrate(o):", f"    return ({values})"]

    def _compile(self, name: str, lines: list[str]) -> Any:  # noqa: ANN401 - the caller knows what it generated
        exec("\n".join(lines), self._scope)  # noqa: S102 - the source is made of attribute names only
        return self._scope[name]


def _unwrap(annotation: object) -> tuple[object, bool]:
    """Return the annotation without None, and whether it had one; typed ids and scalars pass through."""
    if _is_union(annotation):
        members = [a for a in get_args(annotation) if a is not types.NoneType]
        if len(members) == 1:
            return _named(members[0]), True
    return _named(annotation), False


def _named(annotation: object) -> object:
    """Return what a type alias stands for."""
    return annotation.__value__ if isinstance(annotation, TypeAliasType) else annotation


def _is_records(annotation: object) -> bool:
    """Say whether it is a tuple of value objects, which are stored together as one JSON list."""
    args = get_args(annotation)
    return get_origin(annotation) is tuple and args[1:] == (...,) and isinstance(args[0], type) and attrs.has(args[0])


def _is_plain_json(annotation: object) -> bool:
    """Say whether it is a list, tuple or dictionary of nothing but text, integers and booleans, or a document."""
    if get_origin(annotation) is dict and get_args(annotation) == (str, object):
        return True
    if get_origin(annotation) not in (list, tuple, dict):
        return False
    items = [item for each in get_args(annotation) for item in (get_args(each) if _is_union(each) else (each,))]
    return all(item in (str, int, bool, ...) for item in items)


def _is_union(annotation: object) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


_decode = msgspec.json.Decoder().decode
_encoder = msgspec.json.Encoder()


def _dumps(value: dict[str, object] | Iterable[object]) -> str:
    return _encoder.encode(value if isinstance(value, dict) else list(value)).decode()
