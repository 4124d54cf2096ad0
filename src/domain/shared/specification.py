"""Pure specifications: a question about an entity that can be combined, and asked in Python or in SQL.

A specification names attributes and values and nothing else, so infrastructure can compile the very same object: it
walks ``And``, ``Or`` and ``Not`` (``left``, ``right``, ``spec``) down to leaves, which carry a ``field`` and values.

**The logic has two values.** A comparison with an absent value (None) is False, never "unknown", and ``~`` is the
exact complement: ``~GreaterThan("score", 5)`` holds for an entity without a score. ``NotEqual`` is exactly ``~Equal``,
``Equal(field, None)`` is ``IsNull(field)``. A compiler to SQL has to wrap its leaves accordingly.

**Fields** are dotted attribute paths such as ``amount.minor``; a path through an absent value object is absent. A name
that the entity does not have at all is a mistake and raises ``AttributeError``.

**Values** are text, integers, booleans, aware datetimes and UUIDs. Members of a ``StrEnum`` become their text and
datetimes become UTC. True is not 1. Text is ordered by code point, and text that PostgreSQL cannot hold is refused.

Named specifications are plain functions, so that a reader meets the words of the business and not the fields:

>>> from attrs import frozen
>>> @frozen
... class Order:
...     status: str
...     minor: int
...     failure: str | None = None
>>> def failed() -> Spec[Order]:
...     return Equal("status", "failed")
>>> def worth_retrying(*, above_minor: int) -> Spec[Order]:
...     return failed() & GreaterThan("minor", above_minor) & ~Equal("failure", "fraud")
>>> worth_retrying(above_minor=100).is_satisfied_by(Order("failed", 2500))
True

Filters that depend on what was asked start from ``Everything``:

>>> def search(status: str | None, text: str | None) -> Spec[Order]:
...     found: Spec[Order] = Everything()
...     if status is not None:
...         found &= Equal("status", status)
...     return found if text is None else found & Contains("failure", text)
>>> search(None, "FRAU").is_satisfied_by(Order("failed", 1, failure="fraud"))
True
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import overload, override

import attrs
from attrs import frozen

from domain.shared import specification_values as values
from domain.shared.like import ilike_matches, like_escape, like_matches
from domain.shared.specification_values import JsonScalar, Ordered, Value, order, typed


class Spec[E](ABC):
    """A yes-or-no question about an ``E``."""

    __slots__ = ()

    @abstractmethod
    def is_satisfied_by(self, entity: E, /) -> bool:
        """Answer for one entity in memory; SQL selects the same entities."""

    # A leaf fits any entity, so next to a specification of one entity type the result is about that type.
    @overload
    def __and__(self, other: "Spec[E]") -> "Spec[E]": ...
    @overload
    def __and__[F](self: "Spec[object]", other: "Spec[F]") -> "Spec[F]": ...
    def __and__[T](self: "Spec[T]", other: "Spec[T]") -> "Spec[T]":
        return And(self, other)

    @overload
    def __or__(self, other: "Spec[E]") -> "Spec[E]": ...
    @overload
    def __or__[F](self: "Spec[object]", other: "Spec[F]") -> "Spec[F]": ...
    def __or__[T](self: "Spec[T]", other: "Spec[T]") -> "Spec[T]":
        return Or(self, other)

    def __invert__(self) -> "Spec[E]":
        return Not(self)


@frozen
class And[E](Spec[E]):
    """Both hold."""

    left: Spec[E]
    right: Spec[E]

    @override
    def is_satisfied_by(self, entity: E, /) -> bool:
        return self.left.is_satisfied_by(entity) and self.right.is_satisfied_by(entity)


@frozen
class Or[E](Spec[E]):
    """At least one holds."""

    left: Spec[E]
    right: Spec[E]

    @override
    def is_satisfied_by(self, entity: E, /) -> bool:
        return self.left.is_satisfied_by(entity) or self.right.is_satisfied_by(entity)


@frozen
class Not[E](Spec[E]):
    """The exact complement."""

    spec: Spec[E]

    @override
    def is_satisfied_by(self, entity: E, /) -> bool:
        return not self.spec.is_satisfied_by(entity)


@frozen
class Everything(Spec[object]):
    """Selects every entity; ``~Everything()`` selects none."""

    @override
    def is_satisfied_by(self, entity: object, /) -> bool:
        return True


@frozen
class FieldSpec(Spec[object]):
    """A leaf: a question about one attribute."""

    field: str = attrs.field(converter=values.field_path)

    @override
    def is_satisfied_by(self, entity: object, /) -> bool:
        return self.holds_for(values.attribute(entity, self.field))

    @abstractmethod
    def holds_for(self, found: object, /) -> bool:
        """Answer for the attribute's value, which is None when it is absent."""


