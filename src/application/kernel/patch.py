"""Partial updates: absent is not the same as null."""

from enum import Enum
from typing import Final, Literal


class Unset(Enum):
    """Type of the one value that says "the caller did not mention this field"."""

    UNSET = "unset"

    def __repr__(self) -> str:
        """Read well in signatures."""
        return "UNSET"


UNSET: Final = Unset.UNSET
type Maybe[T] = T | Literal[Unset.UNSET]


def given[T](value: Maybe[T], otherwise: T) -> T:
    """Return the new value when the caller gave one, else the present one."""
    return otherwise if isinstance(value, Unset) else value
