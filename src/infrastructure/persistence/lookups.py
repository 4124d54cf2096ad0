"""Public values that lead to a tenant or to a person: API key hashes, payment link slugs, e-mail addresses."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Executable, Table, bindparam, delete, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from domain.shared.entity import Entity
from domain.shared.errors import DuplicateError
from infrastructure.persistence import tenancy
from infrastructure.persistence.models.identity import OrganizationRow
from infrastructure.persistence.models.persons import AuthIdentityRow, SingleUseTokenRow
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
    """Make the entity findable by its value before the tenant is known; without a value it claims nothing.

    Raises:
        DuplicateError: another aggregate of any tenant has the value; the look-up names the error.
    """
    if getattr(entity, lookup.attribute) is None:
        return
    statement = session.prepare("lookup-claim", lambda: _insert(postgres=session.database.is_postgres))
    if not await session.rows(statement, {**_named(lookup, entity), "lookup_subject": entity.id}):
        raise lookup.taken


async def release(session: Session, lookup: Lookup, entity: Entity) -> None:
    """Forget the value of a purged entity."""
    if getattr(entity, lookup.attribute) is None:
        return
    await session.rows(session.prepare("lookup-release", _delete), _named(lookup, entity))


# What leads to a person and not to an organization, and the table that says to whom; None: the subject is the person.
PERSONAL: Mapping[str, Table | None] = {
    "user_email": None,
    "auth_identity": cast("Table", AuthIdentityRow.__table__),
    "single_use_token": cast("Table", SingleUseTokenRow.__table__),
}
# What strangers may find: only while the organization that it belongs to is active.
PUBLIC = frozenset({"payment_link", "checkout"})
_ORGANIZATIONS = cast("Table", OrganizationRow.__table__)
_DIGESTED = frozenset({"user_email", "auth_identity"})


def stored_value(kind: str, value: str) -> str:
    """Return what is kept of a value: a digest of what is personal, which also makes it short."""
    return hashlib.sha256(value.encode()).hexdigest() if kind in _DIGESTED else value


def _named(lookup: Lookup, entity: Entity) -> dict[str, object]:
    return {
        "lookup_kind": lookup.kind, "lookup_value": stored_value(lookup.kind, getattr(entity, lookup.attribute))
    }  # fmt: skip


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

    Its parameter is ``lookup_value``, its columns are the organization, the subject and, of ``PERSONAL`` kinds, whose
    the subject is.
    """
    value = bindparam("lookup_value", type_=text())
    if postgres:
        names = ("organization_id", "subject_id", *(("user_id",) if kind in PERSONAL else ()))
        found = getattr(func, f"stoa_find_{kind}")(value).table_valued(*names)
        return select(*(found.c[name] for name in names))
    asked = (_TABLE.c.kind == kind, _TABLE.c.value == value)
    if kind in PUBLIC:
        owned = _TABLE.join(_ORGANIZATIONS, _ORGANIZATIONS.c.organization_id == _TABLE.c.organization_id)
        active = _ORGANIZATIONS.c.status == literal_column("'active'")
        return select(_TABLE.c.organization_id, _TABLE.c.subject_id).select_from(owned).where(*asked, active)
    if kind not in PERSONAL:
        return select(_TABLE.c.organization_id, _TABLE.c.subject_id).where(*asked)
    table = PERSONAL[kind]
    if table is None:
        return select(_TABLE.c.organization_id, _TABLE.c.subject_id, _TABLE.c.subject_id).where(*asked)
    joined = _TABLE.join(table, table.c.id == _TABLE.c.subject_id)
    return select(_TABLE.c.organization_id, _TABLE.c.subject_id, table.c.user_id).select_from(joined).where(*asked)
