"""What a unit of work remembers of a loaded aggregate, to know later what changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from domain.shared.entity import Entity
from infrastructure.persistence.mapper import Mapper

type Values = tuple[object, ...]


class Identified(Protocol):
    """Anything with an identity."""

    @property
    def id(self) -> UUID:
        """Return the identity."""
        ...


class Operation(StrEnum):
    """What happened to a row."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Change:
    """One written aggregate; ``values`` are the stored columns that are new or different.

    ``before`` makes the aggregate as it was stored until now, without its parts; None when it was not.
    """

    entity: Entity
    operation: Operation
    values: Mapping[str, object]
    before: Callable[[], Entity] | None = None


class Tracked[E]:
    """An aggregate in the identity map, with the stored values it was loaded with."""

    __slots__ = ("_parts", "_values", "entity", "locked", "version")

    def __init__(self, entity: E, *, locked: bool) -> None:
        """Take an aggregate as it is; nothing is compared until :meth:`remember`."""
        self.entity = entity
        self.locked = locked
        self.version = 0
        self._values: Values | None = None
        self._parts: dict[str, dict[UUID, Values]] = {}

    def ensure_locked(self) -> None:
        """Refuse to pass an unlocked copy off as locked: it may be out of date, and a second object is no way out.

        Raises:
            RuntimeError: the aggregate was first read without a lock.
        """
        if not self.locked:
            raise RuntimeError("lock an aggregate when it is first read")

    def remember(self, mapper: Mapper[E], present: Values | None = None) -> None:
        """Take the present state as the stored one; its values are worked out unless they are given."""
        self.version = getattr(self.entity, "version", 0)
        self._values = present or mapper.dehydrate(self.entity)
        self._parts = {name: part_values(mapper, name, self.entity) for name in mapper.children}

    def before[S: Entity](self: "Tracked[S]", mapper: Mapper[S]) -> Callable[[], S] | None:
        """Return what makes the aggregate as it is stored, without its parts."""
        return None if self._values is None else partial(mapper.hydrate, self._values)

    def stored_parts(self, name: str) -> dict[UUID, Values]:
        """Return the stored values of one kind of part, by id."""
        return self._parts[name]

    def is_changed(self, mapper: Mapper[E]) -> bool:
        """Say whether anything differs from what is stored."""
        if self._values is None:
            return False
        if mapper.dehydrate(self.entity) != self._values:
            return True
        return any(part_values(mapper, name, self.entity) != stored for name, stored in self._parts.items())

    def changed_columns(self, mapper: Mapper[E], present: Values) -> dict[str, object]:
        """Return the columns whose values differ from the stored ones."""
        stored = self._values or present
        return {name: new for name, new, old in zip(mapper.column_names, present, stored, strict=True) if new != old}


def part_values(mapper: Mapper[Any], name: str, entity: object) -> dict[UUID, Values]:  # reason: of any aggregate
    """Return the column values of an aggregate's parts, by id."""
    child = mapper.children[name].mapper
    return {part.id: child.dehydrate(part) for part in getattr(entity, name)}
