"""Searching soft-deletable aggregates on the shelf, taken off it, or both."""

from typing import Any, override

from attrs import frozen

from domain.catalog.repositories import Shelf
from domain.shared.entity import SoftDeletable
from domain.shared.specification import Spec
from infrastructure.persistence.reader import Query
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.specification import Outline


@frozen
class _Asked[E](Spec[E]):
    """A question about aggregates, a shelf, and aggregates related to them: only the database can answer it."""

    wanted: Spec[E]
    shelf: Shelf
    related: Spec[Any] | None  # reason: of whatever is related

    @override
    def is_satisfied_by(self, entity: E, /) -> bool:
        raise TypeError("only the database knows what is related to an aggregate")


class ShelvedRepository[E: SoftDeletable](SqlRepository[E]):
    """A repository whose pages can also be asked of what is archived, and by what is related."""

    def _asked(self, wanted: Spec[E], shelf: Shelf, related: Spec[Any] | None = None) -> Spec[E]:  # reason: as above
        """Return what a page, with its cursor and total, can be asked by."""
        return wanted if shelf is Shelf.ACTIVE and related is None else _Asked(wanted, shelf, related)

    def _related_outline(self, related: Spec[Any], values: list[object]) -> Outline:  # reason: as above
        """Outline a question about related aggregates; overridden where there are some."""
        raise TypeError(f"{self.mapper.entity.__name__} knows of nothing related: {related!r}, {values!r}")

    def _having(self, query: Query, related: Outline) -> Query:
        """Narrow a query to aggregates with something related; overridden where there is something."""
        raise TypeError(f"{self.mapper.entity.__name__} knows of nothing related: {related!r}, {query!r}")

    @override
    def _outline(self, spec: Spec[E]) -> tuple[Outline, dict[str, object]]:
        if not isinstance(spec, _Asked):
            return super()._outline(spec)
        tree, params = super()._outline(spec.wanted)
        values: list[object] = []
        related = None if spec.related is None else self._related_outline(spec.related, values)
        return ("asked", tree, spec.shelf, related), {**params, **{f"q{n}": value for n, value in enumerate(values)}}

    @override
    def _select(self, tree: Outline | None = None, *, with_deleted: bool = False) -> Query:
        match tree:
            case ("asked", tuple(wanted), Shelf() as shelf, related):
                query = super()._select(wanted, with_deleted=shelf is not Shelf.ACTIVE)
                if shelf is Shelf.ARCHIVED:
                    query = query.where(self.mapper.table.c.deleted_at.is_not(None))
                return self._having(query, related) if isinstance(related, tuple) else query
        return super()._select(tree, with_deleted=with_deleted)
