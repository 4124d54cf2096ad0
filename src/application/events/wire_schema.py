"""The JSON Schema of what :mod:`application.kernel.wire` makes of a declared type: its twin, type for type.

It describes what goes out, so that nothing is promised but types and the forms of ids, money and times.
"""

import types
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAliasType, Union, get_args, get_origin, get_type_hints

import attrs

from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.ids import ID_PREFIXES
from domain.shared.money import Money

type Schema = dict[str, object]

MOMENT: Schema = {"type": "string", "format": "date-time"}
MONEY: Schema = {
    "type": "object",
    "description": "An amount in the currency's minor unit.",
    "properties": {
        "amount": {"type": "integer"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    },
    "required": ["amount", "currency"],
}
_PLAIN: Mapping[object, Schema] = {
    Address: {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$"},
    BaseUnits: {"type": "string", "pattern": "^(0|[1-9][0-9]{0,77})$"},
    TransactionHash: {"type": "string", "pattern": "^0x[0-9a-f]{64}$"},
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    object: {},
    types.NoneType: {"type": "null"},
    datetime: MOMENT,
    Money: MONEY,
}


def id_schema(prefix: str) -> Schema:
    """Describe a TypeID of one kind."""
    return {"type": "string", "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"}


def record_schema(cls: type[attrs.AttrsInstance]) -> Schema:
    """Describe an attrs class: every field is always there, and more may come.

    Raises:
        TypeError: a field has no outside form; the message names it.
    """
    hints = get_type_hints(cls)
    try:
        properties = {field.name: wire_schema(hints[field.name]) for field in attrs.fields(cls)}
    except TypeError as error:
        raise TypeError(f"{cls.__name__}: {error}") from None
    return {"type": "object", "properties": properties, "required": sorted(properties)}


def wire_schema(annotation: object) -> Schema:
    """Describe the outside form of a declared type.

    Raises:
        TypeError: there is none.
    """
    if isinstance(annotation, TypeAliasType):
        return wire_schema(annotation.__value__)
    if annotation in _PLAIN:
        return dict(_PLAIN[annotation])
    if annotation in ID_PREFIXES:
        return id_schema(ID_PREFIXES[annotation])
    if get_origin(annotation) is not None:
        return _generic(get_origin(annotation), get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return {"type": "string", "enum": [member.value for member in annotation]}
    if isinstance(annotation, type) and attrs.has(annotation):
        return record_schema(annotation)
    raise TypeError(f"no schema for {annotation!r}")


def _generic(origin: object, args: tuple[object, ...]) -> Schema:
    if origin is Literal:
        return {"type": "string", "enum": list(args)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [wire_schema(arg) for arg in args]}
    if origin in (list, tuple, Sequence):
        return {"type": "array", "items": wire_schema(args[0])}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": wire_schema(args[1])}
    raise TypeError(f"no schema for {origin!r}{list(args)!r}")
