"""Invitations: places in an organization that wait for the owners of e-mail addresses."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Len

from application.identity.authority import own_role
from application.kernel.actor import Scope
from application.kernel.fields import Email
from application.kernel.page import ListView, PageQuery
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.identity.invitation import Invitation, InvitationStatus
from domain.identity.membership import MembershipExists, Role
from domain.identity.specifications import invitations_matching, members_with
from domain.shared.ids import InvitationId, OrganizationId, UserId
from domain.shared.text import check_email

INVITATION_MAIL = "invitation_mail"
"""The kind of job that mails an invitation with a fresh token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationView:
    """An invitation, without its token. `accepted_by` is the person who took the place."""

    id: InvitationId
    version: int
    email: str
    role: Role
    status: InvitationStatus
    sent_count: int
    expires_at: datetime
    accepted_by: UserId | None
    ended_at: datetime | None
    created_by: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, invitation: Invitation, now: datetime) -> "InvitationView":
        """Show an invitation as it is at this moment: one whose time is over has expired."""
        return cls(
            id=invitation.id,
            version=invitation.version,
            email=invitation.email,
            role=invitation.role,
            status=invitation.status_at(now),
            sent_count=invitation.sent_count,
            expires_at=invitation.expires_at,
            accepted_by=invitation.accepted_by,
            ended_at=invitation.ended_at,
            created_by=invitation.created_by,
            created_at=invitation.created_at,
            updated_at=invitation.updated_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateInvitation:
    """Whom to invite, and what they will be to the organization."""

    email: Email
    role: Role


@use_case(
    "invitations.create",
    scope=Scope.INVITATIONS_WRITE,
    example={"email": "tomas@harbour.example", "role": "member"},
    statements=13,
)
async def create_invitation(cmd: CreateInvitation, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> InvitationView:
    """Invite the owner of an e-mail address; a mail with a link that works once, for 7 days, is on its way.

    Nobody invites to a role above their own. Whether the address has an account is said nowhere, nor whether it got 5
    invitations within the last hour already, of whatever organizations: then there is no mail.

    Errors: `invitation_pending`, `membership_exists`, `role_above_own`, `email_invalid`.
    """
    invitation = Invitation.create(
        id=InvitationId(ids.new()),
        organization_id=uow.actor.organization_id,
        email=cmd.email,
        role=cmd.role,
        by=await own_role(uow),
        now=clock.now(),
    )
    await _make_room(uow, invitation.email, clock.now())
    uow.invitations.add(invitation)
    await uow.flush()
    await _have_mailed(uow, invitation)
    return InvitationView.of(invitation, clock.now())


async def _have_mailed(uow: IUnitOfWork, invitation: Invitation) -> None:
    """Schedule the mail, unless the address got too many invitations of late, from whomever."""
    if await uow.mail_limits.take(INVITATION_MAIL, invitation.email):
        await uow.jobs.schedule(INVITATION_MAIL, invitation.id)


async def _make_room(uow: IUnitOfWork, email: str, now: datetime) -> None:
    """Refuse an address that has a place already, and end an invitation of it that nobody took in time."""
    if await uow.memberships.exists(members_with(email=check_email(email))):
        raise MembershipExists
    earlier = await uow.invitations.get_pending(email)
    if earlier is not None:
        earlier.lapse(now)
        # The unique key on pending invitations speaks when the earlier one still waits.
        await uow.flush()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInvitations(PageQuery):
    """Which invitations."""

    status: InvitationStatus | None = None
    email: Annotated[str, Len(3, 254)] | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


@use_case(
    "invitations.list",
    scope=Scope.INVITATIONS_READ,
    example={"limit": 20, "status": "pending"},
    read_only=True,
    statements=1,
)
async def list_invitations(cmd: ListInvitations, uow: IUnitOfWork, *, clock: IClock) -> ListView[InvitationView]:
    """List the organization's invitations, of one status, to one address, or all.

    Errors: `email_invalid`.
    """
    now = clock.now()
    email = None if cmd.email is None else check_email(cmd.email)
    page = await uow.invitations.page(
        invitations_matching(status=cmd.status, email=email, now=now), cmd.request(cmd.sort)
    )
    return ListView.of(page, lambda invitation: InvitationView.of(invitation, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class GetInvitation:
    """Which invitation."""

    id: InvitationId


@use_case("invitations.get", scope=Scope.INVITATIONS_READ, example={}, read_only=True, statements=1)
async def get_invitation(cmd: GetInvitation, uow: IUnitOfWork, *, clock: IClock) -> InvitationView:
    """Return one invitation.

    Errors: `not_found`.
    """
    return InvitationView.of(await uow.invitations.get(cmd.id), clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendInvitation:
    """Which invitation."""

    id: InvitationId


@use_case("invitations.resend", scope=Scope.INVITATIONS_WRITE, example={}, statements=9)
async def resend_invitation(cmd: ResendInvitation, uow: IUnitOfWork, *, clock: IClock) -> InvitationView:
    """Mail an invitation once more, at most 5 times in all; it waits another 7 days, and earlier links stop working.

    Errors: `not_found`, `invitation_ended`, `invitation_mails_exhausted`, `role_above_own`.
    """
    invitation = await uow.invitations.get(cmd.id, lock=True)
    invitation.resend(by=await own_role(uow), now=clock.now())
    await _have_mailed(uow, invitation)
    return InvitationView.of(invitation, clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeInvitation:
    """Which invitation."""

    id: InvitationId


@use_case("invitations.revoke", scope=Scope.INVITATIONS_WRITE, example={}, destructive=True, statements=7)
async def revoke_invitation(cmd: RevokeInvitation, uow: IUnitOfWork, *, clock: IClock) -> InvitationView:
    """Take an invitation back; its link opens nothing any more. Doing it twice changes nothing.

    Errors: `not_found`, `invitation_ended` when it was accepted or declined, `role_above_own`.
    """
    invitation = await uow.invitations.get(cmd.id, lock=True)
    invitation.revoke(by=await own_role(uow), now=clock.now())
    return InvitationView.of(invitation, clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueInvitationToken:
    """Which invitation, and how its next token is recognised."""

    id: InvitationId
    hash: Annotated[str, Len(64, 64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationMailView:
    """What the mail says."""

    id: InvitationId
    version: int
    email: str
    organization_id: OrganizationId
    organization_name: str
    role: Role
    expires_at: datetime


@use_case(
    "invitations.issue_token",
    scope=Scope.PLATFORM_OPERATE,
    internal="The worker runs it before it sends the mail, for nobody else may know a token.",
    example={"hash": "0f" * 32},
    statements=7,
)
async def issue_invitation_token(cmd: IssueInvitationToken, uow: IUnitOfWork, *, clock: IClock) -> InvitationMailView:
    """Give an invitation another token, of which only the digest is known here; the one before opens nothing more.

    Errors: `not_found`, `invitation_ended`.
    """
    invitation = await uow.invitations.get(cmd.id, lock=True)
    invitation.take_token(cmd.hash, clock.now())
    organization = await uow.organizations.get(invitation.organization_id)
    return InvitationMailView(
        id=invitation.id,
        version=invitation.version,
        email=invitation.email,
        organization_id=organization.id,
        organization_name=organization.name,
        role=invitation.role,
        expires_at=invitation.expires_at,
    )
