"""An invitation: a place in an organization that waits for the owner of an e-mail address."""

import hmac
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.identity.membership import Role, refuse_above
from domain.identity.single_use_token import TokenInvalid
from domain.shared.entity import Entity
from domain.shared.errors import BusinessRuleViolation, DuplicateError
from domain.shared.events import DomainEvent
from domain.shared.ids import InvitationId, OrganizationId, UserId
from domain.shared.text import check_email

LIFETIME = timedelta(days=7)
MAX_MAILS = 5


class InvitationPending(DuplicateError):
    """An address is invited once at a time."""

    code = "invitation_pending"
    summary = "This address is invited already; resend or revoke that invitation."


class InvitationEnded(BusinessRuleViolation):
    """The invitation was accepted, declined, revoked or left to expire."""

    code = "invitation_ended"
    summary = "The invitation is no longer open."


class TooManyMails(BusinessRuleViolation):
    """Nobody's inbox is filled by asking again and again."""

    code = "invitation_mails_exhausted"
    summary = f"The invitation was mailed {MAX_MAILS} times; revoke it and invite again."


class InvitationStatus(StrEnum):
    """What became of an invitation."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    EXPIRED = "expired"


@frozen(kw_only=True)
class InvitationCreatedEvent(DomainEvent):
    """Somebody was invited. The address stays out of it: events travel further than personal data should."""

    verb: ClassVar[str] = "created"
    role: str


@frozen(kw_only=True)
class InvitationResentEvent(DomainEvent):
    """The invitation was mailed once more, and waits as long as a new one."""

    verb: ClassVar[str] = "resent"
    sent_count: int


@frozen(kw_only=True)
class InvitationTokenIssuedEvent(DomainEvent):
    """A token was made, to be mailed to the invited address."""

    verb: ClassVar[str] = "token_issued"


@frozen(kw_only=True)
class InvitationAcceptedEvent(DomainEvent):
    """A person took the place."""

    verb: ClassVar[str] = "accepted"
    user_id: UserId
    role: str


@frozen(kw_only=True)
class InvitationEndedEvent(DomainEvent):
    """Nobody will take the place: ``status`` says declined, revoked or expired."""

    verb: ClassVar[str] = "ended"
    status: str


@define(kw_only=True, eq=False)
class Invitation(Entity):
    """A place that waits. Its token goes out by mail only; what is kept is how to recognise it.

    Attributes:
        status: as it is stored. An invitation whose time is over stays PENDING until somebody acts on it;
            :meth:`status_at` says what it is at a moment.
        hash: what the token of the latest mail is recognised by; empty until one was made.
        sent_count: how many mails were ordered; every mail makes the tokens of those before it worthless.
        accepted_by: the person who took the place.
        ended_at: when it stopped to wait, for whatever reason.
    """

    kind: ClassVar[str] = "invitation"

    id: InvitationId
    email: str
    role: Role
    status: InvitationStatus
    sent_count: int
    expires_at: datetime
    hash: str = field(default="", repr=False)
    accepted_by: UserId | None = None
    ended_at: datetime | None = None

    @classmethod
    def create(
        cls, *, id: InvitationId, organization_id: OrganizationId, email: str, role: Role, by: Role, now: datetime
    ) -> Self:
        """Invite an address.

        Raises:
            InvalidEmail: the address is not acceptable.
            RoleAboveOwn: the role is above that of whoever invites.
        """
        refuse_above(by, role)
        invitation = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            email=check_email(email),
            role=role,
            status=InvitationStatus.PENDING,
            sent_count=1,
            expires_at=now + LIFETIME,
        )
        invitation.record(InvitationCreatedEvent(role=role.value), now)
        return invitation

    @property
    def reference(self) -> str:
        """The value under which the invitation is found before its organization is known."""
        return str(self.id)

    def status_at(self, now: datetime) -> InvitationStatus:
        """Say what the invitation is at a moment."""
        is_over = self.status is InvitationStatus.PENDING and self.expires_at <= now
        return InvitationStatus.EXPIRED if is_over else self.status

    def resend(self, *, by: Role, now: datetime) -> None:
        """Order one more mail; an invitation whose time was over waits again.

        Raises:
            InvitationEnded: it was accepted, declined or revoked.
            RoleAboveOwn: its role is above that of whoever asks.
            TooManyMails: it was mailed often enough.
        """
        refuse_above(by, self.role)
        if self.status is not InvitationStatus.PENDING:
            raise InvitationEnded
        if self.sent_count >= MAX_MAILS:
            raise TooManyMails
        self.sent_count += 1
        self.expires_at = now + LIFETIME
        self.record(InvitationResentEvent(sent_count=self.sent_count), now)

    def take_token(self, token_hash: str, now: datetime) -> None:
        """Be recognised by another token from now on.

        Raises:
            InvitationEnded: it no longer waits.
        """
        self._refuse_ended(now)
        self.hash = token_hash
        self.record(InvitationTokenIssuedEvent(), now)

    def refuse_token(self, token_hash: str) -> None:
        """Let only the token of the latest mail pass.

        Raises:
            TokenInvalid: it is another one, or none was made yet.
        """
        if not hmac.compare_digest(self.hash, token_hash):
            raise TokenInvalid

    def accept(self, user_id: UserId, now: datetime) -> None:
        """Let a person take the place.

        Raises:
            InvitationEnded: it no longer waits.
        """
        self._refuse_ended(now)
        self.status, self.accepted_by, self.ended_at = InvitationStatus.ACCEPTED, user_id, now
        self.record(InvitationAcceptedEvent(user_id=user_id, role=self.role.value), now)

    def decline(self, now: datetime) -> None:
        """Let the invited person say no.

        Raises:
            InvitationEnded: it no longer waits.
        """
        self._refuse_ended(now)
        self._end(InvitationStatus.DECLINED, now)

    def revoke(self, *, by: Role, now: datetime) -> None:
        """Take the invitation back; doing it twice changes nothing.

        Raises:
            InvitationEnded: it was accepted or declined.
            RoleAboveOwn: its role is above that of whoever asks.
        """
        refuse_above(by, self.role)
        if self.status is InvitationStatus.REVOKED:
            return
        if self.status is not InvitationStatus.PENDING:
            raise InvitationEnded
        self._end(InvitationStatus.REVOKED, now)

    def lapse(self, now: datetime) -> None:
        """Note that the time is over, so that the address can be invited anew."""
        if self.status is InvitationStatus.PENDING and self.expires_at <= now:
            self._end(InvitationStatus.EXPIRED, now)

    def _refuse_ended(self, now: datetime) -> None:
        if self.status_at(now) is not InvitationStatus.PENDING:
            raise InvitationEnded

    def _end(self, status: InvitationStatus, now: datetime) -> None:
        self.status, self.ended_at = status, now
        self.record(InvitationEndedEvent(status=status.value), now)
