"""Keyset pages."""

from attrs import frozen

MAX_LIMIT = 100


@frozen(kw_only=True)
class PageRequest:
    """Which page of a list: at most ``limit`` rows after an opaque ``cursor``.

    ``sort`` is an attribute name, with a leading ``-`` for descending; the id breaks ties in the same direction.
    """

    limit: int = 20
    cursor: str | None = None
    sort: str = "-created_at"
    include_total: bool = False


@frozen(kw_only=True)
class Page[T]:
    """One page. ``next_cursor`` is None on the last one; ``total`` is counted only when asked for."""

    items: list[T]
    next_cursor: str | None = None
    total: int | None = None
