"""Invitations from the first mail to the place taken."""

import re
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest

from application.identity.invitations import INVITATION_MAIL
from application.kernel.actor import Actor, operator
from application.kernel.ports import Mail
from domain.identity.errors import EmailUnverified
from domain.identity.invitation import LIFETIME, InvitationEnded, InvitationPending, TooManyMails
from domain.identity.membership import MembershipExists, Role, RoleAboveOwn
from domain.identity.organization import OrganizationSuspended
from domain.identity.single_use_token import TokenInvalid
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import InvitationId, decode_id, encode_id
from infrastructure.security.opaque_tokens import SingleUseTokens
from tests.support.people import address, member, owner_of, person
from tests.support.rows import Rows
from tests.support.stack import PEPPER, Body, Stack


def uuid_of(invitation: Body) -> UUID:
    return InvitationId(decode_id("inv", str(invitation["id"])))


async def mailed(stack: Stack, organization: Actor, invitation: Body) -> Mail | None:
    """Let the worker perform the invitation's mail job, and return what it sent."""
    before = len(stack.mailer.mails)
    await stack.post[INVITATION_MAIL](organization.organization_id, uuid_of(invitation))
    return stack.mailer.mails[-1] if len(stack.mailer.mails) > before else None


async def token_of(stack: Stack, organization: Actor, invitation: Body) -> str:
    """Return the token of the mail that the worker writes now."""
    mail = await mailed(stack, organization, invitation)
    assert mail is not None
    found = re.search(r"inv_[0-9a-z]{26}\.stoa_tok_[0-9A-Za-z]{39}", mail.text)
    assert found is not None
    return found[0]


async def scheduled(rows: Rows, organization: Actor) -> list[object]:
    """Return the subjects of the organization's waiting mail jobs."""
    jobs = await rows.of("jobs", organization.organization_id)
    return [UUID(str(job["subject_id"])) for job in jobs if job["kind"] == INVITATION_MAIL]


async def test_an_invited_address_gets_a_mail_and_its_owner_a_place(stack: Stack, rows: Rows) -> None:
    """The mail is ordered with the invitation; whoever holds its link becomes a member with the invited role."""
    organization = await stack.organization()
    invitation = await stack.run("invitations.create", organization, email=address(), role="admin")
    assert await scheduled(rows, organization) == [uuid_of(invitation)]
    mail = await mailed(stack, organization, invitation)
    assert mail is not None
    assert (mail.to, "Harbour Coffee" in mail.text) == (invitation["email"], True)
    token = await token_of(stack, organization, invitation)
    # By token the account may have another address, also one that nobody has verified: the mail was read.
    ada = await person(stack, verified=False)
    place = await stack.run("account.redeem_invitation", ada, token=token)
    assert (place["role"], place["user_id"]) == ("admin", ada.id)
    shown = await stack.run("invitations.get", organization, id=invitation["id"])
    assert (shown["status"], shown["accepted_by"]) == ("accepted", ada.id)
    own = await stack.run("account.list_organizations", ada)
    assert [each["role"] for each in own["data"]] == ["admin"]  # type: ignore[attr-defined]  # reason: a list


async def test_a_token_is_in_the_mail_and_nowhere_else(stack: Stack, rows: Rows) -> None:
    """Neither its row nor an event nor an audit entry nor a kept answer has it, nor what it is recognised by."""
    organization = await stack.organization()
    invitation = await stack.run_once("invite", "invitations.create", organization, email=address(), role="viewer")
    token = await token_of(stack, organization, invitation)
    await stack.run_once("redeem", "account.redeem_invitation", await person(stack), token=token)
    secret = token.partition(".")[2]
    digest = str(SingleUseTokens(PEPPER).digest(secret))
    tables = ("invitations", "audit_entries", "outbox", "idempotency_records", "jobs", "lookups")
    texts = {table: repr(await rows.of(table, organization.organization_id)) for table in tables}
    assert [table for table, text in texts.items() if secret in text] == []
    assert [table for table, text in texts.items() if digest in text] == ["invitations"]


async def test_of_several_mails_only_the_latest_opens(stack: Stack) -> None:
    """A mail that was sent again after a crash, or because somebody asked, makes those before it worthless."""
    organization, ada = await stack.organization(), await person(stack)
    invitation = await stack.run("invitations.create", organization, email=address(), role="viewer")
    first = await token_of(stack, organization, invitation)
    await stack.run("invitations.resend", organization, id=invitation["id"])
    second = await token_of(stack, organization, invitation)
    with pytest.raises(TokenInvalid):
        await stack.run("account.redeem_invitation", ada, token=first)
    assert (await stack.run("account.redeem_invitation", ada, token=second))["role"] == "viewer"


