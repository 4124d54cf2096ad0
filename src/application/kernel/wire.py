"""The outside form of commands, views and events: JSON types, plus ``datetime`` which every encoder knows.

Typed ids become TypeID text and Money becomes ``{"amount", "currency"}``. An encoder is built once per
type from its annotations; for dataclasses and attrs classes its source is generated, because a list of
100 views spends more time in a generic loop over fields than in everything else together.
"""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, TypeAliasType, Union, get_args, get_origin, get_type_hints

import attrs

from application.kernel.generics import substituted
from application.kernel.patch import UNSET, Unset
from domain.shared.evm import checksummed
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.ids import ID_PREFIXES, encode_id
from domain.shared.money import Money

type Wire = str | int | bool | datetime | list[Wire] | dict[str, Wire] | None
type Encoder = Callable[[Any], Wire]  # reason: an encoder is only ever given values of the type it was built for

_PLAIN = (str, int, bool, datetime, types.NoneType, object)
_LEAVES: Mapping[object, Encoder | None] = {
    Money: lambda value: {"amount": value.minor, "currency": value.currency},
    BaseUnits: str,
    Address: checksummed,
    TransactionHash: None,
}


def to_wire(value: object, annotation: object = None) -> Wire:
    """Return the outside form of a value declared as ``annotation`` (its class, when not given)."""
    encode = encoder(annotation or type(value))
    return value if encode is None else encode(value)  # type: ignore[return-value]  # reason: plain values are Wire


@cache
def encoder(annotation: object) -> Encoder | None:
    """Build the encoder of a declared type; None means the value goes out as it is.

    Raises:
        TypeError: no rule covers the type; raised at start-up by whoever builds a face.
    """
    if isinstance(annotation, TypeAliasType):
        return encoder(annotation.__value__)
    if annotation in ID_PREFIXES:
        prefix = ID_PREFIXES[annotation]
        return lambda value: encode_id(prefix, value)
    if annotation in _LEAVES:
        return _LEAVES[annotation]
    origin = get_origin(annotation)
    if origin is not None:
        return _generic(origin, get_args(annotation), annotation)
    if isinstance(annotation, type):
        return _class(annotation)
    raise TypeError(f"no outside form for {annotation!r}")


def _class(cls: type) -> Encoder | None:
    if is_dataclass(cls) or attrs.has(cls):
        return _record(cls, {})
    if issubclass(cls, Unset) or cls in _PLAIN or (issubclass(cls, Enum) and issubclass(cls, str)):
        return (lambda value: value.value) if issubclass(cls, Enum) else None
    raise TypeError(f"no outside form for {cls!r}")


def _generic(origin: object, args: tuple[object, ...], annotation: object) -> Encoder | None:
    if origin is Annotated:
        return encoder(args[0])
    if origin is Literal:
        return None
    if origin in (Union, types.UnionType):
        return _union(args)
    if origin in (list, tuple, Sequence):
        item = encoder(args[0])
        return (lambda value: [item(v) for v in value]) if item else list
    if origin in (dict, Mapping):
        entry = encoder(args[1])
        return (lambda value: {k: entry(v) for k, v in value.items()}) if entry else dict
    if isinstance(origin, TypeAliasType):
        bound: dict[object, object] = dict(zip(origin.__type_params__, args, strict=True))
        return encoder(substituted(origin.__value__, bound))
    if isinstance(origin, type) and is_dataclass(origin):
        return _record(origin, dict(zip(origin.__type_params__, args, strict=True)))
    raise TypeError(f"no outside form for {annotation!r}")


def _union(args: tuple[object, ...]) -> Encoder | None:
    members = [a for a in args if a is not types.NoneType and get_origin(a) is not Literal and a is not Unset]
    encoders = [encode for m in members if (encode := encoder(m)) is not None]
    if not encoders:
        return None
    if len(members) != 1:
        raise TypeError(f"no outside form for a union of {members!r}")
    only = encoders[0]

    def encode_given(value: object) -> Wire:
        return value if value is None or value is UNSET else only(value)  # type: ignore[return-value]  # reason: UNSET goes no further than a fingerprint

    return encode_given


def _record(cls: type, bound: Mapping[object, object]) -> Encoder:
    hints = get_type_hints(cls, include_extras=True)
    names = [f.name for f in fields(cls)] if is_dataclass(cls) else [f.name for f in attrs.fields(cls)]
    optional = {f.name for f in fields(cls) if f.metadata.get("omit_none")} if is_dataclass(cls) else set()
    scope: dict[str, Any] = {}  # reason: names of the generated source
    parts = []
    for name in names:
        encode = encoder(substituted(hints[name], bound))
        scope[f"_{name}"] = encode
        parts.append(f"{name!r}: _{name}(v.{name})" if encode else f"{name!r}: v.{name}")
    lines = ["def encode(v):", f"    d = {{{', '.join(parts)}}}"]
    lines += [f"    if v.{name} is None: del d[{name!r}]" for name in sorted(optional)]
    lines += ["    return d"]
    exec("\n".join(lines), scope)  # noqa: S102 - the source is made of field names only, see the module docstring
    made: Encoder = scope["encode"]
    return made
