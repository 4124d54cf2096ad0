"""Repositories of people and of what is theirs alone; all rows carry the platform's reserved organization."""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import Executable, Table, bindparam, delete, select, update

from application.kernel.actor import PLATFORM
from domain.identity.auth_identity import AuthIdentity, AuthIdentityTaken, identity_key
from domain.identity.credential import Credential
from domain.identity.person_repositories import (
    IAuthIdentityRepository,
    ICredentialRepository,
    ISessionRepository,
    ISignUpRepository,
    ISingleUseTokenRepository,
    IUserRepository,
    UserWithOrganizations,
)
from domain.identity.repositories import OrganizationOfPerson
from domain.identity.session import Session
from domain.identity.sign_up import SignUp
from domain.identity.single_use_token import SingleUseToken, TokenPurpose
from domain.identity.user import User, UserEmailTaken
from domain.identity.user_specifications import users_matching
from domain.shared.errors import EntityNotFoundError, StaleVersion
from domain.shared.ids import SessionId, SingleUseTokenId, UserId
from domain.shared.page import Page, PageRequest
from domain.shared.specification import Equal, GreaterThan, In, IsNotNull, IsNull, LessOrEqual, NotEqual, Spec
from infrastructure.persistence import tenancy
from infrastructure.persistence.lookups import Lookup, find_statement, stored_value
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.identity import MembershipRow, UserRow
from infrastructure.persistence.models.persons import (
    AuthIdentityRow,
    CredentialRow,
    SessionRow,
    SignUpRow,
    SingleUseTokenRow,
)
from infrastructure.persistence.models.technical import LookupRow
from infrastructure.persistence.reader import Query, SqlReader
from infrastructure.persistence.repositories import across
from infrastructure.persistence.repository import SqlRepository
from infrastructure.persistence.specification import Outline
from infrastructure.persistence.statement import AnyOf
from infrastructure.persistence.tracking import Change, Operation
from infrastructure.persistence.types import Guid, ListOf, UtcDateTime, text

_ABOVE = {"organization_id": PLATFORM}
_USERS = cast("Table", UserRow.__table__)
_SESSIONS = cast("Table", SessionRow.__table__)
_MEMBERSHIPS = cast("Table", MembershipRow.__table__)
_TOKENS = cast("Table", SingleUseTokenRow.__table__)
_LOOKUPS = cast("Table", LookupRow.__table__)


class _Members(SqlReader[User]):
    """Users read by way of the organization's members, of whom there are few among all users."""

    mapper = Mapper(User, UserRow, constants=_ABOVE)

    def _select(self, tree: Outline | None = None, *, with_deleted: bool = False) -> Query:
        members = select(_MEMBERSHIPS.c.user_id).where(tenancy.wall(_MEMBERSHIPS))
        return super()._select(tree, with_deleted=with_deleted).where(_USERS.c.id.in_(members))


class SqlUserRepository(SqlRepository[User], IUserRepository):
    """Users, findable by address before anybody is known."""

    mapper = _Members.mapper
    lookup = Lookup("user_email", "email", UserEmailTaken)

    async def get_by_email(self, email: str) -> User | None:
        """Return the person with this canonical address."""
        return await self.find_one(Equal("email", email))

    async def get_by_email_with_organizations(self, email: str) -> UserWithOrganizations | None:
        """Return the person with this canonical address, and all they belong to."""
        user = await self.get_by_email(email)
        if user is None:
            return None
        return UserWithOrganizations(user=user, organizations=await self.get_organizations(user.id))

    async def get_by_username(self, username: str) -> User | None:
        """Return the person with this canonical username."""
        return await self.find_one(Equal("username", username))

    async def get_by_auth_provider(self, provider: str, subject: str) -> User | None:
        """Return the person who is this subject at the provider."""
        session, kind = self._session, "auth_identity"
        postgres = session.database.is_postgres
        statement = session.prepare(("find", kind), lambda: find_statement(kind, postgres=postgres))
        value = stored_value(kind, identity_key(provider, subject))
        rows = await session.rows(statement, {"lookup_value": value})
        return await self.find_one(Equal("id", cast("UUID", rows[0][2]))) if rows else None

    async def get_by_wallet_address(self, address: str) -> User | None:
        """Return who registered first of those who claim this wallet; the claim proves nothing."""
        return await self.find_one(Equal("wallet_address", address))

    async def get_organizations(self, user_id: UserId) -> list[OrganizationOfPerson]:
        """Return all organizations of a person."""
        return await across.organizations_of(self._session, user_id)

    async def get_by_organization(self, spec: Spec[User], request: PageRequest) -> Page[User]:
        """Return one page of the organization's members."""
        return await _Members(self._session).page(spec, request)

    async def search(self, query: str, request: PageRequest) -> Page[User]:
        """Return one page of the organization's members by name or address."""
        return await self.get_by_organization(users_matching(query), request)

    async def update_last_login(self, user_id: UserId, at: datetime) -> None:
        """Write the moment past the version."""
        statement = self._session.prepare("user-last-login", _update_last_login)
        await self._session.rows(statement, {"this_id": user_id, "login_at": at})


def _update_last_login() -> Executable:
    seen = bindparam("login_at", type_=UtcDateTime())
    return (
        update(_USERS)
        .where(tenancy.wall(_USERS), _USERS.c.id == bindparam("this_id", type_=Guid()))
        .values(last_login_at=seen)
    )


class SqlCredentialRepository(SqlRepository[Credential], ICredentialRepository):
    """Passwords."""

    mapper = Mapper(Credential, CredentialRow, constants=_ABOVE)

    async def find_own(self, user_id: UserId, *, lock: bool = False) -> Credential | None:
        """Return the person's password, or None."""
        return await self.find_one(Equal("id", user_id), lock=lock)