async def test_a_wrong_token_is_wrong_in_one_way(stack: Stack) -> None:
    """Nonsense, another invitation's secret and the id of none are refused in the same words."""
    organization, ada = await stack.organization(), await person(stack)
    one, two = [
        await stack.run("invitations.create", organization, email=address(), role="viewer") for _ in range(2)
    ]  # fmt: skip
    secret = (await token_of(stack, organization, one)).partition(".")[2]
    await token_of(stack, organization, two)
    absent = encode_id("inv", stack.ids.new())
    refusals = set()
    for wrong in ("x", secret, f"{two['id']}.{secret}", f"{absent}.{secret}", f"{one['id']}.{secret[:-1]}"):
        with pytest.raises(TokenInvalid) as refused:
            await stack.run("account.redeem_invitation", ada, token=wrong)
        refusals.add((refused.value.message, str(refused.value.details)))
    assert len(refusals) == 1


async def test_the_owner_of_a_verified_address_needs_no_token(stack: Stack) -> None:
    """They see who invites them and accept; nobody else sees the invitation, and by its id it is absent to them."""
    organization, email = await stack.organization(), address()
    invitation = await stack.run("invitations.create", organization, email=email, role="member")
    ada, ben = await person(stack, email), await person(stack)
    listed = (await stack.run("account.list_invitations", ada))["data"]
    assert [(each["id"], each["organization_name"]) for each in listed] == [(invitation["id"], "Harbour Coffee")]  # type: ignore[attr-defined]  # reason: a list
    assert (await stack.run("account.list_invitations", ben))["data"] == []
    for name in ("accept_invitation", "decline_invitation"):
        with pytest.raises(EntityNotFoundError):
            await stack.run(f"account.{name}", ben, id=invitation["id"])
    assert (await stack.run("account.accept_invitation", ada, id=invitation["id"]))["role"] == "member"
    assert (await stack.run("account.list_invitations", ada))["data"] == []


async def test_an_address_nobody_verified_is_nobodys(stack: Stack) -> None:
    """Who registers with somebody else's address takes none of their invitations."""
    organization, email = await stack.organization(), address()
    invitation = await stack.run("invitations.create", organization, email=email, role="member")
    thief = await person(stack, email, verified=False)
    for name, fields in (("list_invitations", {}), ("accept_invitation", {"id": invitation["id"]})):
        with pytest.raises(EmailUnverified):
            await stack.run(f"account.{name}", thief, **fields)


async def test_whether_an_address_has_an_account_is_not_said(stack: Stack) -> None:
    """Inviting a known and an unknown address answers alike; only a member's is refused, whom one can list anyway."""
    organization = await stack.organization()
    known, unknown = address(), address()
    await person(stack, known)
    answers = [
        await stack.run("invitations.create", organization, email=email, role="member") for email in (known, unknown)
    ]  # fmt: skip
    own = {"id", "email", "created_at", "updated_at", "expires_at"}
    assert [{name: each[name] for name in each.keys() - own} for each in answers] == [
        {name: answers[0][name] for name in answers[0].keys() - own}
    ] * 2
    _, of_member = await member(stack, organization)
    with pytest.raises(MembershipExists):
        await stack.run("invitations.create", organization, email=str(of_member["email"]).upper(), role="member")


async def test_an_address_is_invited_once_at_a_time(stack: Stack) -> None:
    """Again after the first one was declined, revoked or left to expire; two organizations may both invite it."""
    organization, other, email = await stack.organization(), await stack.organization(), address()
    ada = await person(stack, email)
    for end in ("decline", "revoke", "expire"):
        invitation = await stack.run("invitations.create", organization, email=email, role="member")
        with pytest.raises(InvitationPending):
            await stack.run("invitations.create", organization, email=email.upper(), role="viewer")
        if end == "decline":
            await stack.run("account.decline_invitation", ada, id=invitation["id"])
        elif end == "revoke":
            await stack.run("invitations.revoke", organization, id=invitation["id"])
        else:
            stack.clock.shift += LIFETIME + timedelta(seconds=1)
    await stack.run("invitations.create", organization, email=email, role="member")
    await stack.run("invitations.create", other, email=email, role="member")
    listed = await stack.run("invitations.list", organization, email=email, sort="created_at")
    statuses = [each["status"] for each in cast("list[Body]", listed["data"])]
    stack.clock.shift -= LIFETIME + timedelta(seconds=1)
    assert statuses == ["declined", "revoked", "expired", "pending"]


