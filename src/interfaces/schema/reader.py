"""Annotations into shapes; what has no shape stops the start."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from dataclasses import Field as DataclassField
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Literal, TypeAliasType, Union, cast, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Interval, Le, Len, Lt

from application.kernel.generics import substituted
from application.kernel.imports import Checked
from application.kernel.patch import UNSET
from domain.shared.evm_types import Address, BaseUnits, TransactionHash, read_address, read_hash, read_units
from domain.shared.ids import ID_PREFIXES
from domain.shared.money import Money
from domain.shared.text import TextRule
from interfaces.schema.shapes import (
    INT64_MAX,
    INT64_MIN,
    MAX_ITEMS,
    Anything,
    Boolean,
    Cash,
    Choice,
    Dictionary,
    Field,
    Identifier,
    Integer,
    Items,
    Lenient,
    Metadata,
    Moment,
    Notation,
    Nullable,
    Optional,
    Record,
    Shape,
    Text,
)

_PLAIN: dict[object, Shape] = {
    str: Text(),
    int: Integer(),
    bool: Boolean(),
    datetime: Moment(),
    Money: Cash(),
    object: Anything(),
}
_NOTATIONS: dict[object, Notation] = {
    Address: Notation(
        "Address", read_address, "^0x[0-9a-fA-F]{40}$",
        "An account of a chain; mixed capitals are its EIP-55 checksum.",
    ),
    BaseUnits: Notation(
        "BaseUnits", read_units, "^(0|[1-9][0-9]{0,77})$",
        "A whole number of a coin's or token's smallest unit, up to 2^256-1, as decimal text.",
    ),
    TransactionHash: Notation(
        "TransactionHash", read_hash, "^0x[0-9a-fA-F]{64}$", "The hash of a transaction of a chain."
    ),
}  # fmt: skip
_METADATA_VALUES = {str, int, bool}


def read_shape(annotation: object) -> Shape:
    """Return the shape of a declared type.

    Raises:
        TypeError: there is none; the message names the class and the field.
    """
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if annotation in _NOTATIONS:
        return _NOTATIONS[annotation]
    if annotation in ID_PREFIXES:
        return Identifier(getattr(annotation, "__name__", "Id"), ID_PREFIXES[annotation])
    if isinstance(annotation, TypeAliasType):
        return read_shape(annotation.__value__)
    origin = get_origin(annotation)
    if origin is not None:
        return _generic(origin, get_args(annotation), annotation)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return Choice(tuple(member.value for member in annotation), annotation)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return read_record(annotation)
    raise TypeError(f"no schema for {annotation!r}")


@cache
def read_record(cls: type, arguments: tuple[object, ...] = ()) -> Record:
    """Return the shape of a dataclass, with its type parameters bound to ``arguments``.

    Raises:
        TypeError: a field has no shape; the message names the class and the field.
    """
    bound: dict[object, object] = dict(zip(getattr(cls, "__type_params__", ()), arguments, strict=True))
    hints = get_type_hints(cls, include_extras=True)
    read = tuple(_field(cls, field, substituted(hints[field.name], bound)) for field in fields(cls))
    return Record(cls, _record_name(cls, arguments), read)


def _record_name(cls: type, arguments: tuple[object, ...]) -> str:
    """Name a page of customers ``CustomerViewList``, and everything else like its class."""
    names = "".join(getattr(argument, "__name__", "") for argument in arguments)
    return names + cls.__name__.removesuffix("View") if names else cls.__name__


def _field(cls: type, field: DataclassField[object], annotation: object) -> Field:
    if not field.init:
        raise TypeError(f"{cls.__name__}.{field.name}: a field that cannot be given has no schema")
    try:
        shape = read_shape(annotation)
    except TypeError as error:
        raise TypeError(f"{cls.__name__}.{field.name}: {error}") from None
    default = field.default if field.default_factory is MISSING else field.default_factory()
    if isinstance(shape, Optional) and default is not UNSET:
        raise TypeError(f"{cls.__name__}.{field.name}: a field that may be absent defaults to UNSET")
    omit_none = bool(field.metadata.get("omit_none"))
    return Field(field.name, annotation, shape, required=default is MISSING, default=default, omit_none=omit_none)


def _generic(origin: object, args: tuple[object, ...], annotation: object) -> Shape:
    if origin is Annotated:
        return _narrowed(read_shape(args[0]), args[1:])
    if origin is Literal and all(type(value) is str for value in args):
        return Choice(cast("tuple[str, ...]", args))
    if origin in {Union, types.UnionType}:
        return _union(args)
    if origin is list or origin is Sequence:
        return Items(read_shape(args[0]))
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return Items(read_shape(args[0]), as_tuple=True)
    if origin in {dict, Mapping} and args[0] is str:
        return Metadata() if _is_metadata_value(args[1]) else Dictionary(read_shape(args[1]))
    if isinstance(origin, TypeAliasType):
        bound: dict[object, object] = dict(zip(origin.__type_params__, args, strict=True))
        return read_shape(substituted(origin.__value__, bound))
    if isinstance(origin, type) and is_dataclass(origin):
        return Lenient(read_shape(args[0])) if origin is Checked else read_record(origin, args)
    raise TypeError(f"no schema for {annotation!r}")


def _union(args: tuple[object, ...]) -> Shape:
    members = [a for a in args if a is not types.NoneType and a != Literal[UNSET]]
    if len(members) != 1:
        raise TypeError(f"no schema for a union of {members!r}")
    shape = read_shape(members[0])
    if types.NoneType in args:
        shape = Nullable(shape)
    return Optional(shape) if Literal[UNSET] in args else shape


def _is_metadata_value(annotation: object) -> bool:
    if isinstance(annotation, TypeAliasType):
        return _is_metadata_value(annotation.__value__)
    return set(get_args(annotation)) == _METADATA_VALUES


def _narrowed(shape: Shape, constraints: tuple[object, ...]) -> Shape:
    for constraint in constraints:
        match shape, constraint:
            case Text(), TextRule():
                shape = Text(constraint)
            case Text(), Len(min_length=low, max_length=high):
                ceiling = shape.rule.max_length if high is None else high
                shape = Text(TextRule(ceiling, low, markup=shape.rule.markup, multiline=shape.rule.multiline))
            case Items(), Len(min_length=low, max_length=high):
                shape = Items(shape.item, low, MAX_ITEMS if high is None else high, as_tuple=shape.as_tuple)
            case Integer(), Interval() | Ge() | Gt() | Le() | Lt():
                shape = _bounded(shape, constraint)
            case _:
                raise TypeError(f"{constraint!r} does not narrow {type(shape).__name__}")
    return shape


def _bounded(shape: Integer, constraint: Interval | Ge | Gt | Le | Lt) -> Integer:
    at_least, above = getattr(constraint, "ge", None), getattr(constraint, "gt", None)
    at_most, below = getattr(constraint, "le", None), getattr(constraint, "lt", None)
    return Integer(
        max(shape.minimum, INT64_MIN if at_least is None else at_least, INT64_MIN if above is None else above + 1),
        min(shape.maximum, INT64_MAX if at_most is None else at_most, INT64_MAX if below is None else below - 1),
    )