class SqlSessionRepository(SqlRepository[Session], ISessionRepository):
    """Sessions, recognised by their hash before anybody is known."""

    mapper = Mapper(Session, SessionRow, constants=_ABOVE)
    lookup = Lookup("session", "hash")

    async def revoke_all(self, user_id: UserId, now: datetime, *, but: SessionId | None = None) -> int:
        """Write all revocations as one statement, and leave their events to the flush."""
        others = Equal("user_id", user_id) & IsNull("revoked_at") & GreaterThan("expires_at", now)
        found = await self.find(others if but is None else others & NotEqual("id", but))
        for session in found:
            session.revoke(now)
        return len(found)

    async def write_updates(self) -> list[Change]:
        """Write what changed. Sessions only ever change by being revoked, so many are written at once."""
        changed = [tracked for tracked in self._tracked.values() if tracked.is_changed(self.mapper)]
        if len(changed) <= 1:
            return await super().write_updates()
        first, changes = changed[0].entity, []
        for tracked in changed:
            tracked.entity.updated_by = self._session.author
            values = self.mapper.readable(tracked.changed_columns(self.mapper, self.mapper.dehydrate(tracked.entity)))
            changes.append(Change(tracked.entity, Operation.UPDATED, values, tracked.before(self.mapper)))
        written = await self._session.rows(
            self._session.prepare("sessions-revoke", _revoke),
            {
                "ids": sorted(tracked.entity.id for tracked in changed), "revoked_at": first.revoked_at,
                "revoked_by": first.updated_by,
            },
        )  # fmt: skip
        if len(written) != len(changed):
            # One of them was revoked meanwhile; whoever asks again finds the rest.
            raise StaleVersion
        for tracked in changed:
            tracked.remember(self.mapper)
            tracked.locked = True
        return changes


def _revoke() -> Executable:
    at = bindparam("revoked_at", type_=UtcDateTime())
    return (
        update(_SESSIONS)
        .where(
            tenancy.wall(_SESSIONS),
            AnyOf(_SESSIONS.c.id, bindparam("ids", type_=ListOf(Guid()))),
            _SESSIONS.c.revoked_at.is_(None),
        )
        .values(
            version=_SESSIONS.c.version + 1, revoked_at=at, updated_at=at,
            updated_by=bindparam("revoked_by", type_=text(80)),
        )
        .returning(_SESSIONS.c.id)
    )  # fmt: skip


class SqlAuthIdentityRepository(SqlRepository[AuthIdentity], IAuthIdentityRepository):
    """Identities at providers, findable before anybody is known."""

    mapper = Mapper(AuthIdentity, AuthIdentityRow, constants=_ABOVE)
    lookup = Lookup("auth_identity", "key", AuthIdentityTaken)


class SqlSingleUseTokenRepository(SqlRepository[SingleUseToken], ISingleUseTokenRepository):
    """Mailed tokens, recognised by their hash before anybody is known."""

    mapper = Mapper(SingleUseToken, SingleUseTokenRow, constants=_ABOVE)
    lookup = Lookup("single_use_token", "hash")

    async def owner_of(self, id: SingleUseTokenId) -> UserId:
        """Return whose a token is."""
        rows = await self._session.rows(self._prepare("owner_of", _owner_of), {"this_id": id})
        if not rows:
            raise EntityNotFoundError
        return UserId(cast("UUID", rows[0][0]))

    async def discard(self, user_id: UserId, *purposes: TokenPurpose) -> None:
        """Delete all that could still be used."""
        for token in await self.find(Equal("user_id", user_id) & In("purpose", purposes)):
            # One that is being used stays as it is, for it opens nothing more.
            if token.used_at is None:
                self.purge(token)

    async def discard_ended(self, user_id: UserId, purpose: TokenPurpose, now: datetime) -> None:
        """Delete what was used, or is too old."""
        ended = IsNotNull("used_at") | LessOrEqual("expires_at", now)
        for token in await self.find(Equal("user_id", user_id) & Equal("purpose", purpose) & ended):
            self.purge(token)

    async def write_deletes(self) -> list[Change]:
        """Delete what was purged in two statements, however many; whoever writes tokens has locked their person."""
        if len(self._purged) <= 1:
            return await super().write_deletes()
        purged, self._purged = self._purged, []
        changes = []
        for token in purged:
            before = self._tracked.pop(token.id).before(self.mapper)
            changes.append(Change(token, Operation.DELETED, {}, before))
        ids = sorted(token.id for token in purged)
        if len(await self._session.rows(self._prepare("delete_all", _delete_tokens), {"ids": ids})) != len(purged):
            raise StaleVersion
        values = sorted(token.hash for token in purged)
        await self._session.rows(self._prepare("release_all", _release_tokens), {"hashes": values})
        return changes


def _owner_of() -> Executable:
    return select(_TOKENS.c.user_id).where(tenancy.wall(_TOKENS), _TOKENS.c.id == bindparam("this_id", type_=Guid()))


def _delete_tokens() -> Executable:
    these = AnyOf(_TOKENS.c.id, bindparam("ids", type_=ListOf(Guid())))
    return delete(_TOKENS).where(tenancy.wall(_TOKENS), these).returning(_TOKENS.c.id)


def _release_tokens() -> Executable:
    these = AnyOf(_LOOKUPS.c.value, bindparam("hashes", type_=ListOf(text())))
    return delete(_LOOKUPS).where(tenancy.wall(_LOOKUPS), _LOOKUPS.c.kind == "single_use_token", these)


class SqlSignUpRepository(SqlRepository[SignUp], ISignUpRepository):
    """What people typed to register."""

    mapper = Mapper(SignUp, SignUpRow, constants=_ABOVE)
