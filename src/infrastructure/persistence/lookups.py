"""Public values that lead to a tenant: API key hashes, payment link slugs."""

from dataclasses import dataclass
from typing import cast

from sqlalchemy import Executable, Table, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.shared.entity import Entity
from domain.shared.errors import DuplicateError
from infrastructure.persistence import tenancy
from infrastructure.persistence.models.technical import LookupRow
from infrastructure.persistence.session import Session
from infrastructure.persistence.types import Guid, text

_TABLE = cast("Table", LookupRow.__table__)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A kind of public value, the attribute that holds it, and the error when it is taken."""

    kind: str
    attribute: str
    taken: type[DuplicateError] = DuplicateError


async def claim(session: Session, lookup: Lookup, entity: Entity) -> None:
    """Make the entity findable by its value before the tenant is known.

    Raises:
        DuplicateError: another aggregate of any tenant has the value; the look-up names the error.
    """
    statement = session.prepare("lookup-claim", lambda: _insert(postgres=session.database.is_postgres))
    if not await session.rows(statement, {**_named(lookup, entity), "lookup_subject": entity.id}):
        raise lookup.taken


async def release(session: Session, lookup: Lookup, entity: Entity) -> None:
    """Forget the value of a purged entity."""
    await session.rows(session.prepare("lookup-release", _delete), _named(lookup, entity))


def _named(lookup: Lookup, entity: Entity) -> dict[str, object]:
    return {"lookup_kind": lookup.kind, "lookup_value": getattr(entity, lookup.attribute)}


def _insert(*, postgres: bool) -> Executable:
    statement = postgresql.insert(_TABLE) if postgres else sqlite.insert(_TABLE)
    values = statement.values(
        kind=bindparam("lookup_kind", type_=text()), value=bindparam("lookup_value", type_=text()),
        organization_id=bindparam(tenancy.TENANT, type_=Guid()), subject_id=bindparam("lookup_subject", type_=Guid()),
    )  # fmt: skip
    return values.on_conflict_do_nothing(index_elements=["kind", "value"]).returning(_TABLE.c.kind)


def _delete() -> Executable:
    return delete(_TABLE).where(
        tenancy.wall(_TABLE), _TABLE.c.kind == bindparam("lookup_kind"), _TABLE.c.value == bindparam("lookup_value")
    )


def find_statement(kind: str, *, postgres: bool) -> Executable:
    """Return the look-up of one kind before the tenant is known, through a function of that one purpose.

    Its parameter is ``lookup_value``, its columns are the organization and the subject.
    """
    value = bindparam("lookup_value", type_=text())
    if postgres:
        found = getattr(func, f"stoa_find_{kind}")(value).table_valued("organization_id", "subject_id")
        return select(found.c.organization_id, found.c.subject_id)
    return select(_TABLE.c.organization_id, _TABLE.c.subject_id).where(_TABLE.c.kind == kind, _TABLE.c.value == value)
