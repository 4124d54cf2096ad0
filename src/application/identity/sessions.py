"""Sessions: a person signs in with a password, and signs out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from application.identity.ports import ISessionTokens, ISignIns, VerifiedPassword
from application.identity.sign_up import Password
from application.kernel.actor import PLATFORM, Scope
from application.kernel.dispatcher import SecretOnce
from application.kernel.fields import Email
from application.kernel.page import PageQuery
from application.kernel.ports import IClock, IIds, IssuedKey
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.identity.errors import EmailUnverified, UserSuspended
from domain.identity.session import Session
from domain.identity.user import UserStatus
from domain.shared.ids import SessionId
from domain.shared.specification import Everything, IsNull
from domain.shared.text import NAME, check_email


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView(View[Session]):
    """A session without its token; `prefix` and `last_four` tell which one it is, `name` is what you called it."""

    id: SessionId
    version: int
    name: str | None
    prefix: str
    last_four: str
    expires_at: datetime
    last_used_at: datetime
    revoked_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSessionView(SecretOnce):
    """A fresh session with its token, which is shown this once; a replayed answer has null in its place."""

    id: SessionId
    version: int
    name: str | None
    prefix: str
    last_four: str
    expires_at: datetime
    created_at: datetime
    secret: str | None

    @classmethod
    def of(cls, session: Session, secret: str) -> "OpenedSessionView":
        """Show a fresh session."""
        return cls(
            id=session.id,
            version=session.version,
            name=session.name,
            prefix=session.prefix,
            last_four=session.last_four,
            expires_at=session.expires_at,
            created_at=session.created_at,
            secret=secret,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSession:
    """Who you are, and what to call this session in your list."""

    email: Email
    password: Password
    name: Annotated[str, NAME] | None = None


@use_case(
    "sessions.create",
    scope=None,
    public=True,
    keyless=True,
    example={"email": "ines@harbour.example", "password": "four green boats at noon", "name": "Firefox at home"},
    statements=13,
)
async def create_session(
    cmd: CreateSession, uow: IUnitOfWork, *, clock: IClock, ids: IIds, tokens: ISessionTokens, sign_ins: ISignIns
) -> OpenedSessionView:
    """Sign in. The token in this answer works wherever an API key does, with `Stoa-Organization` naming one of yours.

    An `Idempotency-Key` changes nothing here: an answer kept under it would tell whether a password is the right one
    without counting as a try. Signing in again opens another session.

    Errors: `credentials_invalid`, `sign_in_locked`, `email_unverified`, `user_suspended`, `email_invalid`.
    """
    verified = await uow.aside(sign_ins.verify(check_email(cmd.email), cmd.password))
    await uow.become(verified.user_id)
    await _let_in(verified, uow, clock)
    issued = tokens.issue()
    session = _opened(SessionId(ids.new()), verified, cmd.name, issued, clock.now())
    uow.sessions.add(session)
    await uow.users.update_last_login(verified.user_id, session.created_at)
    return OpenedSessionView.of(session, issued.secret)


async def _let_in(verified: VerifiedPassword, uow: IUnitOfWork, clock: IClock) -> None:
    """Refuse whoever may not sign in, or whose password was changed since it was compared."""
    # The person first and then the password, as everybody who changes one: else the two would wait for each other.
    user = await uow.users.get(verified.user_id, lock=True)
    if user.status is not UserStatus.ACTIVE:
        raise UserSuspended
    if not user.is_verified:
        raise EmailUnverified
    credential = await uow.credentials.get(verified.user_id, lock=True)
    credential.expect(verified.version)
    if verified.rehashed is not None:
        credential.replace(verified.rehashed, clock.now())


def _opened(id: SessionId, verified: VerifiedPassword, name: str | None, issued: IssuedKey, now: datetime) -> Session:
    return Session.open(
        id=id,
        organization_id=PLATFORM,
        user_id=verified.user_id,
        name=name,
        hash=issued.hash,
        prefix=issued.prefix,
        last_four=issued.last_four,
        now=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSessions(PageQuery):
    """Which of your sessions; without `include_revoked` those that were not taken back."""

    include_revoked: bool = False
    sort: Literal["created_at", "-created_at", "last_used_at", "-last_used_at"] = "-created_at"


list_use_case(
    "sessions.list", ListSessions, lambda uow: uow.sessions, SessionView, "List your own sessions.",
    where=lambda cmd: Everything() if cmd.include_revoked else IsNull("revoked_at"),
    scope=Scope.SESSIONS_READ, example={"limit": 20}, statements=2,
)  # fmt: skip

get_use_case(
    "sessions.get", lambda uow: uow.sessions, SessionView, "Return one of your own sessions, without its token.",
    scope=Scope.SESSIONS_READ,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeSession:
    """Which session."""

    id: SessionId


@use_case("sessions.revoke", scope=Scope.SESSIONS_WRITE, example={}, destructive=True, statements=6)
async def revoke_session(cmd: RevokeSession, uow: IUnitOfWork, *, clock: IClock) -> SessionView:
    """Sign one of your sessions out for good, also the one you are using. Doing it twice changes nothing.

    Errors: `not_found`.
    """
    await uow.become(uow.actor.person)
    session = await uow.sessions.get(cmd.id, lock=True)
    session.revoke(clock.now())
    return SessionView.of(session)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeOtherSessions:
    """No question needed: all but the one you are using."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedSessionsView:
    """How many sessions were signed out."""

    revoked: int


@use_case("sessions.revoke_others", scope=Scope.SESSIONS_WRITE, example={}, destructive=True, statements=9)
async def revoke_other_sessions(cmd: RevokeOtherSessions, uow: IUnitOfWork, *, clock: IClock) -> RevokedSessionsView:  # noqa: ARG001 - it has no fields
    """Sign all of your sessions out but the one you are using."""
    person = uow.actor.person
    await uow.become(person)
    revoked = await uow.sessions.revoke_all(person, clock.now(), but=uow.actor.session_id)
    return RevokedSessionsView(revoked=revoked)
