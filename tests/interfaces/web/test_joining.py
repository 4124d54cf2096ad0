"""Accepting an invitation on its page, on real databases."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from application.identity.invitations import INVITATION_MAIL
from domain.shared.ids import encode_id
from tests.interfaces.web.reader import WRONG, Reader, heading, invited, said
from tests.interfaces.web.shop import visiting
from tests.interfaces.web.store import Store
from tests.support.persons import PASSWORD, new_address, signed_up, unverified
from tests.support.stack import Body, Stack


@pytest.fixture
async def reader(stack: Stack) -> AsyncIterator[Reader]:
    store = Store(stack, await stack.organization())
    async with visiting(store.app) as client:
        yield Reader(stack, client)


async def test_who_accepts_is_a_member_and_is_signed_out_again(reader: Reader) -> None:
    """The session that the page opened is taken back, and its token is nowhere; accepting again changes nothing."""
    organization, ada = await reader.stack.organization(), await signed_up(reader.stack)
    home = organization.organization_id
    link = await reader.link(INVITATION_MAIL, await invited(reader.stack, organization), home)
    done = await reader.sent(link, email=ada.email, password=PASSWORD)
    assert heading(done) == "Welcome aboard"
    assert "stoa_ss" not in f"{done.text}{done.headers}"
    assert (await reader.stack.authenticate(ada.token, home)).organization_id == home
    sessions = cast("list[Body]", (await reader.stack.run("sessions.list", ada.actor))["data"])
    assert [each["id"] for each in sessions] == [encode_id("ses", ada.session_id)]
    another = await reader.link(INVITATION_MAIL, await invited(reader.stack, organization), home)
    again = await reader.sent(another, email=ada.email, password=PASSWORD)
    assert (again.status_code, heading(again)) == (200, "You are a member already")


async def test_an_invitation_shows_nothing_before_it_is_accepted(reader: Reader) -> None:
    """Who finds the link learns neither who invites nor whom."""
    organization, email = await reader.stack.organization(), new_address()
    link = await reader.link(
        INVITATION_MAIL, await invited(reader.stack, organization, email), organization.organization_id
    )
    page = (await reader.client.get(link)).text
    assert ("Harbour" in page, email in page) == (False, False)
    assert 'href="/sign-up"' in page


async def test_who_cannot_sign_in_accepts_nothing(reader: Reader) -> None:
    """A wrong password and an unverified address are told beside their fields; the address stays, the password not."""
    organization, ada = await reader.stack.organization(), await signed_up(reader.stack)
    new = new_address()
    await unverified(reader.stack, new)
    link = await reader.link(INVITATION_MAIL, await invited(reader.stack, organization), organization.organization_id)
    wrong = await reader.sent(link, email=ada.email, password=WRONG)
    assert said(wrong, "password") == "The email address or the password is wrong."
    assert (f'value="{ada.email}"' in wrong.text, WRONG in wrong.text) == (True, False)
    assert "not verified yet" in said(await reader.sent(link, email=new, password=PASSWORD), "email")
    assert "like name@example.com" in said(await reader.sent(link, email="nobody", password=PASSWORD), "email")
    assert "Enter your email" in said(await reader.sent(link, email=" ", password=PASSWORD), "email")
    assert heading(await reader.sent(link, email=ada.email, password=PASSWORD)) == "Welcome aboard"


async def test_an_invitation_without_its_token_says_whom_to_ask(reader: Reader) -> None:
    """There is nothing that could be sent from here."""
    page = await reader.client.get("/accept-invitation")
    assert (page.status_code, heading(page)) == (410, "This invitation cannot be used")