@frozen
class Equal(FieldSpec):
    """The same value of the same type; with None it is ``IsNull``."""

    value: Value | None = attrs.field(converter=values.plain_value_or_none, eq=typed)

    @override
    def holds_for(self, found: object, /) -> bool:
        return typed(found) == typed(self.value)


@frozen
class NotEqual(FieldSpec):
    """Exactly ``~Equal(field, value)``: it holds for an absent attribute unless the value is None."""

    value: Value | None = attrs.field(converter=values.plain_value_or_none, eq=typed)

    @override
    def holds_for(self, found: object, /) -> bool:
        return typed(found) != typed(self.value)


@frozen
class _Comparison(FieldSpec):
    value: Ordered = attrs.field(converter=values.ordered_value)


@frozen
class GreaterThan(_Comparison):
    """Strictly after the value."""

    @override
    def holds_for(self, found: object, /) -> bool:
        return found is not None and order(found, self.value) > 0


@frozen
class GreaterOrEqual(_Comparison):
    """The value or after it."""

    @override
    def holds_for(self, found: object, /) -> bool:
        return found is not None and order(found, self.value) >= 0


@frozen
class LessThan(_Comparison):
    """Strictly before the value."""

    @override
    def holds_for(self, found: object, /) -> bool:
        return found is not None and order(found, self.value) < 0


@frozen
class LessOrEqual(_Comparison):
    """The value or before it."""

    @override
    def holds_for(self, found: object, /) -> bool:
        return found is not None and order(found, self.value) <= 0


@frozen
class Between(FieldSpec):
    """Both ends belong to the range; a range whose low end is above its high end selects nothing."""

    low: Ordered = attrs.field(converter=values.ordered_value)
    high: Ordered = attrs.field(converter=values.ordered_value)

    @override
    def holds_for(self, found: object, /) -> bool:
        return found is not None and order(found, self.low) >= 0 >= order(found, self.high)


@frozen
class In(FieldSpec):
    """One of the values, in any order; with no values it selects nothing."""

    values: tuple[Value, ...] = attrs.field(converter=values.plain_values, eq=values.typed_set)

    @override
    def holds_for(self, found: object, /) -> bool:
        return any(typed(found) == typed(value) for value in self.values)


@frozen
class Like(FieldSpec):
    """SQL's LIKE: ``%`` and ``_`` are wildcards, a backslash escapes, letter case counts (``domain.shared.like``)."""

    pattern: str = attrs.field(converter=values.like_pattern)

    @override
    def holds_for(self, found: object, /) -> bool:
        return isinstance(found, str) and like_matches(self.pattern, found)


@frozen
class ILike(FieldSpec):
    """``Like`` without regard to the case of the ASCII letters."""

    pattern: str = attrs.field(converter=values.like_pattern)

    @override
    def holds_for(self, found: object, /) -> bool:
        return isinstance(found, str) and ilike_matches(self.pattern, found)


@frozen
class IsNull(FieldSpec):
    """The attribute, or a value object on the way to it, is absent."""

    @override
    def holds_for(self, found: object, /) -> bool:
        return found is None


@frozen
class IsNotNull(FieldSpec):
    """The attribute is there."""

    @override
    def holds_for(self, found: object, /) -> bool:
        return found is not None


@frozen
class JsonContains(FieldSpec):
    """PostgreSQL's ``jsonb @>`` for a flat mapping: every pair is there, with JSON's types.

    True is not 1 and 1 is not "1". The empty mapping is contained in every mapping, yet not in an absent one.
    """

    value: Mapping[str, JsonScalar] = attrs.field(converter=values.json_scalars, eq=values.typed_items)

    @override
    def holds_for(self, found: object, /) -> bool:
        if not isinstance(found, Mapping):
            return False
        return all(key in found and typed(found[key]) == typed(value) for key, value in self.value.items())


def Contains(field: str, text: str) -> ILike:  # noqa: N802 - reads as one of the field specifications
    """``text`` occurs literally somewhere in the attribute, ASCII letter case aside."""
    return ILike(field, f"%{like_escape(text)}%")


def StartsWith(field: str, text: str) -> Like:  # noqa: N802 - reads as one of the field specifications
    """The attribute begins with ``text``, literally and in this letter case."""
    return Like(field, f"{like_escape(text)}%")
