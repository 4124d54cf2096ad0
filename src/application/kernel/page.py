"""What every list use-case takes and gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Interval, Len

from domain.shared.page import MAX_LIMIT, Page, PageRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery:
    """Fields shared by all list commands; a subclass adds filters and a ``sort`` of literal choices."""

    limit: Annotated[int, Interval(ge=1, le=MAX_LIMIT)] = 20
    cursor: Annotated[str, Len(1, 2000)] | None = None
    include_total: bool = False

    def request(self, sort: str = "-created_at") -> PageRequest:
        """Return the repository's form of this query."""
        return PageRequest(limit=self.limit, cursor=self.cursor, sort=sort, include_total=self.include_total)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListView[V]:
    """One page of views. ``total`` is present only when it was asked for."""

    data: list[V]
    next_cursor: str | None
    total: int | None = field(default=None, metadata={"omit_none": True})

    @classmethod
    def of[E](cls, page: Page[E], view: Callable[[E], V]) -> "ListView[V]":
        """Show a page of aggregates through one view."""
        return cls(data=[view(item) for item in page.items], next_cursor=page.next_cursor, total=page.total)
