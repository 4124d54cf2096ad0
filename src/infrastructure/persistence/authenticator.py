"""From a bearer token to a caller: one look-up per request, so that what was revoked is refused on the next one."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import cast
from uuid import UUID

from sqlalchemy import Executable, Table, bindparam, func, select, update

from application.identity.ports import ISessionTokens
from application.identity.roles import scopes_of
from application.kernel.actor import NOWHERE, PERSONAL_SCOPES, PLATFORM, Actor, ActorKind, Scope
from application.kernel.ports import IAPIKeys, IClock
from domain.agents.agent import AgentStatus, refuse_stopped
from domain.identity import api_key, session
from domain.identity.errors import OrganizationNotFound
from domain.identity.membership import Role
from domain.identity.organization import refuse_inactive
from domain.identity.user import UserStatus
from domain.shared.errors import Unauthenticated
from domain.shared.ids import AgentId, OrganizationId, SessionId, UserId, encode_id
from infrastructure.observability.loggers import forget_caller, name_caller
from infrastructure.persistence import tenancy
from infrastructure.persistence.database import Database
from infrastructure.persistence.models.agents import AgentRow
from infrastructure.persistence.models.identity import APIKeyRow, MembershipRow, OrganizationRow, UserRow
from infrastructure.persistence.models.persons import SessionRow
from infrastructure.persistence.models.technical import LookupRow
from infrastructure.persistence.types import Guid, UtcDateTime, text

_AGENTS = cast("Table", AgentRow.__table__)
_KEYS = cast("Table", APIKeyRow.__table__)
_LOOKUPS = cast("Table", LookupRow.__table__)
_ORGANIZATIONS = cast("Table", OrganizationRow.__table__)
_SESSIONS = cast("Table", SessionRow.__table__)
_USERS = cast("Table", UserRow.__table__)
_MEMBERSHIPS = cast("Table", MembershipRow.__table__)
_OF_KEYS = (
    "organization_id",
    "id",
    "scopes",
    "expires_at",
    "revoked_at",
    "last_used_at",
    "agent_id",
    "agent_status",
    "status",
)
_OF_SESSIONS = (
    "id", "user_id", "expires_at", "last_used_at", "revoked_at", "status", "role", "organization_status",
)  # fmt: skip
TOUCH_EVERY = timedelta(minutes=1)

type _Moment = datetime | None


class Authenticator:
    """Recognises API keys and session tokens. Last use is written at most once a minute, outside of any request."""

    def __init__(self, database: Database, keys: IAPIKeys, tokens: ISessionTokens, clock: IClock) -> None:
        """Keep what every look-up needs."""
        self._database = database
        self._keys = keys
        self._tokens = tokens
        self._clock = clock
        self._touches: set[asyncio.Task[None]] = set()

    async def __call__(self, secret: str, organization_id: OrganizationId | None = None) -> Actor:
        """Return the caller behind a key, or behind a session acting in an organization, or for themselves in none.

        Raises:
            Unauthenticated: no secret, a mistyped one (found without asking the database), revoked or expired.
            OrganizationNotFound: the organization is absent, or not the caller's.
            OrganizationSuspended, OrganizationClosed: the organization opens to nobody.
            AgentPaused, AgentRetired: the key belongs to an agent that was stopped.
        """
        forget_caller()
        actor = await self._recognise(secret, organization_id)
        name_caller(actor.id, is_agent=actor.agent_id is not None)
        return actor

    async def _recognise(self, secret: str, organization_id: OrganizationId | None) -> Actor:
        digest = self._keys.digest(secret)
        if digest is not None:
            return await self._key(digest, organization_id)
        digest = self._tokens.digest(secret)
        if digest is None:
            raise Unauthenticated
        return await self._session(digest, organization_id)

    async def _key(self, digest: str, named: OrganizationId | None) -> Actor:
        find = self._database.prepare("authenticate", lambda: _find_key(postgres=self._database.is_postgres))
        rows = await self._database.read(find, {"digest": digest}, organization_id=NOWHERE)
        if not rows:
            raise Unauthenticated
        owner, key_id, scopes, expires_at, revoked_at, last_used_at, agent, agent_status, status = rows[0]
        organization_id, id_, now = OrganizationId(cast("UUID", owner)), cast("UUID", key_id), self._clock.now()
        api_key.refuse_ended(cast("_Moment", revoked_at), cast("_Moment", expires_at), now)
        if named not in (None, organization_id):
            raise OrganizationNotFound
        refuse_inactive(cast("str", status))
        agent_id = None if agent is None else AgentId(cast("UUID", agent))
        if agent_id is not None:
            refuse_stopped(AgentStatus(cast("str", agent_status)))
        params = {tenancy.TENANT: organization_id}
        self._touch_later(_KEYS, id_, cast("_Moment", last_used_at), now, params)
        return Actor(
            kind=ActorKind.API_KEY,
            id=encode_id("key", id_) if agent_id is None else encode_id("agt", agent_id),
            organization_id=organization_id,
            scopes=_scopes(cast("str", scopes)),
            agent_id=agent_id,
            expires_at=cast("_Moment", expires_at),
        )

    async def _session(self, digest: str, organization_id: OrganizationId | None) -> Actor:
        find = self._database.prepare("authenticate-session", lambda: _find_session(self._database.is_postgres))
        params = {"digest": digest, "within": organization_id or NOWHERE}
        rows = await self._database.read(find, params, organization_id=NOWHERE)
        if not rows:
            raise Unauthenticated
        session_id, person, expires_at, last_used_at, revoked_at, status, role, organization_status = rows[0]
        now, id_, user_id = self._clock.now(), cast("UUID", session_id), UserId(cast("UUID", person))
        used_at = cast("datetime", last_used_at)
        session.refuse_ended(cast("_Moment", revoked_at), cast("datetime", expires_at), used_at, now)
        if status != UserStatus.ACTIVE.value:
            raise Unauthenticated
        if organization_id is not None:
            if role is None:
                raise OrganizationNotFound
            refuse_inactive(cast("str", organization_status))
        self._touch_later(_SESSIONS, id_, used_at, now, {tenancy.PERSON: user_id})
        return Actor(
            kind=ActorKind.USER,
            id=encode_id("usr", user_id),
            organization_id=organization_id or PLATFORM,
            scopes=PERSONAL_SCOPES if role is None else _scopes_of(cast("str", role)),
            user_id=user_id,
            session_id=SessionId(id_),
        )

    async def settle(self) -> None:
        """Wait for the writes of last use that are under way."""
        await asyncio.gather(*self._touches, return_exceptions=True)

    def _touch_later(
        self, table: Table, id_: UUID, last: _Moment, now: datetime, walls: Mapping[str, UUID]
    ) -> None:  # fmt: skip
        if last is not None and now - last < TOUCH_EVERY:
            return

        async def touch() -> None:
            statement = self._database.prepare(("touch", table.name), lambda: _touch(table))
            params = {**walls, "this_id": id_, "used_at": now, "before": now - TOUCH_EVERY}
            owner, person = walls.get(tenancy.TENANT, PLATFORM), walls.get(tenancy.PERSON)
            async with self._database.transaction(owner, person) as transaction:
                await transaction.rows(statement, params)

        task = asyncio.create_task(_quietly(touch))
        self._touches.add(task)
        task.add_done_callback(self._touches.discard)


@lru_cache(maxsize=256)
def _scopes(text: str) -> frozenset[Scope]:
    """Decode a stored list of scopes; an organization's keys have a handful of different ones."""
    return frozenset(Scope(scope) for scope in json.loads(text))


