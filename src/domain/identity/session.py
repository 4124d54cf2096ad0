"""A session: a person signed in at one place, until it ends, lies idle or is taken back."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.shared.entity import Entity
from domain.shared.errors import Unauthenticated
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, SessionId, UserId
from domain.shared.text import NAME

LONGEST = timedelta(days=30)
"""How long a session lasts at most."""

IDLE = timedelta(days=7)
"""How long a session lasts that nobody uses."""


class SessionExpired(Unauthenticated):
    """The session came to its end, or nobody used it for too long."""

    code = "session_expired"
    summary = "The session has expired; sign in again."


class SessionRevoked(Unauthenticated):
    """The session was taken back."""

    code = "session_revoked"
    summary = "The session was revoked; sign in again."


@frozen(kw_only=True)
class SessionCreatedEvent(DomainEvent):
    """A person signed in; ``last_four`` characters are all that tells which token."""

    verb: ClassVar[str] = "created"
    user_id: UserId
    last_four: str


@frozen(kw_only=True)
class SessionRevokedEvent(DomainEvent):
    """A session was taken back and opens nothing any more."""

    verb: ClassVar[str] = "revoked"
    user_id: UserId


@define(kw_only=True, eq=False)
class Session(Entity):
    """A person signed in. ``hash`` is what the token is recognised by; ``name`` is what its owner calls the place."""

    kind: ClassVar[str] = "session"

    id: SessionId
    user_id: UserId
    name: str | None
    hash: str = field(repr=False)
    prefix: str
    last_four: str
    expires_at: datetime
    last_used_at: datetime
    revoked_at: datetime | None = None

    @classmethod
    def open(
        cls,
        *,
        id: SessionId,
        organization_id: OrganizationId,
        user_id: UserId,
        name: str | None,
        hash: str,  # noqa: A002 - the field's name in rows and code alike
        prefix: str,
        last_four: str,
        now: datetime,
    ) -> Self:
        """Sign a person in.

        Raises:
            InvalidText: the name is not acceptable.
        """
        session = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            user_id=user_id,
            name=None if name is None else NAME.check(name),
            hash=hash,
            prefix=prefix,
            last_four=last_four,
            expires_at=now + LONGEST,
            last_used_at=now,
        )
        session.record(SessionCreatedEvent(user_id=user_id, last_four=last_four), now)
        return session

    def authenticate(self, now: datetime) -> None:
        """Let the session open the door, or say why not.

        Raises:
            SessionRevoked: it was taken back.
            SessionExpired: it ended, or lay idle for too long.
        """
        refuse_ended(self.revoked_at, self.expires_at, self.last_used_at, now)

    def revoke(self, now: datetime) -> None:
        """Take the session back for good; doing it twice changes nothing."""
        if self.revoked_at is None:
            self.revoked_at = now
            self.record(SessionRevokedEvent(user_id=self.user_id), now)


def refuse_ended(revoked_at: datetime | None, expires_at: datetime, last_used_at: datetime, now: datetime) -> None:
    """Apply the rule of ``Session.authenticate`` to its facts, where the whole aggregate is not at hand.

    Raises:
        SessionRevoked: it was taken back.
        SessionExpired: it ended, or lay idle for too long.
    """
    if revoked_at is not None:
        raise SessionRevoked
    if expires_at <= now or last_used_at + IDLE <= now:
        raise SessionExpired
