"""What the links of mails lead to, on real databases: each page by its states, from the mail to the last word."""

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import cast
from urllib.parse import urlsplit

import pytest
from httpx2 import AsyncClient, Response

from application.identity.invitations import INVITATION_MAIL
from application.identity.person_mails import RECOVER_PASSWORD, VERIFY_EMAIL
from application.kernel.actor import PLATFORM, Actor
from domain.identity.errors import CredentialsInvalid
from domain.shared.ids import InvitationId, OrganizationId, UserId, decode_id, encode_id
from tests.interfaces.web.shop import visiting
from tests.interfaces.web.store import Store
from tests.support.persons import PASSWORD, finish_sign_ups, new_address, sign_in, signed_up, unverified, user_id_of
from tests.support.stack import Body, Stack

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


@pytest.fixture
async def reader(stack: Stack) -> AsyncIterator[Reader]:
    store = Store(stack, await stack.organization())
    async with visiting(store.app) as client:
        yield Reader(stack, client)


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


@pytest.mark.parametrize("kind", KINDS)
async def test_opening_a_link_uses_nothing_up(reader: Reader, kind: str) -> None:
    """A mail scanner may open it as often as it likes, also with HEAD: the person's form still does its work, once."""
    mail = await mailed(reader, kind)
    for method in ("GET", "HEAD", "GET"):
        opened = await reader.client.request(method, mail.link)
        assert opened.status_code == 200
    done = await reader.sent(mail.link, **mail.typed)
    assert (done.status_code, heading(done)) == (200, mail.done)
    used = await reader.sent(mail.link, **{**mail.typed, "password": WRONG, "repeated": WRONG})
    assert used.status_code in (410, 422)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_form_sent_twice_says_the_same_twice(reader: Reader, kind: str) -> None:
    """After a double click or a reload the person reads that it worked, and not that the link is used up."""
    mail = await mailed(reader, kind)
    page = (await reader.client.get(mail.link)).text
    assert [heading(await reader.again(page, **mail.typed)) for _ in range(2)] == [mail.done] * 2


@pytest.mark.parametrize("kind", KINDS)
async def test_links_that_will_not_do_are_told_apart_nowhere(reader: Reader, kind: str) -> None:
    """Too old, made up and for something else: one calm page without a form, and without the token."""
    mail = await mailed(reader, kind)
    path, _, token = mail.link.partition("?token=")
    pages = []
    reader.stack.clock.shift = timedelta(days=30)
    try:
        pages.append(await reader.sent(mail.link, **mail.typed))
    finally:
        reader.stack.clock.shift = timedelta()
    other = await mailed(reader, "recover" if kind == "verify" else "verify")
    for wrong in ("nonsense", f"{token[:-1]}{'a' if token[-1] != 'a' else 'b'}", "x" * 3_000, _token(other.link)):
        pages.append(await reader.sent(f"{path}?token={wrong}", **mail.typed))
        assert wrong not in pages[-1].text
    assert {page.status_code for page in pages} == {410}
    assert len({page.text for page in pages}) == 1
    assert "<form" not in pages[0].text


def _token(link: str) -> str:
    return link.partition("?token=")[2]


@pytest.mark.parametrize("kind", KINDS)
async def test_pages_of_links_let_nothing_out(reader: Reader, kind: str) -> None:
    """No store, no referrer, no scripts, nobody else's form, no cookie; the token is in a hidden field only."""
    mail = await mailed(reader, kind)
    opened = await reader.client.get(mail.link)
    done = await reader.again(opened.text, **mail.typed)
    for page in (opened, done):
        assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert "form-action 'self'" in page.headers["content-security-policy"]
        assert "set-cookie" not in page.headers
        assert "<script" not in page.text
        assert "card" not in page.text
    assert _token(mail.link) not in re.sub(r'<input type="hidden".*?>|<nav.*?</nav>', "", opened.text, flags=re.DOTALL)
    assert _token(mail.link) not in done.text


async def test_a_verified_person_can_sign_in(reader: Reader) -> None:
    """With the password they registered with, which the page asks for."""
    email = new_address()
    link = await reader.link(VERIFY_EMAIL, await unverified(reader.stack, email))
    await reader.sent(link, password=PASSWORD)
    assert (await sign_in(reader.stack, email)).email == email


async def test_who_did_not_choose_the_password_verifies_nothing(reader: Reader) -> None:
    """Somebody else registered with this address: the page says so and leads to a new password; the link stays good."""
    link = await reader.link(VERIFY_EMAIL, await unverified(reader.stack, new_address()))
    for typed in (WRONG, ""):
        wrong = await reader.sent(link, password=typed)
        assert (wrong.status_code, wrong.text.count(WRONG)) == (422, 0)
        assert "somebody else registered" in said(wrong, "password")
        assert 'href="/recover-password"' in wrong.text
    assert heading(await reader.again(wrong.text, password=PASSWORD)) == "Your email address is verified"


async def test_guessing_passwords_is_stopped(reader: Reader) -> None:
    """After too many wrong ones the page says to wait, and for how long."""
    link = await reader.link(VERIFY_EMAIL, await unverified(reader.stack, new_address()))
    answers = [await reader.sent(link, password=WRONG) for _ in range(12)]
    assert (answers[-1].status_code, int(answers[-1].headers["retry-after"]) > 0) == (429, True)
    assert "Too many attempts" in answers[-1].text


