"""A person's own invitations: accepting and declining them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Len

from application.identity.members import MemberView
from application.identity.ports import ISingleUseTokens
from application.kernel.actor import Scope
from application.kernel.page import ListView
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.identity.errors import EmailUnverified
from domain.identity.invitation import Invitation
from domain.identity.membership import Membership, Role
from domain.identity.organization import refuse_inactive
from domain.identity.repositories import InvitationForPerson
from domain.identity.single_use_token import TokenInvalid
from domain.identity.user import User
from domain.shared.errors import EntityNotFoundError, NotFound
from domain.shared.ids import ID_PREFIXES, InvalidId, InvitationId, MembershipId, OrganizationId, decode_id, encode_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnInvitationView(View[InvitationForPerson]):
    """An invitation to you."""

    id: InvitationId
    organization_id: OrganizationId
    organization_name: str
    role: Role
    expires_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOwnInvitations:
    """No question needed: they are the caller's."""


@use_case("account.list_invitations", scope=Scope.ACCOUNT_READ, example={}, read_only=True, statements=2)
async def list_own_invitations(
    cmd: ListOwnInvitations,  # noqa: ARG001 - it has no fields
    uow: IUnitOfWork,
    *,
    clock: IClock,
) -> ListView[OwnInvitationView]:
    """List the open invitations to your verified e-mail address, of all organizations, the newest first.

    Errors: `email_unverified`.
    """
    person, now = await _verified(uow), clock.now()
    invitations = await uow.invitations.invitations_for(person.email)
    return ListView(
        data=[OwnInvitationView.of(each) for each in invitations if each.expires_at > now], next_cursor=None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptInvitation:
    """Which of the invitations to your address."""

    id: InvitationId


@use_case("account.accept_invitation", scope=Scope.ACCOUNT_WRITE, example={}, statements=11)
async def accept_invitation(cmd: AcceptInvitation, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> MemberView:
    """Accept an invitation to your verified e-mail address, and become a member.

    Errors: `not_found`, `email_unverified`, `invitation_ended`, `membership_exists`, `organization_suspended`,
    `organization_closed`.
    """
    person = await _verified(uow)
    invitation = await _addressed_to(person, cmd.id, uow)
    return await _join(person, invitation, uow, clock=clock, ids=ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemInvitation:
    """The token from the mail."""

    token: Annotated[str, Len(1, 200)]


@use_case(
    "account.redeem_invitation",
    scope=Scope.ACCOUNT_WRITE,
    example={"token": "inv_01m7xqdwdxecebcwzk30ktqpss.stoa_tk_…"},
    statements=11,
)
async def redeem_invitation(
    cmd: RedeemInvitation, uow: IUnitOfWork, *, clock: IClock, ids: IIds, tokens: ISingleUseTokens
) -> MemberView:
    """Accept an invitation by the token from its mail, whatever address your account has, and become a member.

    Errors: `token_invalid`, `invitation_ended`, `membership_exists`, `organization_suspended`,
    `organization_closed`.
    """
    invitation_id, digest = _read_token(cmd.token, tokens)
    person = await uow.users.get(uow.actor.person)
    invitation = await _found(invitation_id, uow)
    if invitation is None:
        raise TokenInvalid
    invitation.refuse_token(digest)
    return await _join(person, invitation, uow, clock=clock, ids=ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineInvitation:
    """Which of the invitations to your address."""

    id: InvitationId


@use_case("account.decline_invitation", scope=Scope.ACCOUNT_WRITE, example={}, destructive=True, statements=10)
async def decline_invitation(cmd: DeclineInvitation, uow: IUnitOfWork, *, clock: IClock) -> OwnInvitationView:
    """Decline an invitation to your verified e-mail address; whoever invited you can see that you did.

    Errors: `not_found`, `email_unverified`, `invitation_ended`.
    """
    invitation = await _addressed_to(await _verified(uow), cmd.id, uow)
    organization = await uow.organizations.get(invitation.organization_id)
    invitation.decline(clock.now())
    return OwnInvitationView.of(
        InvitationForPerson(
            id=invitation.id,
            organization_id=organization.id,
            organization_name=organization.name,
            role=invitation.role,
            expires_at=invitation.expires_at,
            created_at=invitation.created_at,
        )
    )


def written_token(invitation_id: InvitationId, secret: str) -> str:
    """Return the token of a mail: which invitation, and the secret that is recognised by its digest."""
    return f"{encode_id(ID_PREFIXES[InvitationId], invitation_id)}.{secret}"


def _read_token(token: str, tokens: ISingleUseTokens) -> tuple[InvitationId, str]:
    id_text, _, secret = token.partition(".")
    digest = tokens.digest(secret)
    if digest is None:
        raise TokenInvalid
    try:
        return InvitationId(decode_id(ID_PREFIXES[InvitationId], id_text)), digest
    except InvalidId:
        raise TokenInvalid from None


async def _verified(uow: IUnitOfWork) -> User:
    person = await uow.users.get(uow.actor.person)
    if not person.is_verified:
        raise EmailUnverified
    return person


async def _addressed_to(person: User, id: InvitationId, uow: IUnitOfWork) -> Invitation:
    """Return a person's invitation, locked; anybody else's is absent."""
    invitation = await _found(id, uow)
    if invitation is None or invitation.email != person.email:
        raise EntityNotFoundError
    return invitation


async def _found(id: InvitationId, uow: IUnitOfWork) -> Invitation | None:
    """Go on in the organization that the invitation is from, and return it locked; None when there is none."""
    try:
        await uow.enter_by("invitation", str(id))
    except NotFound:
        return None
    return await uow.invitations.get(id, lock=True)


async def _join(person: User, invitation: Invitation, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> MemberView:
    organization = await uow.organizations.get(invitation.organization_id)
    refuse_inactive(organization.status)
    invitation.accept(person.id, clock.now())
    membership = Membership.add(
        person,
        id=MembershipId(ids.new()),
        organization_id=organization.id,
        role=invitation.role,
        now=clock.now(),
    )
    uow.memberships.add(membership)
    return MemberView.of(membership)
