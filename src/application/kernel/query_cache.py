"""Answers of reads, kept for moments: what a use-case declares about it, and the port that keeps them."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

type Touched = Collection[tuple[UUID, str]]
"""The organizations that a commit changed something of, each with the kind of the aggregate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """How long a use-case's answer may be kept at most, and the kinds of aggregates whose changes end it sooner.

    What is kept is what the handler returned. It may depend on the command, on the caller's organization and person,
    and on rows of those kinds; never on who else the caller is. An ``answer`` runs at every call nevertheless.
    """

    seconds: float
    changed_by: frozenset[str]


def cached(seconds: float, *changed_by: str) -> Cached:
    """Declare that answers may be kept for so long, unless an aggregate of one of the kinds changes."""
    return Cached(seconds=seconds, changed_by=frozenset(changed_by))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What tells one answer from another. ``command`` is a digest of the use-case's name and all of its fields.

    ``organization_id`` and ``person`` are those of the caller: what one may see is never looked up for another.
    """

    organization_id: UUID
    person: UUID | None
    use_case: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a read returned, and the organization that it is about, which a stranger's command alone does not tell."""

    value: object
    organization_id: UUID


class IQueryCache(Protocol):
    """Keeps answers within one process. A read that began before a change is over when it becomes known."""

    async def read(self, query: Query, rule: Cached, load: Callable[[], Awaitable[Found]]) -> object:
        """Return the answer that is kept, or load it; of many who ask at once one loads.

        Raises:
            Exception: whatever loading raises; failures are never kept.
        """
        ...


class IChanges(Protocol):
    """Hears of every commit, before and after."""

    def begin(self, touched: Touched) -> None:
        """Keep nothing that these changes end from now on: others may see them before their author is answered."""
        ...

    def end(self, touched: Touched) -> None:
        """Take it that they were made; called once for each :meth:`begin`, whatever became of the commit."""
        ...
