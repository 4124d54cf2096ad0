"""What specifications compare with: checking values once, when a specification is built."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Self
from uuid import UUID

from domain.shared.errors import ValidationError
from domain.shared.like import check_like

type Value = str | int | bool | datetime | UUID
type Ordered = str | int | datetime | UUID
type JsonScalar = str | int | bool


class InvalidSpecification(ValidationError):
    """A specification was given a field or a value it cannot compare with."""

    code = "specification_invalid"
    summary = "The filter has a value that cannot be compared."


class Now(datetime):
    """The present moment as a value of a specification: it goes on while a list is paged.

    A page's cursor is bound to all other values it was asked with.
    """

    @classmethod
    def of(cls, now: datetime) -> Self:
        """Return the same moment, known to be the present one."""
        return cls.fromtimestamp(0, UTC) + (now - datetime.fromtimestamp(0, UTC))


def field_path(given: str) -> str:
    """Accept a dotted path of Python names."""
    if not all(part.isidentifier() for part in given.split(".")):
        raise InvalidSpecification
    return given


def attribute(entity: object, path: str) -> object:
    """Return what a dotted path leads to; a path through something absent leads to None."""
    found = entity
    for name in path.split("."):
        found = getattr(found, name)
        if found is None:
            break
    return found


def plain_value(given: Value) -> Value:
    """Bring a value to the form both evaluations compare: enum members as text, datetimes in UTC."""
    match given:
        case str():
            return plain_text(given)
        case datetime() if given.utcoffset() is not None:
            return given.astimezone(UTC)
        case bool() | int() | UUID():
            return given
    raise InvalidSpecification


def plain_value_or_none(given: Value | None) -> Value | None:
    """Let None through, which equality may be asked about."""
    return None if given is None else plain_value(given)


def ordered_value(given: Ordered) -> Ordered:
    """Refuse booleans, whose order means nothing to anyone."""
    if isinstance(given, bool):
        raise InvalidSpecification
    return plain_value(given)


def plain_values(given: Collection[Value]) -> tuple[Value, ...]:
    """Refuse None, which no membership can hold, and a bare string, which is a list of letters by accident."""
    if isinstance(given, str):
        raise InvalidSpecification
    return tuple(plain_value(value) for value in given)


def like_pattern(given: str) -> str:
    """Accept a pattern of LIKE."""
    return check_like(plain_text(given))


def json_scalars(given: Mapping[str, JsonScalar]) -> Mapping[str, JsonScalar]:
    """Copy a flat mapping of text to text, integers and booleans."""
    return MappingProxyType({plain_text(key): _json_scalar(value) for key, value in given.items()})


def order(found: object, value: Ordered) -> int:
    """Say whether an attribute comes before (-1), with (0) or after (1) a value.

    Raises:
        TypeError: the attribute is of another type than the value, which is a mistake in the specification.
    """
    match found, value:
        case str() as left, str() as right:
            return _sign(left, right)
        case int() as left, int() as right:
            return _sign(left, right)
        case datetime() as left, datetime() as right:
            return _sign(left, right)
        case UUID() as left, UUID() as right:
            return _sign(left, right)
    msg = f"cannot order {type(found).__name__} and {type(value).__name__}"
    raise TypeError(msg)


def typed(value: object) -> tuple[bool, object]:
    """Tell True from 1: Python holds them to be equal, databases and JSON do not."""
    return isinstance(value, bool), value


def typed_set(values: Collection[Value]) -> frozenset[tuple[bool, object]]:
    """Make values comparable regardless of their order."""
    return frozenset(map(typed, values))


def typed_items(pairs: Mapping[str, JsonScalar]) -> frozenset[tuple[str, tuple[bool, object]]]:
    """Make pairs comparable regardless of their order."""
    return frozenset((key, typed(value)) for key, value in pairs.items())


def _sign[T: (str, int, datetime, UUID)](left: T, right: T) -> int:
    return (left > right) - (left < right)


def _json_scalar(given: JsonScalar) -> JsonScalar:
    match given:
        case int():
            return given
        case str():
            return plain_text(given)
    raise InvalidSpecification


def plain_text(given: str) -> str:
    """Refuse what PostgreSQL has no text for, so that a filter is answered with an error and not with a crash."""
    if "\x00" in given:
        raise InvalidSpecification
    try:
        given.encode()
    except UnicodeEncodeError:
        raise InvalidSpecification from None
    return given.value if isinstance(given, StrEnum) else given