@lru_cache(maxsize=16)
def _scopes_of(role: str) -> frozenset[Scope]:
    return scopes_of(Role(role)) | PERSONAL_SCOPES


async def _quietly(act: Callable[[], Awaitable[None]]) -> None:
    """A lost note of last use is not worth an error anywhere."""
    with contextlib.suppress(Exception):  # the next request tries again
        await act()


def _find_key(*, postgres: bool) -> Executable:
    digest = bindparam("digest", type_=text())
    if postgres:
        found = func.stoa_authenticate_key(digest).table_valued(*_OF_KEYS)
        return select(*(found.c[name] for name in _OF_KEYS))
    k, o = _KEYS.c, _ORGANIZATIONS.c
    joined = _LOOKUPS.join(_KEYS, (k.organization_id == _LOOKUPS.c.organization_id) & (k.id == _LOOKUPS.c.subject_id))
    joined = joined.outerjoin(_AGENTS, (_AGENTS.c.organization_id == k.organization_id) & (_AGENTS.c.id == k.agent_id))
    columns = (*(k[name] for name in _OF_KEYS[:-2]), _AGENTS.c.status, o.status)
    found_by = (_LOOKUPS.c.kind == "api_key", _LOOKUPS.c.value == digest)
    return select(*columns).select_from(joined.join(_ORGANIZATIONS, o.id == k.organization_id)).where(*found_by)


def _find_session(postgres: bool) -> Executable:  # noqa: FBT001 - a private switch
    digest, within = bindparam("digest", type_=text()), bindparam("within", type_=Guid())
    if postgres:
        found = func.stoa_authenticate_session(digest, within).table_valued(*_OF_SESSIONS)
        return select(*(found.c[name] for name in _OF_SESSIONS))
    s, m, o = _SESSIONS.c, _MEMBERSHIPS.c, _ORGANIZATIONS.c
    joined = (
        _LOOKUPS.join(_SESSIONS, s.id == _LOOKUPS.c.subject_id)
        .join(_USERS, _USERS.c.id == s.user_id)
        .outerjoin(_MEMBERSHIPS, (m.organization_id == within) & (m.user_id == s.user_id))
        .outerjoin(_ORGANIZATIONS, o.id == m.organization_id)
    )
    columns = (s.id, s.user_id, s.expires_at, s.last_used_at, s.revoked_at, _USERS.c.status, m.role, o.status)
    found_by = (_LOOKUPS.c.kind == "session", _LOOKUPS.c.value == digest)
    return select(*columns).select_from(joined).where(*found_by)


def _touch(table: Table) -> Executable:
    """Note the use without a new version: it is no change anyone could be in conflict with."""
    used = table.c.last_used_at
    return (
        update(table)
        .where(
            tenancy.wall(table),
            table.c.id == bindparam("this_id", type_=Guid()),
            used.is_(None) | (used <= bindparam("before", type_=UtcDateTime())),
        )
        .values(last_used_at=bindparam("used_at", type_=UtcDateTime()))
    )
