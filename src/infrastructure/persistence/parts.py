"""Parts of aggregates in tables of their own: one statement per kind, however many roots."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Executable, bindparam, delete, insert, select, update

from domain.shared.entity import Entity
from infrastructure.persistence import bulk, tenancy
from infrastructure.persistence.mapper import Children, Mapper
from infrastructure.persistence.session import Session
from infrastructure.persistence.statement import AnyOf, Statement
from infrastructure.persistence.tracking import Identified, Tracked, part_values
from infrastructure.persistence.types import Guid, ListOf


async def load(session: Session, mapper: Mapper[Any], roots: Sequence[Identified]) -> None:  # reason: of any aggregate
    """Fill every kind of part of freshly loaded roots."""
    ids = [root.id for root in roots]
    for name, child in mapper.children.items():
        of_root: defaultdict[UUID, list[object]] = defaultdict(list)
        for row in await session.rows(_statement(session, child, _select), {"parents": ids}):
            of_root[cast("UUID", row[0])].append(child.mapper.hydrate(row[1:]))
        for root in roots:
            setattr(root, name, of_root[root.id])


async def insert_all(session: Session, mapper: Mapper[Any], roots: Sequence[Entity]) -> None:  # reason: as above
    """Insert the parts of new roots, one statement for each kind."""
    for name, child in mapper.children.items():
        names = ("organization_id", child.parent, *child.mapper.column_names)
        rows = [
            (session.organization_id, root.id, *values)
            for root in roots
            for values in part_values(mapper, name, root).values()
        ]
        if rows:
            await bulk.insert(session, child.mapper.table, names, rows)


async def write(session: Session, mapper: Mapper[Any], tracked: Tracked[Any]) -> None:  # reason: as above
    """Bring the stored parts of one root to its present ones."""
    root: Entity = tracked.entity
    for name, child in mapper.children.items():
        stored, present = tracked.stored_parts(name), part_values(mapper, name, root)
        for id_ in stored.keys() - present.keys():
            await session.rows(_statement(session, child, _delete), {"this_id": id_})
        for id_, values in present.items():
            if values != stored.get(id_):
                build = _update if id_ in stored else _insert
                named = {f"c_{name}": value for name, value in zip(child.mapper.column_names, values, strict=True)}
                await session.rows(_statement(session, child, build), {**named, "parent": root.id})


async def clear(session: Session, mapper: Mapper[Any], root: Entity) -> None:  # reason: as above
    """Delete every part of a root that is about to go."""
    for child in mapper.children.values():
        await session.rows(_statement(session, child, _delete_all), {"parent": root.id})


def _statement(session: Session, child: Children, build: Callable[[Children], Executable]) -> Statement:
    return session.prepare((build.__name__, child.mapper.table.name), lambda: build(child))


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


def _delete_all(child: Children) -> Executable:
    table = child.mapper.table
    return delete(table).where(tenancy.wall(table), table.c[child.parent] == bindparam("parent", type_=Guid()))
