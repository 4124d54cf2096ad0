"""Queries and flags: text that means more than text, by the type of its field."""

import re
from collections.abc import Mapping

from interfaces.schema.shapes import (
    Boolean,
    Cash,
    Dictionary,
    Integer,
    Items,
    Lenient,
    Metadata,
    Nullable,
    Optional,
    Record,
    Shape,
    Text,
)

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_BOOLEANS = {"true": True, "false": False}
_CASH: Mapping[str, Shape] = {"amount": Integer(), "currency": Text()}

type TextValues = Mapping[str, str | list[str]]


def read_values(record: Record, values: TextValues) -> dict[str, object]:
    """Turn text into the JSON values that the validator expects.

    Parts of money, metadata and nested records are written with a dot (``unit_amount.currency``). Text that does not
    read as its field's type stays text, and unknown names stay unknown, for the validator to refuse.
    """
    shapes = {field.name: field.shape for field in record.fields}
    data: dict[str, object] = {}
    for name, value in values.items():
        _put(data, shapes, name, value)
    return data


def _put(data: dict[str, object], shapes: Mapping[str, Shape], name: str, value: str | list[str]) -> None:
    if name in shapes:
        data[name] = _read(shapes[name], value)
        return
    head, dot, rest = name.partition(".")
    shape = _bare(shapes[head]) if dot and head in shapes else None
    parts = data.setdefault(head, {}) if isinstance(shape, Cash | Dictionary | Metadata | Record) else None
    if not isinstance(parts, dict):
        data[name] = value
    elif isinstance(shape, Dictionary | Metadata):
        parts[rest] = value
    else:
        inner = {f.name: f.shape for f in shape.fields} if isinstance(shape, Record) else _CASH
        _put(parts, inner, rest, value)


def _bare(shape: Shape) -> Shape:
    return _bare(shape.inner) if isinstance(shape, Nullable | Optional | Lenient) else shape


def _read(shape: Shape, value: str | list[str]) -> object:
    shape = _bare(shape)
    if isinstance(shape, Items):
        return [_read(shape.item, text) for text in ([value] if isinstance(value, str) else value)]
    if isinstance(value, str):
        if isinstance(shape, Integer) and _INTEGER.fullmatch(value):
            return int(value)
        if isinstance(shape, Boolean):
            return _BOOLEANS.get(value, value)
    return value