async def test_an_expired_invitation_opens_nothing_until_it_is_sent_again(stack: Stack) -> None:
    """It shows as expired and is found as such, nobody takes it, and no mail is written for it."""
    organization, email = await stack.organization(), address()
    ada = await person(stack, email)
    invitation = await stack.run("invitations.create", organization, email=email, role="member")
    token = await token_of(stack, organization, invitation)
    stack.clock.shift += LIFETIME + timedelta(seconds=1)
    try:
        assert (await stack.run("invitations.get", organization, id=invitation["id"]))["status"] == "expired"
        for status, found in (("expired", 1), ("pending", 0)):
            listed = await stack.run("invitations.list", organization, status=status)
            assert len(cast("list[Body]", listed["data"])) == found
        assert (await stack.run("account.list_invitations", ada))["data"] == []
        for name, fields in (("accept_invitation", {"id": invitation["id"]}), ("redeem_invitation", {"token": token})):
            with pytest.raises(InvitationEnded):
                await stack.run(f"account.{name}", ada, **fields)
        assert await mailed(stack, organization, invitation) is None
        await stack.run("invitations.resend", organization, id=invitation["id"])
        assert (await stack.run("account.accept_invitation", ada, id=invitation["id"]))["role"] == "member"
    finally:
        stack.clock.shift -= LIFETIME + timedelta(seconds=1)


async def test_a_revoked_invitation_opens_nothing_and_writes_no_mail(stack: Stack) -> None:
    """Also the mail that was waiting is not written any more."""
    organization, ada = await stack.organization(), await person(stack)
    invitation = await stack.run("invitations.create", organization, email=address(), role="member")
    token = await token_of(stack, organization, invitation)
    await stack.run("invitations.revoke", organization, id=invitation["id"])
    with pytest.raises(InvitationEnded):
        await stack.run("account.redeem_invitation", ada, token=token)
    assert await mailed(stack, organization, invitation) is None
    with pytest.raises(InvitationEnded):
        await stack.run("invitations.resend", organization, id=invitation["id"])


async def test_mails_are_counted(stack: Stack) -> None:
    """After five it takes a new invitation."""
    organization = await stack.organization()
    invitation = await stack.run("invitations.create", organization, email=address(), role="member")
    for _ in range(4):
        await stack.run("invitations.resend", organization, id=invitation["id"])
    with pytest.raises(TooManyMails):
        await stack.run("invitations.resend", organization, id=invitation["id"])


async def test_nobody_invites_above_themselves(stack: Stack) -> None:
    """An admin invites admins and takes no owner's invitation back; an owner invites owners."""
    organization = await stack.organization()
    owner, _ = await owner_of(stack, organization)
    admin, _ = await member(stack, organization, Role.ADMIN)
    await stack.run("invitations.create", admin, email=address(), role="admin")
    with pytest.raises(RoleAboveOwn):
        await stack.run("invitations.create", admin, email=address(), role="owner")
    of_owner = await stack.run("invitations.create", owner, email=address(), role="owner")
    for name in ("revoke", "resend"):
        with pytest.raises(RoleAboveOwn):
            await stack.run(f"invitations.{name}", admin, id=of_owner["id"])


async def test_a_suspended_organization_lets_nobody_in(stack: Stack) -> None:
    """Its invitations wait until it is reactivated."""
    organization, email = await stack.organization(), address()
    ada, id_ = await person(stack, email), encode_id("org", organization.organization_id)
    invitation = await stack.run("invitations.create", organization, email=email, role="member")
    await stack.run("organizations.suspend", operator(), id=id_, reason="Chargebacks.")
    with pytest.raises(OrganizationSuspended):
        await stack.run("account.accept_invitation", ada, id=invitation["id"])
    await stack.run("organizations.reactivate", operator(), id=id_)
    assert (await stack.run("account.accept_invitation", ada, id=invitation["id"]))["role"] == "member"


async def test_a_member_takes_no_second_place(stack: Stack) -> None:
    """Who was added meanwhile keeps the role they have, and the invitation waits."""
    organization, email = await stack.organization(), address()
    invitation = await stack.run("invitations.create", organization, email=email, role="admin")
    ada, _ = await member(stack, organization, Role.VIEWER, email)
    with pytest.raises(MembershipExists):
        await stack.run("account.accept_invitation", ada, id=invitation["id"])
    assert (await stack.run("invitations.get", organization, id=invitation["id"]))["status"] == "pending"
