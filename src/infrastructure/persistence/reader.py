"""Reading aggregates: every statement starts from the walled select, and loads fill the identity map."""

from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Sequence
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Executable, Integer, Select, bindparam, func, or_, select, tuple_

from domain.shared.errors import EntityNotFoundError
from domain.shared.page import Page, PageRequest
from domain.shared.specification import Spec
from domain.shared.specification_values import Now
from infrastructure.persistence import parts, tenancy
from infrastructure.persistence.cursor import Cursors, Position
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.session import Session
from infrastructure.persistence.specification import Outline, clause, outline
from infrastructure.persistence.statement import AnyOf, Params, Statement
from infrastructure.persistence.tracking import Identified, Tracked
from infrastructure.persistence.types import Guid, ListOf

type Query = Select[*tuple[Any, ...]]  # reason: the columns are the mapper's, known at run time only


class SqlReader[E: Identified]:
    """The reading half of a repository. A subclass sets ``mapper``."""

    mapper: ClassVar[Mapper[Any]]  # reason: class variables cannot use the class's type parameter

    def __init__(self, session: Session) -> None:
        """Work inside one open transaction."""
        self._session = session
        self._tracked: dict[UUID, Tracked[E]] = {}

    async def get(self, id: UUID, *, lock: bool = False, with_deleted: bool = False) -> E:
        """Return one aggregate, from the identity map when it was loaded before."""
        tracked = self._tracked.get(id)
        if tracked is not None:
            if lock:
                tracked.ensure_locked()
            if not with_deleted and getattr(tracked.entity, "deleted_at", None) is not None:
                raise EntityNotFoundError
            return tracked.entity
        found = await self._load(
            self._prepare(("get", lock, with_deleted), lambda: self._get(lock=lock, with_deleted=with_deleted)),
            {"this_id": id}, lock=lock,
        )  # fmt: skip
        if not found:
            raise EntityNotFoundError
        return found[0]

    async def get_many(self, ids: Iterable[UUID]) -> dict[UUID, E]:
        """Return those that exist, by id, in one statement."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        ids_type = ListOf(Guid())
        statement = self._prepare(
            "get_many", lambda: self._select().where(AnyOf(self._id, bindparam("ids", type_=ids_type)))
        )
        return {entity.id: entity for entity in await self._load(statement, {"ids": wanted})}

    async def find(
        self, spec: Spec[E], *, sort: str = "id", limit: int | None = None, offset: int = 0, with_deleted: bool = False
    ) -> list[E]:
        """Return the matches in a total order."""
        tree, params = self._outline(spec)
        part = (limit is not None, offset > 0)
        statement = self._prepare(
            ("find", tree, sort, part, with_deleted),
            lambda: _part(self._found(tree, sort, with_deleted=with_deleted), *part),
        )
        return await self._load(statement, {**params, "limit": limit, "offset": offset})

    async def find_one(self, spec: Spec[E], *, lock: bool = False) -> E | None:
        """Return the first match by id, or None."""
        tree, params = self._outline(spec)
        statement = self._prepare(("find_one", tree, lock), lambda: _for_update(self._found(tree, "id").limit(1), lock))
        found = await self._load(statement, params, lock=lock)
        return found[0] if found else None

    async def page(self, spec: Spec[E], request: PageRequest) -> Page[E]:
        """Return one keyset page: one row more than asked for tells whether there is another."""
        tree, params = self._outline(spec)
        sort, column = request.sort, self._sort_column(request.sort)
        asked = sorted((name, None if isinstance(value, Now) else value) for name, value in params.items())
        whose = (self._session.organization_id, self._session.person)
        binding = (self.mapper.table.name, whose, tree, asked, sort)
        cursors = Cursors(self._session.cursor_secret, binding, column.type.python_type)
        after = cursors.read(request.cursor) if request.cursor else None
        statement = self._prepare(
            ("page", tree, sort, after is None, after is not None and after.value is None),
            lambda: self._page(tree, sort, after),
        )
        position = {"after": after.value, "after_id": after.id} if after else {}
        rows = await self._session.rows(statement, {**params, **position, "limit": request.limit + 1})
        found = await self._keep(rows[: request.limit])
        cursor = None
        if len(rows) > request.limit:
            at, last = self.mapper.column_names.index, rows[request.limit - 1]
            cursor = cursors.write(Position(last[at(column.name)], cast("UUID", last[at("id")])))
        total = await self.count(spec) if request.include_total else None
        return Page(items=found, next_cursor=cursor, total=total)

    async def count(self, spec: Spec[E]) -> int:
        """Count the matches."""
        tree, params = self._outline(spec)
        statement = self._prepare(("count", tree), lambda: self._select(tree).with_only_columns(func.count()))
        return cast("int", (await self._session.rows(statement, params))[0][0])

    async def exists(self, spec: Spec[E]) -> bool:
        """Say whether anything matches, reading one row at most."""
        tree, params = self._outline(spec)
        statement = self._prepare(("exists", tree), lambda: self._select(tree).with_only_columns(self._id).limit(1))
        return bool(await self._session.rows(statement, params))

    async def stream(self, spec: Spec[E], *, batch: int = 500) -> AsyncIterator[E]:
        """Yield every match by id; what was read and not changed is forgotten after its batch."""
        cursor: str | None = None
        while True:
            before = set(self._tracked)
            page = await self.page(spec, PageRequest(limit=batch, cursor=cursor, sort="id"))
            for entity in page.items:
                yield entity
            # What was there before belongs to somebody else, who may still change it.
            for id_ in {entity.id for entity in page.items} - before:
                tracked = self._tracked.get(id_)
                if tracked is not None and not tracked.is_changed(self.mapper):
                    del self._tracked[id_]
            cursor = page.next_cursor
            if cursor is None:
                return

    # -- statements ------------------------------------------------------------------------------

    @property
    def _id(self) -> Column[UUID]:
        return self.mapper.table.c.id

    def _select(self, tree: Outline | None = None, *, with_deleted: bool = False) -> Query:
        """Return the select every other one starts from: this tenant's, not deleted."""
        query = select(*self.mapper.columns).where(tenancy.wall(self.mapper.table))
        if not with_deleted and "deleted_at" in self.mapper.table.c:
            query = query.where(self.mapper.table.c.deleted_at.is_(None))
        return query if tree is None else query.where(clause(tree, self.mapper))

    def _get(self, *, lock: bool, with_deleted: bool) -> Query:
        query = self._select(with_deleted=with_deleted).where(self._id == bindparam("this_id", type_=Guid()))
        return _for_update(query, lock)

    def _found(self, tree: Outline, sort: str, *, with_deleted: bool = False) -> Query:
        return self._select(tree, with_deleted=with_deleted).order_by(*self._order(sort, tree))

    def _page(self, tree: Outline, sort: str, after: Position | None) -> Query:
        query = _part(self._found(tree, sort), limited=True, skipping=False)
        if after is None:
            return query
        return query.where(self._beyond(sort, absent=after.value is None, nullable=self._may_be_absent(sort, tree)))

    def _sort_column(self, sort: str) -> Column[object]:
        return self.mapper.column(sort.removeprefix("-"))

    def _may_be_absent(self, sort: str, tree: Outline) -> bool:
        """Say whether a sort value can be absent. An index only serves orders without absent values among them."""
        present = ("not", ("null", sort.removeprefix("-")))
        return bool(self._sort_column(sort).nullable) and not _demands(tree, present)

    def _order(self, sort: str, tree: Outline) -> list[ColumnElement[object]]:
        """Return a total order; absent values come first, or last when descending, on both databases."""
        column, descending = self._sort_column(sort), sort.startswith("-")
        columns: list[Column[Any]] = [column] if column is self._id else [column, self._id]  # reason: of two types
        order: list[ColumnElement[object]] = [each.desc() if descending else each.asc() for each in columns]
        if self._may_be_absent(sort, tree):
            order[0] = order[0].nulls_last() if descending else order[0].nulls_first()
        return order

    def _beyond(self, sort: str, *, absent: bool, nullable: bool) -> ColumnElement[bool]:
        """Return the clause for the rows behind a position, whose sort value may be ``absent``."""
        column, descending = self._sort_column(sort), sort.startswith("-")
        id_, after_id = self._id, bindparam("after_id", type_=Guid())
        behind = id_ < after_id if descending else id_ > after_id
        if absent:
            twins = column.is_(None) & behind
            return twins if descending else or_(twins, column.is_not(None))
        if column is not id_:
            here, there = tuple_(column, id_), tuple_(bindparam("after", type_=column.type), after_id)
            behind = here < there if descending else here > there
        return or_(behind, column.is_(None)) if descending and nullable else behind

    def _outline(self, spec: Spec[E]) -> tuple[Outline, dict[str, object]]:
        values: list[object] = []
        tree = outline(spec, self.mapper, values)
        return tree, {f"p{n}": value for n, value in enumerate(values)}

    def _prepare(self, key: Hashable, build: Callable[[], Executable]) -> Statement:
        return self._session.prepare((type(self), key), build)

    # -- loading ---------------------------------------------------------------------------------

    async def _load(self, statement: Statement, params: Params, *, lock: bool = False) -> list[E]:
        return await self._keep(await self._session.rows(statement, params), lock=lock)

    async def _keep(self, rows: Sequence[Sequence[Any]], *, lock: bool = False) -> list[E]:  # reason: positional rows
        """Hydrate rows that are new to the identity map; the others stay the objects they were."""
        if self._session.read_only and not self._tracked and len(rows) > 1:
            # Nobody will write them, so a long list need not be remembered to find what changed.
            return await self._whole([self.mapper.hydrate(row) for row in rows])
        entities: list[E] = []
        fresh: list[Tracked[E]] = []
        at = self.mapper.column_names.index("id")
        for row in rows:
            id_: UUID = row[at]
            tracked = self._tracked.get(id_)
            if tracked is None:
                entity: E = self.mapper.hydrate(row)
                tracked = self._tracked[id_] = Tracked(entity, locked=lock)
                fresh.append(tracked)
            elif lock:
                tracked.ensure_locked()
            entities.append(tracked.entity)
        await self._whole([tracked.entity for tracked in fresh])
        self._remember(fresh)
        return entities

    async def _whole(self, entities: list[E]) -> list[E]:
        """Load the parts of freshly hydrated aggregates."""
        if self.mapper.children and entities:
            await parts.load(self._session, self.mapper, entities)
        return entities

    def _remember(self, fresh: list[Tracked[E]]) -> None:
        """Take note of what was loaded; reading alone needs no comparison later."""


def _demands(tree: Outline, condition: Outline) -> bool:
    """Say whether a condition is one of those that must all hold."""
    match tree:
        case ("and", tuple(left), tuple(right)):
            return _demands(left, condition) or _demands(right, condition)
    return tree == condition


def _for_update(query: Query, lock: bool) -> Query:  # noqa: FBT001 - a private switch
    # Not the strongest lock: rows that refer to this one may still be inserted by others meanwhile.
    return query.with_for_update(key_share=True) if lock else query


def _part(query: Query, limited: bool, skipping: bool) -> Query:  # noqa: FBT001 - as above
    if limited:
        query = query.limit(bindparam("limit", type_=Integer()))
    return query.offset(bindparam("offset", type_=Integer())) if skipping else query
