"""An invitation waits for one address, for one role, and not for ever."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.identity.invitation import (
    LIFETIME,
    MAX_MAILS,
    Invitation,
    InvitationEnded,
    InvitationStatus,
    TooManyMails,
)
from domain.identity.membership import Role, RoleAboveOwn
from domain.identity.single_use_token import TokenInvalid
from domain.shared.ids import InvitationId, OrganizationId, UserId

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
OVER = NOW + LIFETIME
ADA = UserId(UUID(int=7))


def invited(role: Role = Role.MEMBER, by: Role = Role.ADMIN) -> Invitation:
    made = Invitation.create(
        id=InvitationId(UUID(int=1)),
        organization_id=OrganizationId(UUID(int=2)),
        email=" Ada@Harbour.Example ",
        role=role,
        by=by,
        now=NOW,
    )
    made.pull_events()
    return made


def test_an_address_is_invited_in_its_canonical_form() -> None:
    """It is compared with the addresses of accounts, which have that form too."""
    assert invited().email == "ada@harbour.example"


def test_nobody_invites_to_a_role_above_their_own() -> None:
    """Neither in inviting nor in mailing again nor in taking back."""
    with pytest.raises(RoleAboveOwn):
        invited(Role.OWNER, by=Role.ADMIN)
    of_owner = invited(Role.OWNER, by=Role.OWNER)
    with pytest.raises(RoleAboveOwn):
        of_owner.resend(by=Role.ADMIN, now=NOW)
    with pytest.raises(RoleAboveOwn):
        of_owner.revoke(by=Role.ADMIN, now=NOW)


def test_a_place_is_taken_once() -> None:
    """Who took it and when stays on record."""
    invitation = invited()
    invitation.accept(ADA, NOW)
    assert (invitation.status, invitation.accepted_by, invitation.ended_at) == (InvitationStatus.ACCEPTED, ADA, NOW)
    with pytest.raises(InvitationEnded):
        invitation.accept(ADA, NOW)


@pytest.mark.parametrize(
    "end",
    [
        lambda invitation: invitation.accept(ADA, NOW),
        lambda invitation: invitation.decline(NOW),
        lambda invitation: invitation.revoke(by=Role.OWNER, now=NOW),
    ],
)
def test_what_has_ended_stays_ended(end: Callable[[Invitation], None]) -> None:
    """Accepted, declined or revoked: nothing opens it again, and no mail goes out."""
    invitation = invited()
    end(invitation)
    attempts: list[Callable[[], object]] = [
        lambda: invitation.accept(ADA, NOW),
        lambda: invitation.decline(NOW),
        lambda: invitation.resend(by=Role.OWNER, now=NOW),
        lambda: invitation.take_token("0" * 64, NOW),
    ]
    for again in attempts:
        with pytest.raises(InvitationEnded):
            again()


def test_an_invitation_expires_at_the_moment_its_time_is_over() -> None:
    """It shows as expired without anybody writing so, and cannot be accepted."""
    invitation = invited()
    invitation_before = invitation.status_at(OVER - timedelta(microseconds=1))
    assert (invitation_before, invitation.status_at(OVER)) == (InvitationStatus.PENDING, InvitationStatus.EXPIRED)
    with pytest.raises(InvitationEnded):
        invitation.accept(ADA, OVER)


def test_resending_waits_as_long_as_a_new_one() -> None:
    """Also when the time was over."""
    invitation = invited()
    invitation.resend(by=Role.ADMIN, now=OVER)
    assert (invitation.sent_count, invitation.expires_at) == (2, OVER + LIFETIME)
    assert invitation.status_at(OVER) is InvitationStatus.PENDING


def test_nobodys_inbox_is_filled() -> None:
    """After a handful of mails it takes a new invitation."""
    invitation = invited()
    for _ in range(MAX_MAILS - 1):
        invitation.resend(by=Role.ADMIN, now=NOW)
    with pytest.raises(TooManyMails):
        invitation.resend(by=Role.ADMIN, now=NOW)


def test_only_the_latest_token_opens() -> None:
    """Before the first mail no token does, and those of earlier mails do no more."""
    invitation = invited()
    with pytest.raises(TokenInvalid):
        invitation.refuse_token("1" * 64)
    invitation.take_token("1" * 64, NOW)
    invitation.refuse_token("1" * 64)
    invitation.take_token("2" * 64, NOW)
    with pytest.raises(TokenInvalid):
        invitation.refuse_token("1" * 64)


def test_revoking_twice_changes_nothing() -> None:
    """The first time stays on record."""
    invitation = invited()
    invitation.revoke(by=Role.ADMIN, now=NOW)
    invitation.revoke(by=Role.ADMIN, now=OVER)
    assert (invitation.version, invitation.ended_at) == (2, NOW)


def test_the_token_is_shown_nowhere() -> None:
    """Neither the representation nor an event holds what recognises it."""
    invitation = invited()
    invitation.take_token("feed" * 16, NOW)
    assert "feed" not in repr(invitation) + repr(invitation.pull_events())
