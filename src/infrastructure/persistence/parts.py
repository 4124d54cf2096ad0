"""Parts of aggregates in tables of their own: one statement per kind, however many roots."""

from collections import defaultdict
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import Executable, bindparam, delete, insert, select, update

from domain.shared.entity import Entity
from infrastructure.persistence import tenancy
from infrastructure.persistence.mapper import Children, Mapper
from infrastructure.persistence.session import Session
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.tracking import Tracked, Values, part_values
from infrastructure.persistence.types import Guid, ListOf


async def load[E: Entity](session: Session, mapper: Mapper[Entity], roots: Sequence[E]) -> None:
    """Fill every kind of part of freshly loaded roots."""
    ids = [root.id for root in roots]
    for name, child in mapper.children.items():
        statement = session.prepare(("parts", mapper.table.name, name), lambda child=child: _select(child))  # type: ignore[misc]  # reason: a default binds the loop variable
        of_root: defaultdict[UUID, list[object]] = defaultdict(list)
        for row in await session.rows(statement, {"parents": ids}):
            of_root[cast("UUID", row[0])].append(child.mapper.hydrate(row[1:]))
        for root in roots:
            setattr(root, name, of_root[root.id])


async def write[E: Entity](session: Session, mapper: Mapper[Entity], root: E, tracked: Tracked[E] | None) -> None:
    """Bring the stored parts of one root to its present ones."""
    for name, child in mapper.children.items():
        stored = tracked.stored_parts(name) if tracked else {}
        present = part_values(mapper, name, root)
        for id_ in stored.keys() - present.keys():
            await session.rows(session.prepare(("part-delete", child.mapper.table.name), lambda c=child: _delete(c)), {"this_id": id_})  # type: ignore[misc]  # reason: a default binds the loop variable  # fmt: skip
        for id_, values in present.items():
            if id_ not in stored:
                await _write(session, child, "insert", root.id, values)
            elif values != stored[id_]:
                await _write(session, child, "update", root.id, values)


async def _write(session: Session, child: Children, verb: str, parent: UUID, values: Values) -> None:
    build = _insert if verb == "insert" else _update
    statement = session.prepare((f"part-{verb}", child.mapper.table.name), lambda: build(child))
    named = {f"c_{name}": value for name, value in zip(child.mapper.column_names, values, strict=True)}
    await session.rows(statement, {**named, "parent": parent})


def _select(child: Children) -> Executable:
    table = child.mapper.table
    parent = table.c[child.parent]
    return (
        select(parent, *child.mapper.columns)
        .where(tenancy.wall(table), AnyOf(parent, bindparam("parents", type_=ListOf(Guid()))))
        .order_by(parent, table.c[child.order])
    )


def _insert(child: Children) -> Executable:
    table = child.mapper.table
    values = {name: bindparam(f"c_{name}", type_=table.c[name].type) for name in child.mapper.column_names}
    values[child.parent] = bindparam("parent", type_=Guid())
    values["organization_id"] = bindparam(tenancy.TENANT, type_=Guid())
    return insert(table).values(values)


def _update(child: Children) -> Executable:
    table = child.mapper.table
    values = {
        name: bindparam(f"c_{name}", type_=table.c[name].type) for name in child.mapper.column_names if name != "id"
    }
    return update(table).where(tenancy.wall(table), table.c.id == bindparam("c_id", type_=Guid())).values(values)


def _delete(child: Children) -> Executable:
    table = child.mapper.table
    return delete(table).where(tenancy.wall(table), table.c.id == bindparam("this_id", type_=Guid()))
