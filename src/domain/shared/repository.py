"""The port every aggregate's repository shares."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from domain.shared.entity import Entity
from domain.shared.page import Page, PageRequest
from domain.shared.specification import Spec


class IRepository[E: Entity](Protocol):
    """Aggregates of one kind and one tenant. Nothing is written before the unit of work flushes.

    Reads skip soft-deleted aggregates unless ``with_deleted`` is set. An id of another tenant is an absent id.
    """

    async def get(self, id: UUID, *, lock: bool = False, with_deleted: bool = False) -> E:
        """Return one aggregate; ``lock`` holds its row until the transaction ends.

        Raises:
            EntityNotFoundError: this tenant has none with that id.
        """
        ...

    async def get_many(self, ids: Iterable[UUID]) -> dict[UUID, E]:
        """Return those that exist, by id."""
        ...

    async def find(
        self, spec: Spec[E], *, sort: str = "id", limit: int | None = None, offset: int = 0, with_deleted: bool = False
    ) -> list[E]:
        """Return the aggregates that satisfy ``spec``, in the total order of ``sort`` and then id."""
        ...

    async def find_one(self, spec: Spec[E], *, lock: bool = False) -> E | None:
        """Return the first match by id, or None."""
        ...

    async def page(self, spec: Spec[E], request: PageRequest) -> Page[E]:
        """Return one keyset page.

        Raises:
            InvalidCursor: the cursor was not issued for this tenant, query and order.
        """
        ...

    async def count(self, spec: Spec[E]) -> int:
        """Count the matches."""
        ...

    async def exists(self, spec: Spec[E]) -> bool:
        """Say whether anything matches."""
        ...

    def stream(self, spec: Spec[E], *, batch: int = 500) -> AsyncIterator[E]:
        """Yield every match by id, never holding more than ``batch`` of them."""
        ...

    def add(self, entity: E) -> None:
        """Insert the aggregate at flush."""
        ...

    async def add_many(self, entities: Sequence[E]) -> int:
        """Insert many at once, with their events and audit entries; returns how many."""
        ...

    def remove(self, entity: E) -> None:
        """Hide a soft-deletable aggregate; delete any other. Takes effect at flush."""
        ...

    def restore(self, entity: E) -> None:
        """Undo a soft delete at flush."""
        ...

    def purge(self, entity: E) -> None:
        """Delete the row for good at flush."""
        ...

    async def update_where(self, spec: Spec[E], changes: Mapping[str, object]) -> int:
        """Set plain attributes on every match, keeping versions, audit and change events right; returns how many."""
        ...

    async def delete_where(self, spec: Spec[E]) -> int:
        """Remove every match as :meth:`remove` does; returns how many."""
        ...
