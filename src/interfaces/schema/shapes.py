"""The closed set of shapes that commands and views are made of.

A dataclass is read into shapes once; the validator, the JSON Schema and the reading of text each follow the same
shapes, so that they cannot disagree about a field.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from domain.shared.text import TextRule

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
MAX_ITEMS = 1_000
PLAIN_TEXT = TextRule(max_length=10_000, min_length=0, markup=True)
"""What a ``str`` without a rule of its own is held to."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string that passes a rule."""

    rule: TextRule = PLAIN_TEXT


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number; both bounds are inclusive."""

    minimum: int = INT64_MIN
    maximum: int = INT64_MAX


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false, and nothing that resembles them."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time: RFC 3339 text outside, an aware datetime in UTC inside."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some strings; ``enum`` makes members of them."""

    values: tuple[str, ...]
    enum: type[StrEnum] | None = None


@dataclass(frozen=True, slots=True)
class Identifier:
    """A TypeID of one kind of resource; ``name`` is the id type's."""

    name: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Cash:
    """Money: ``{"amount": minor units, "currency": code}``."""


@dataclass(frozen=True, slots=True)
class Notation:
    """Text in a notation of its own, such as an address of a chain: what reads it, and its pattern outside."""

    name: str
    read: Callable[[str], object]
    pattern: str
    description: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """Free-form annotations; values are strings, integers and booleans."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list; ``as_tuple`` says what it becomes inside."""

    item: "Shape"
    minimum: int = 0
    maximum: int = MAX_ITEMS
    as_tuple: bool = False


@dataclass(frozen=True, slots=True)
class Nullable:
    """The inner shape or null."""

    inner: "Shape"


@dataclass(frozen=True, slots=True)
class Optional:
    """The inner shape, or not mentioned at all; only a field can be."""

    inner: "Shape"


@dataclass(frozen=True, slots=True)
class Lenient:
    """A row of an import: the inner shape, or what is wrong with it, so that one bad row does not spoil the others."""

    inner: "Shape"


@dataclass(frozen=True, slots=True)
class Dictionary:
    """An object with free keys; in commands its values are anything, which makes it a document."""

    item: "Shape"


@dataclass(frozen=True, slots=True)
class Anything:
    """Whatever JSON can say; in commands only as the members of a document."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A field of a record. ``default`` means something unless ``required``; ``omit_none`` drops nulls of views."""

    name: str
    annotation: object
    shape: "Shape"
    required: bool
    default: object
    omit_none: bool


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A dataclass with named fields. ``name`` is stable and public."""

    cls: type
    name: str
    fields: tuple[Field, ...]


type Shape = (
    Text
    | Integer
    | Boolean
    | Moment
    | Choice
    | Identifier
    | Cash
    | Notation
    | Metadata
    | Items
    | Nullable
    | Optional
    | Lenient
    | Dictionary
    | Anything
    | Record
)
