"""Comparing passwords: read, counted, and only then compared, with no transaction open."""

from collections.abc import Callable
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import BigInteger, Executable, Table, bindparam, func, select
from sqlalchemy import text as sql

from application.identity.ports import ISignIns, VerifiedPassword
from application.kernel.actor import NOWHERE, PLATFORM
from application.kernel.ports import IClock, IPasswordHasher
from application.kernel.unit_of_work import ISignInAttempts
from domain.identity.errors import CredentialsInvalid, SignInLocked
from domain.identity.single_use_token import TokenInvalid
from domain.shared.ids import UserId
from infrastructure.persistence import tenancy
from infrastructure.persistence.database import Database
from infrastructure.persistence.lookups import find_statement, stored_value
from infrastructure.persistence.models.identity import UserRow
from infrastructure.persistence.models.persons import CredentialRow
from infrastructure.persistence.models.technical import LookupRow
from infrastructure.persistence.person_functions import COUNT_ATTEMPT, FORGIVE, FORGOTTEN, READ_LOCK
from infrastructure.persistence.session import Session
from infrastructure.persistence.transaction import Rows
from infrastructure.persistence.types import text

_CREDENTIALS = cast("Table", CredentialRow.__table__)
_USERS = cast("Table", UserRow.__table__)
_LOOKUPS = cast("Table", LookupRow.__table__)
_COLUMNS = (_CREDENTIALS.c.id, _USERS.c.email, _CREDENTIALS.c.hash, _CREDENTIALS.c.version)


class SignInAttempts(ISignInAttempts):
    """What was tried, forgiven in the transaction that gives a reason to."""

    def __init__(self, session: Session) -> None:
        """Forgive in this transaction."""
        self._session = session

    async def forgive(self, email: str) -> None:
        session = self._session
        statement = session.prepare("sign-in-forgive", lambda: _forgive(session.database.is_postgres))
        params = {"wanted": stored_value("user_email", email), "at": int(session.now().timestamp())}
        await session.rows(statement, params)


class _Stored(NamedTuple):
    """A person's password as it is kept."""

    user_id: UserId
    email: str
    hash: str
    version: int


class SqlSignIns(ISignIns):
    """Every step in a short transaction of its own; the attempt is committed before anybody knows what came of it."""

    def __init__(self, database: Database, hasher: IPasswordHasher, clock: IClock) -> None:
        """Keep what every attempt needs."""
        self._database = database
        self._hasher = hasher
        self._clock = clock

    async def verify(self, email: str, password: str) -> VerifiedPassword:
        subject = stored_value("user_email", email)
        rows = await self._read("password-of", _password_of, {"wanted": subject})
        # Whether anybody has the address makes no difference to what is done, nor to how long it takes.
        return await self._compare(subject, rows, password)

    async def verify_person(self, user_id: UserId, password: str) -> VerifiedPassword:
        rows = await self._own(user_id)
        # Whoever has no password is counted too, apart from everybody else who has none.
        return await self._compare(_subject_of(rows) if rows else str(user_id), rows, password)

    async def verify_mailed(self, digest: str, password: str) -> VerifiedPassword | None:
        statement = self._database.prepare(
            ("find", "single_use_token"),
            lambda: find_statement("single_use_token", postgres=self._database.is_postgres),
        )
        found = await self._database.read(statement, {"lookup_value": digest}, organization_id=NOWHERE)
        if not found:
            raise TokenInvalid
        owner = UserId(UUID(int=cast("UUID", found[0][2]).int))
        rows = await self._own(owner)
        return await self._compare(_subject_of(rows), rows, password) if rows else None

    async def _own(self, user_id: UserId) -> Rows:
        statement = self._database.prepare("own-password", _own_password)
        async with self._database.transaction(PLATFORM, user_id, read_only=True) as transaction:
            return await transaction.rows(statement, {tenancy.PERSON: user_id})

    async def _compare(self, subject: str, rows: Rows, password: str) -> VerifiedPassword:
        """Raise ``SignInLocked`` or ``CredentialsInvalid`` unless it is the stored password."""
        stored = _Stored(*cast("_Stored", tuple(rows[0]))) if rows else None
        # Who finds too many waiting has not tried anything. Places are not held while the attempt is counted, or a slow
        # database would fill them with nobody who is compared; so that in a flood a few are counted and then refused.
        self._hasher.ensure_room()
        await self._count(subject)
        if not await self._hasher.verify(password, stored.hash if stored else None) or stored is None:
            raise CredentialsInvalid
        await self._write("sign-in-forgive", _forgive, {"wanted": subject, "at": self._now()})
        fresh = await self._hasher.hash(password) if self._hasher.needs_rehash(stored.hash) else None
        return VerifiedPassword(
            user_id=UserId(UUID(int=stored.user_id.int)), email=stored.email, version=stored.version, rehashed=fresh
        )

    async def _count(self, subject: str) -> None:
        counted = await self._write("sign-in-count", _count, {"wanted": subject, "at": self._now()})
        if not counted:
            locked = await self._write("sign-in-lock", _lock, {"wanted": subject})
            until = cast("int", locked[0][0]) if locked else 0
            raise SignInLocked(retry_after=max(1, until - self._now()))

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    async def _read(self, name: str, build: Callable[[bool], Executable], params: dict[str, object]) -> Rows:
        statement = self._database.prepare(name, lambda: build(self._database.is_postgres))
        return await self._database.read(statement, params, organization_id=NOWHERE)

    async def _write(self, name: str, build: Callable[[bool], Executable], params: dict[str, object]) -> Rows:
        statement = self._database.prepare(name, lambda: build(self._database.is_postgres))
        return await self._database.rows(statement, params, organization_id=NOWHERE)