async def test_a_new_password_replaces_the_old_one(reader: Reader) -> None:
    """It opens the account, and the old one does not."""
    ada = await signed_up(reader.stack)
    done = await reader.sent(await reader.link(RECOVER_PASSWORD, ada.user_id), password=OTHER, repeated=OTHER)
    assert done.status_code == 200
    await sign_in(reader.stack, ada.email, OTHER)
    with pytest.raises(CredentialsInvalid):
        await sign_in(reader.stack, ada.email)


@pytest.mark.parametrize(
    ("typed", "field", "told"),
    [
        ({"password": "", "repeated": ""}, "password", "Enter your password"),
        ({"password": OTHER, "repeated": ""}, "repeated", "Enter the password a second time"),
        ({"password": OTHER, "repeated": WRONG}, "repeated", "not the same"),
        ({"password": "short", "repeated": "short"}, "password", "too short or too long"),
        ({"password": "x" * 129, "repeated": "x" * 129}, "password", "too short or too long"),
        ({"password": "passwordpassword", "repeated": "passwordpassword"}, "password", "everybody tries"),
    ],
)
async def test_a_password_that_will_not_do(reader: Reader, typed: dict[str, str], field: str, told: str) -> None:
    """The rules are there before typing, the mistake is told beside its field, and the link stays good."""
    ada = await signed_up(reader.stack)
    link = await reader.link(RECOVER_PASSWORD, ada.user_id)
    assert "12 to 128 characters" in (await reader.client.get(link)).text
    wrong = await reader.sent(link, **typed)
    assert (wrong.status_code, told in said(wrong, field)) == (422, True)
    assert not typed["password"] or f'value="{typed["password"]}"' not in wrong.text
    assert (await reader.again(wrong.text, password=OTHER, repeated=OTHER)).status_code == 200


async def test_the_password_cannot_be_the_address(reader: Reader) -> None:
    """Which only the account knows, once the token has named it."""
    ada = await signed_up(reader.stack)
    link = await reader.link(RECOVER_PASSWORD, ada.user_id)
    wrong = await reader.sent(link, password=ada.email, repeated=ada.email)
    assert "cannot be your email address" in said(wrong, "password")


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


@pytest.mark.parametrize(("path", "kind"), [("/verify-email", VERIFY_EMAIL), ("/recover-password", RECOVER_PASSWORD)])
async def test_a_lost_mail_is_asked_for_without_telling_who_is_here(reader: Reader, path: str, kind: str) -> None:
    """Without a token the page takes an address; its answer is the same for everybody's."""
    ben = await unverified(reader.stack, known := new_address())
    pages = [await reader.sent(path, email=email) for email in (known, new_address())]
    assert [(page.status_code, heading(page)) for page in pages] == [(200, "Look into your mail")] * 2
    same = [re.sub(r"ada-\w+@harbour\.example|[0-9a-f-]{36}", "", page.text) for page in pages]
    assert same[0] == same[1]
    assert await reader.link(kind, ben)


async def test_signing_up_on_the_page_ends_in_a_verified_account(reader: Reader) -> None:
    """Who was invited and has no account makes one here; mistakes are told beside their fields."""
    email = new_address()
    typed = {"name": "Ada Lind", "email": email, "password": PASSWORD}
    for change, field in (({"name": "<b>"}, "name"), ({"email": "ada"}, "email"), ({"password": email}, "password")):
        assert said(await reader.sent("/sign-up", **(typed | change)), field)
    assert heading(await reader.sent("/sign-up", **typed)) == "Look into your mail"
    await finish_sign_ups(reader.stack)
    link = await reader.link(VERIFY_EMAIL, await user_id_of(reader.stack, email))
    assert heading(await reader.sent(link, password=PASSWORD)) == "Your email address is verified"
    assert (await sign_in(reader.stack, email)).email == email


@pytest.mark.parametrize("path", ["/verify-email", "/recover-password", "/accept-invitation", "/sign-up"])
async def test_what_is_no_form_is_refused_with_a_page(reader: Reader, path: str) -> None:
    """Other bodies and methods get a page about links in mails, and none about payments."""
    broken = await reader.client.post(path, content=b"{}", headers={"content-type": "application/json"})
    assert (broken.status_code, "Open the link in your mail" in broken.text) == (400, True)
    assert (await reader.client.put(path)).status_code == 405


async def test_pages_of_links_speak_the_readers_language(reader: Reader) -> None:
    """The choice of a language keeps the token, also after a mistake, and the form keeps the language."""
    mail = await mailed(reader, "recover")
    page = (await reader.client.get(f"{mail.link}&lang=de")).text
    assert "Neues Passwort wählen" in page
    wrong = await reader.again(page, password=OTHER, repeated=WRONG)
    assert "nicht gleich" in said(wrong, "repeated")
    assert (
        f"token={_token(mail.link)}&amp;lang=en" in wrong.text or f"lang=en&amp;token={_token(mail.link)}" in wrong.text
    )
    assert heading(await reader.again(wrong.text, **mail.typed)) == "Ihr neues Passwort ist gesetzt"
