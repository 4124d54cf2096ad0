"""Writes that wait for the message behind them: what nobody reads before the commit goes along with the journal."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Insert, Update

type Write = Insert | Update


@dataclass(frozen=True, slots=True)
class Held:
    """One write, kept as the statement of its own that it would be.

    Attributes:
        key: names the statement.
        build: makes the statement, with the given text before the names of its parameters.
        names: of the parameters, without that text.
        values: of the parameters.
        counted: whether it returns what it wrote, which must be one row; a version that is not there any more is stale.
    """

    key: Hashable
    build: Callable[[str], Write]
    names: tuple[str, ...]
    values: Sequence[object]
    counted: bool

    def params(self, prefix: str = "") -> dict[str, object]:
        """Return the values by the names that the statement has with a prefix."""
        return dict(zip(prefixed(self.names, prefix), self.values, strict=True))


@cache
def prefixed(names: tuple[str, ...], prefix: str) -> tuple[str, ...]:
    """Return names of parameters with a prefix; few, and always the same."""
    return tuple(f"{prefix}{name}" for name in names)