def _subject_of(rows: Rows) -> str:
    """Return under what attempts are counted: the address, wherever the password is asked for."""
    return stored_value("user_email", str(rows[0][1]))


def _password_of(postgres: bool) -> Executable:  # noqa: FBT001 - a private switch
    wanted = bindparam("wanted", type_=text())
    if postgres:
        found = func.stoa_password_of(wanted).table_valued("user_id", "email", "hash", "version")
        return select(found.c.user_id, found.c.email, found.c.hash, found.c.version)
    joined = _LOOKUPS.join(_CREDENTIALS, _CREDENTIALS.c.id == _LOOKUPS.c.subject_id)
    joined = joined.join(_USERS, _USERS.c.id == _CREDENTIALS.c.id)
    found_by = (_LOOKUPS.c.kind == "user_email", _LOOKUPS.c.value == wanted)
    return select(*_COLUMNS).select_from(joined).where(*found_by)


def _own_password() -> Executable:
    joined = _CREDENTIALS.join(_USERS, _USERS.c.id == _CREDENTIALS.c.id)
    return select(*_COLUMNS).select_from(joined).where(tenancy.wall(_CREDENTIALS))


def _count(postgres: bool) -> Executable:  # noqa: FBT001 - as above
    if postgres:
        return select(func.stoa_count_sign_in(bindparam("wanted", type_=text()), bindparam("at", type_=BigInteger())))
    return sql(COUNT_ATTEMPT.format(schema="", wanted=":wanted", at=":at"))


def _lock(postgres: bool) -> Executable:  # noqa: FBT001 - as above
    if postgres:
        return select(func.stoa_sign_in_lock(bindparam("wanted", type_=text())))
    return sql(READ_LOCK.format(schema="", wanted=":wanted"))


def _forgive(postgres: bool) -> Executable:  # noqa: FBT001 - as above
    if postgres:
        at = bindparam("at", type_=BigInteger())
        return select(func.stoa_forgive_sign_in(bindparam("wanted", type_=text()), at))
    return sql(f"{FORGIVE.format(schema='', wanted=':wanted')} OR {FORGOTTEN.format(at=':at')}")
