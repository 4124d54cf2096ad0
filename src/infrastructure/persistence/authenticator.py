"""From a bearer token to a caller: one look-up per request, so that a revoked key is refused on the next one."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import cast
from uuid import UUID

from sqlalchemy import Executable, Table, bindparam, func, select, update

from application.kernel.actor import NOWHERE, Actor, ActorKind, Scope
from application.kernel.ports import IAPIKeys, IClock
from domain.identity.api_key import refuse_ended
from domain.shared.errors import Unauthenticated
from domain.shared.ids import OrganizationId, encode_id
from infrastructure.persistence import tenancy
from infrastructure.persistence.database import Database
from infrastructure.persistence.models.identity import APIKeyRow
from infrastructure.persistence.models.technical import LookupRow
from infrastructure.persistence.types import Guid, UtcDateTime, text

_KEYS = cast("Table", APIKeyRow.__table__)
_LOOKUPS = cast("Table", LookupRow.__table__)
_COLUMNS = ("organization_id", "id", "scopes", "expires_at", "revoked_at", "last_used_at")
TOUCH_EVERY = timedelta(minutes=1)


class Authenticator:
    """Recognises API keys. When a key was last used is written at most once a minute, outside of any request."""

    def __init__(self, database: Database, keys: IAPIKeys, clock: IClock) -> None:
        """Keep what every look-up needs."""
        self._database = database
        self._keys = keys
        self._clock = clock
        self._touches: set[asyncio.Task[None]] = set()

    async def __call__(self, secret: str) -> Actor:
        """Return the caller behind a key.

        Raises:
            Unauthenticated: no key, a mistyped one (found without asking the database), revoked or expired.
        """
        digest = self._keys.digest(secret)
        if digest is None:
            raise Unauthenticated
        find = self._database.prepare("authenticate", lambda: _find(postgres=self._database.is_postgres))
        rows = await self._database.read(find, {"key_hash": digest}, organization_id=NOWHERE)
        if not rows:
            raise Unauthenticated
        organization_id, key_id, scopes, expires_at, revoked_at, last_used_at = rows[0]
        now = self._clock.now()
        refuse_ended(cast("datetime | None", revoked_at), cast("datetime | None", expires_at), now)
        self._touch_later(
            cast("UUID", organization_id), cast("UUID", key_id), cast("datetime | None", last_used_at), now
        )
        return Actor(
            kind=ActorKind.API_KEY,
            id=encode_id("key", cast("UUID", key_id)),
            organization_id=OrganizationId(cast("UUID", organization_id)),
            scopes=_scopes(cast("str", scopes)),
        )

    async def settle(self) -> None:
        """Wait for the writes of last use that are under way."""
        await asyncio.gather(*self._touches, return_exceptions=True)

    def _touch_later(self, organization_id: UUID, key_id: UUID, last: datetime | None, now: datetime) -> None:
        if last is not None and now - last < TOUCH_EVERY:
            return
        task = asyncio.create_task(_quietly(lambda: self._touch(organization_id, key_id, now)))
        self._touches.add(task)
        task.add_done_callback(self._touches.discard)

    async def _touch(self, organization_id: UUID, key_id: UUID, now: datetime) -> None:
        touch = self._database.prepare("touch-key", _touch)
        params = {tenancy.TENANT: organization_id, "this_id": key_id, "used_at": now, "before": now - TOUCH_EVERY}
        await self._database.rows(touch, params, organization_id=organization_id)


@lru_cache(maxsize=256)
def _scopes(text: str) -> frozenset[Scope]:
    """Decode a stored list of scopes; an organization's keys have a handful of different ones."""
    return frozenset(Scope(scope) for scope in json.loads(text))


async def _quietly(act: Callable[[], Awaitable[None]]) -> None:
    """A lost note of last use is not worth an error anywhere."""
    with contextlib.suppress(Exception):  # the next request tries again
        await act()


def _find(*, postgres: bool) -> Executable:
    digest = bindparam("key_hash", type_=text())
    if postgres:
        found = func.stoa_authenticate(digest).table_valued(*_COLUMNS)
        return select(*(found.c[name] for name in _COLUMNS))
    joined = _LOOKUPS.join(
        _KEYS, (_KEYS.c.organization_id == _LOOKUPS.c.organization_id) & (_KEYS.c.id == _LOOKUPS.c.subject_id)
    )
    return (
        select(*(_KEYS.c[name] for name in _COLUMNS))
        .select_from(joined)
        .where(_LOOKUPS.c.kind == "api_key", _LOOKUPS.c.value == digest)
    )


def _touch() -> Executable:
    """Note the use without a new version: it is no change anyone could be in conflict with."""
    return (
        update(_KEYS)
        .where(
            tenancy.wall(_KEYS),
            _KEYS.c.id == bindparam("this_id", type_=Guid()),
            (_KEYS.c.last_used_at.is_(None)) | (_KEYS.c.last_used_at <= bindparam("before", type_=UtcDateTime())),
        )
        .values(last_used_at=bindparam("used_at", type_=UtcDateTime()))
    )
