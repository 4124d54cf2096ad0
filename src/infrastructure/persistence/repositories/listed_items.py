"""Keeping a table of items as the lists of their aggregates are, so that aggregates are found by them."""

from collections.abc import Collection, Iterable, Sequence
from typing import cast

from sqlalchemy import Executable, Table, bindparam, delete

from domain.shared.entity import Entity
from infrastructure.persistence import bulk, tenancy
from infrastructure.persistence.session import Session
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.tracking import Change
from infrastructure.persistence.types import Guid, ListOf


class ListedItems:
    """The items of one list of one kind of aggregate: tags of products, capabilities of agents."""

    def __init__(self, row: type, *, parent: str, item: str, attribute: str) -> None:
        """Keep ``attribute`` of the aggregate in a table with a column for its id and one for the item."""
        self._table = cast("Table", row.__table__)  # type: ignore[attr-defined]  # reason: declarative models have it
        self._columns = ("organization_id", "id", parent, item)
        self._parent, self._attribute = parent, attribute

    async def insert(self, session: Session, entities: Iterable[Entity]) -> None:
        """Insert the items of aggregates that have none there yet, in one statement for all of them."""
        rows = [
            (session.organization_id, session.ids.new(), each.id, item) for each in entities for item in self._of(each)
        ]
        if rows:
            await bulk.insert(session, self._table, self._columns, rows)

    async def replace(self, session: Session, entities: Sequence[Entity]) -> None:
        """Put the present items of aggregates in the place of their former ones, in two statements for all of them."""
        if entities:
            statement = session.prepare(("clear-items", self._table.name), self._clear)
            await session.rows(statement, {"parents": [each.id for each in entities]})
            await self.insert(session, entities)

    async def follow(self, session: Session, changes: Iterable[Change]) -> None:
        """Replace the items of those aggregates whose list is among what changed."""
        await self.replace(session, [change.entity for change in changes if self._attribute in change.values])

    def _of(self, entity: Entity) -> set[str]:
        return set(cast("Collection[str]", getattr(entity, self._attribute)))

    def _clear(self) -> Executable:
        parent = self._table.c[self._parent]
        return delete(self._table).where(
            tenancy.wall(self._table), AnyOf(parent, bindparam("parents", type_=ListOf(Guid())))
        )
