"""Idempotency records: claimed first, answered last, both in the caller's transaction."""

import hashlib
import hmac
from collections.abc import Callable
from typing import cast
from uuid import UUID

import msgspec
from sqlalchemy import Executable, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from application.kernel.actor import PLATFORM
from application.kernel.dispatcher import TransactionAborted
from application.kernel.idempotency import IdempotencyInProgress, IdempotencyKeyReused, IIdempotencyStore
from application.kernel.wire import Wire
from infrastructure.persistence import tenancy
from infrastructure.persistence.errors import LockTimeout
from infrastructure.persistence.models.technical import IdempotencyRecordRow
from infrastructure.persistence.session import Session
from infrastructure.persistence.types import Guid, UtcDateTime, text

_TABLE = cast("Table", IdempotencyRecordRow.__table__)


class IdempotencyStore(IIdempotencyStore):
    """The records of one organization, inside one unit of work."""

    def __init__(self, session: Session) -> None:
        """Work under the tenant the unit of work began with, wherever it goes on; a person's keys are their own."""
        self._session = session
        self._organization_id: UUID = session.organization_id
        self._home: UUID = session.person or session.organization_id
        self._claimed: tuple[str, str] | None = None
        self.answer: tuple[UUID, str, str] | None = None

    async def claim(self, key: str, fingerprint: str) -> Wire | None:
        """Insert the claim; a twin waits on the same index entry until the first ends, then reads its answer."""
        session = self._session
        self._claimed = (key, fingerprint)
        claim = session.prepare("idempotency-claim", lambda: _claim(postgres=session.database.is_postgres))
        # Keyed: a command may hold a password, and a plain digest of it would be quick to guess.
        known = hmac.digest(session.cursor_secret, fingerprint.encode(), "sha256").hex()
        home = {tenancy.TENANT: self._home, "record_key": self._recorded(key)}
        params = {**home, "record_fingerprint": known, "record_at": session.now()}
        try:
            if await session.rows(claim, params):
                return None
        except LockTimeout:
            raise IdempotencyInProgress(retry_after=1) from None
        found = await session.rows(session.prepare("idempotency-read", _read), home)
        if not found:
            raise IdempotencyInProgress(retry_after=1)
        stored, response = found[0]
        if stored != known:
            raise IdempotencyKeyReused
        return cast("Wire", msgspec.json.decode(cast("str", response)))

    async def claim_again(self) -> None:
        """Repeat the claim in the transaction that follows on the one it was made in, if there was one.

        Raises:
            TransactionAborted: a twin was quicker; run again, the same call replays its answer.
        """
        if self._claimed is not None and await self.claim(*self._claimed) is not None:
            raise TransactionAborted

    def store(self, key: str, answer: Wire) -> None:
        """Keep the answer for the commit to write."""
        self.answer = (self._home, self._recorded(key), msgspec.json.encode(answer).decode())

    def _recorded(self, key: str) -> str:
        """Return the key as it is kept: what a person does in one organization is not what they do in another."""
        if self._organization_id in (self._home, PLATFORM):
            return key
        return f"{self._organization_id.hex}:{hashlib.sha256(key.encode()).hexdigest()}"


def _claim(*, postgres: bool) -> Executable:
    insert: Callable[..., postgresql.Insert | sqlite.Insert] = postgresql.insert if postgres else sqlite.insert
    return (
        insert(_TABLE)
        .values(
            organization_id=bindparam(tenancy.TENANT, type_=Guid()),
            key=bindparam("record_key", type_=text()),
            fingerprint=bindparam("record_fingerprint", type_=text()),
            created_at=bindparam("record_at", type_=UtcDateTime()),
        )
        .on_conflict_do_nothing(index_elements=["organization_id", "key"])
        .returning(_TABLE.c.key)
    )


def _read() -> Executable:
    return select(_TABLE.c.fingerprint, _TABLE.c.response).where(
        tenancy.wall(_TABLE), _TABLE.c.key == bindparam("record_key", type_=text())
    )
