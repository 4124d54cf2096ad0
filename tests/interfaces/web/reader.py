"""Somebody with a browser and a mailbox, and the links that come with the mails."""

import html
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from httpx2 import AsyncClient, Response

from application.identity.invitations import INVITATION_MAIL
from application.identity.person_mails import RECOVER_PASSWORD, VERIFY_EMAIL
from application.kernel.actor import PLATFORM, Actor
from domain.shared.ids import InvitationId, OrganizationId, UserId, decode_id
from tests.support.persons import PASSWORD, new_address, signed_up, unverified
from tests.support.stack import Stack

OTHER = "seven red kites at dawn"
WRONG = "nine blue doors at dusk"
_LINK = re.compile(r"https?://[^\s]+token=[^\s]+")


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody with a browser and a mailbox."""

    stack: Stack
    client: AsyncClient

    async def link(self, kind: str, subject: UserId | InvitationId, home: OrganizationId = PLATFORM) -> str:
        """Let the worker send a mail, and return the path and query of the link in it."""
        before = len(self.stack.mailer.mails)
        await self.stack.post[kind](home, subject)
        found = _LINK.search(self.stack.mailer.mails[before].text)
        assert found is not None
        parts = urlsplit(found[0])
        return f"{parts.path}?{parts.query}"

    async def sent(self, link: str, **typed: str) -> Response:
        """Open a link, fill its form and send it."""
        return await self.again((await self.client.get(link)).text, **typed)

    async def again(self, page: str, **typed: str) -> Response:
        """Send a page's form."""
        (form,) = re.findall(r'<form method="post".*?</form>', page, re.DOTALL)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
        action = html.unescape(re.findall(r'action="([^"]*)"', form)[0])
        return await self.client.post(action, data={**hidden, **typed})


def heading(response: Response) -> str:
    """Return what a page is headed with, as text."""
    return html.unescape(re.findall(r"<h1[^>]*>(.*?)</h1>", response.text)[0])


def said(response: Response, field: str) -> str:
    """Return what a page says is wrong with a field, to which its summary has to lead."""
    assert f'<a href="#{field}">' in response.text
    assert 'aria-invalid="true"' in response.text
    return html.unescape(re.findall(rf'id="{field}-error">(.*?)</p>', response.text)[0])


async def invited(stack: Stack, organization: Actor, email: str | None = None) -> InvitationId:
    """Invite somebody."""
    made = await stack.run("invitations.create", organization, email=email or new_address(), role="member")
    return InvitationId(decode_id("inv", str(made["id"])))


async def invited_link(reader: Reader, organization: Actor) -> str:
    """Invite somebody and return the link in their mail."""
    return await reader.link(INVITATION_MAIL, await invited(reader.stack, organization), organization.organization_id)


@dataclass(frozen=True, slots=True)
class Mailed:
    """A link of each kind, and what one types behind it."""

    link: str
    typed: dict[str, str]
    done: str


async def mailed(reader: Reader, kind: str) -> Mailed:
    """Return a fresh link of a kind."""
    email = new_address()
    if kind == "verify":
        person = await unverified(reader.stack, email)
        return Mailed(await reader.link(VERIFY_EMAIL, person), {"password": PASSWORD}, "Your email address is verified")
    ada = await signed_up(reader.stack, email)
    if kind == "recover":
        link = await reader.link(RECOVER_PASSWORD, ada.user_id)
        return Mailed(link, {"password": OTHER, "repeated": OTHER}, "Your new password is set")
    organization = await reader.stack.organization()
    link = await reader.link(INVITATION_MAIL, await invited(reader.stack, organization), organization.organization_id)
    return Mailed(link, {"email": email, "password": PASSWORD}, "Welcome aboard")


KINDS = ["verify", "recover", "invitation"]


def token_of(link: str) -> str:
    """Return the token in a link."""
    return link.partition("?token=")[2]
