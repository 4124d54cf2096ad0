"""The one repository that serves every aggregate; concrete ones add finders and nothing else."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, cast

from sqlalchemy import ColumnElement, Executable, Update, bindparam, delete, insert, update

from domain.shared.entity import Entity, SoftDeletable
from domain.shared.errors import InvalidReference, StaleVersion
from domain.shared.events import Deleted
from domain.shared.specification import Spec
from infrastructure.persistence import bulk, lookups, parts, tenancy
from infrastructure.persistence.errors import StillReferenced
from infrastructure.persistence.held import Held
from infrastructure.persistence.reader import SqlReader
from infrastructure.persistence.session import Session
from infrastructure.persistence.tracking import Change, Operation, Tracked, Values
from infrastructure.persistence.types import Guid

_BATCH = 500
# Up to so many updates are sent one by one, in the order of their facts; more go in one statement.
_ONE_BY_ONE = 4
_THIS = ("this_id", "loaded")


class SqlRepository[E: Entity](SqlReader[E]):
    """Aggregates of one kind behind the tenant wall, with an identity map and no commit.

    ``lookup`` names an attribute whose value is kept unique across tenants in the look-up table.
    """

    lookup: ClassVar[lookups.Lookup | None] = None

    def __init__(self, session: Session) -> None:
        """Start empty."""
        super().__init__(session)
        self._added: list[E] = []
        self._purged: list[E] = []

    def add(self, entity: E) -> None:
        """Insert the aggregate at flush."""
        self._added.append(entity)

    async def add_many(self, entities: Sequence[E]) -> int:
        """Insert many in one statement, with their events and audit entries."""
        self._added.extend(entities)
        await self._session.flush()
        return len(entities)

    def remove(self, entity: E) -> None:
        """Hide a soft-deletable aggregate; delete any other."""
        if isinstance(entity, SoftDeletable):
            entity.delete(self._session.now(), self._session.author)
        else:
            self.purge(entity)

    def restore(self, entity: E) -> None:
        """Undo a soft delete."""
        if not isinstance(entity, SoftDeletable):
            raise TypeError(f"{entity.kind} has no soft delete")
        entity.undelete(self._session.now())

    def purge(self, entity: E) -> None:
        """Delete the row for good."""
        entity.record(Deleted(), self._session.now())
        self._purged.append(entity)

    async def update_where(self, spec: Spec[E], changes: Mapping[str, object]) -> int:
        """Amend every match as if it had been loaded and amended alone."""
        return await self._each(spec, lambda entity: entity.amend(self._session.now(), **changes))

    async def delete_where(self, spec: Spec[E]) -> int:
        """Remove every match as if it had been loaded and removed alone."""
        return await self._each(spec, self.remove)

    async def _each(self, spec: Spec[E], act: Callable[[E], None]) -> int:
        """Act on every match, a bounded batch in memory at a time."""
        await self._session.flush()
        done = 0
        async for entity in self.stream(spec, batch=_BATCH):
            act(entity)
            done += 1
            if done % _BATCH == 0:
                await self._session.flush()
        await self._session.flush()
        return done

    def _remember(self, fresh: list[Tracked[E]]) -> None:
        if not self._session.read_only:
            for tracked in fresh:
                tracked.remember(self.mapper)

    # -- flushing: called by the unit of work ------------------------------------------------------

    async def write_inserts(self) -> list[Change]:
        """Insert what was added, and return it."""
        added, self._added = self._added, []
        if not added:
            return []
        for entity in added:
            entity.created_by = entity.updated_by = self._session.author
        names, rows = self.mapper.column_names, [self.mapper.dehydrate(entity) for entity in added]
        if len(rows) == 1:
            statement = self._prepare("insert", self._insert)
            await self._session.rows(statement, self._named(rows[0]))
        else:
            await bulk.insert(self._session, self.mapper.table, names, rows)
        await parts.insert_all(self._session, self.mapper, added)
        for entity in added:
            if self.lookup is not None:
                await lookups.claim(self._session, self.lookup, entity)
            self._track(entity)
        return [
            Change(e, Operation.CREATED, self.mapper.readable(dict(zip(names, r, strict=True))))
            for e, r in zip(added, rows, strict=True)
        ]

    async def write_updates(self) -> list[Change]:
        """Write what changed since it was loaded, and return it.

        Raises:
            StaleVersion: somebody else wrote the aggregate first.
        """
        changes: list[Change] = []
        rows: list[Values] = []
        purged = {entity.id for entity in self._purged}
        changed = [t for id_, t in self._tracked.items() if id_ not in purged and t.is_changed(self.mapper)]
        # In the order the facts happened: a default is given up before another takes its place.
        changed.sort(key=lambda each: each.entity.first_event_order)
        for tracked in changed:
            entity = tracked.entity
            if entity.version != tracked.version + 1:
                raise RuntimeError(f"{entity.kind} changed without recording an event")
            entity.updated_by = self._session.author
            row = self.mapper.dehydrate(entity)
            rows.append(row)
            values = self.mapper.readable(tracked.changed_columns(self.mapper, row))
            changes.append(Change(entity, Operation.UPDATED, values, tracked.before(self.mapper)))
        await self._write_rows(changed, rows)
        for tracked, row in zip(changed, rows, strict=True):
            await parts.write(self._session, self.mapper, tracked)
            tracked.remember(self.mapper, row)
            tracked.locked = True
        return changes

    async def _write_rows(self, changed: Sequence[Tracked[E]], rows: Sequence[Values]) -> None:
        if len(rows) > _ONE_BY_ONE and self._session.database.is_postgres:
            if await bulk.update(self._session, self.mapper.table, self.mapper.column_names, rows) != len(rows):
                raise StaleVersion
            return
        for tracked, row in zip(changed, rows, strict=True):
            names, values = (*self.mapper.parameters, *_THIS), (*row, tracked.entity.id, tracked.version)
            key = (type(self), "update")
            await self._session.hold(Held(key=key, build=self._update, names=names, values=values, counted=True))
            if len(rows) > 1 or not tracked.locked:
                # One that is not locked locks with its update, and its events come after that.
                await self._session.settle()

    async def write_deletes(self) -> list[Change]:
        """Delete what was purged, and return it.

        Raises:
            StaleVersion: somebody else wrote or deleted the aggregate first.
            StillReferenced: another aggregate needs it.
        """
        purged, self._purged = self._purged, []
        changes: list[Change] = []
        for entity in purged:
            tracked = self._tracked.pop(entity.id)
            changes.append(Change(entity, Operation.DELETED, {}, tracked.before(self.mapper)))
            await parts.clear(self._session, self.mapper, entity)
            statement = self._prepare("delete", self._delete)
            try:
                found = await self._session.rows(statement, {"this_id": entity.id, "loaded": tracked.version})
            except InvalidReference as error:
                raise StillReferenced from error
            if not found:
                raise StaleVersion
            if self.lookup is not None:
                await lookups.release(self._session, self.lookup, entity)
        return changes

    def _track(self, entity: E) -> None:
        tracked = self._tracked[entity.id] = Tracked(entity, locked=True)
        tracked.remember(self.mapper)

    def _named(self, row: Sequence[object]) -> dict[str, object]:
        return dict(zip(self.mapper.parameters, row, strict=True))

    def _insert(self) -> Executable:
        table = self.mapper.table
        return insert(table).values({n: bindparam(f"c_{n}", type_=table.c[n].type) for n in self.mapper.column_names})

    def _update(self, prefix: str) -> Update:
        table = self.mapper.table
        names = [name for name in self.mapper.column_names if name not in bulk.WRITTEN_ONCE]
        values = {name: bindparam(f"{prefix}c_{name}", type_=table.c[name].type) for name in names}
        # Returning makes an update of another class, which is an update no less.
        return cast("Update", update(table).where(*self._this_version(prefix)).values(values).returning(table.c.id))

    def _delete(self) -> Executable:
        return delete(self.mapper.table).where(*self._this_version()).returning(self.mapper.table.c.id)

    def _this_version(self, prefix: str = "") -> tuple[ColumnElement[bool], ...]:
        table = self.mapper.table
        return (
            tenancy.wall(table),
            table.c.id == bindparam(f"{prefix}this_id", type_=Guid()),
            table.c.version == bindparam(f"{prefix}loaded", type_=table.c.version.type),
        )
