"""What the links of mails lead to, on real databases: each page by its states, from the mail to the last word."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from application.identity.person_mails import RECOVER_PASSWORD, VERIFY_EMAIL
from domain.identity.errors import CredentialsInvalid
from tests.interfaces.web.reader import KINDS, OTHER, WRONG, Reader, heading, mailed, said, token_of
from tests.interfaces.web.shop import visiting
from tests.interfaces.web.store import Store
from tests.support.persons import PASSWORD, finish_sign_ups, new_address, sign_in, signed_up, unverified, user_id_of
from tests.support.stack import Stack


@pytest.fixture
async def reader(stack: Stack) -> AsyncIterator[Reader]:
    store = Store(stack, await stack.organization())
    async with visiting(store.app) as client:
        yield Reader(stack, client)


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
    for wrong in ("nonsense", f"{token[:-1]}{'a' if token[-1] != 'a' else 'b'}", "x" * 3_000, token_of(other.link)):
        pages.append(await reader.sent(f"{path}?token={wrong}", **mail.typed))
        assert wrong not in pages[-1].text
    assert {page.status_code for page in pages} == {410}
    assert len({page.text for page in pages}) == 1
    assert "<form" not in pages[0].text


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
    assert token_of(mail.link) not in re.sub(
        r'<input type="hidden".*?>|<nav.*?</nav>', "", opened.text, flags=re.DOTALL
    )
    assert token_of(mail.link) not in done.text


async def test_a_verified_person_can_sign_in(reader: Reader) -> None:
    """With the password they registered with, which the page asks for."""
    email = new_address()
    link = await reader.link(VERIFY_EMAIL, await unverified(reader.stack, email))
    await reader.sent(link, password=PASSWORD)
    assert (await sign_in(reader.stack, email)).email == email


async def test_who_did_not_choose_the_password_verifies_nothing(reader: Reader) -> None:
    """Somebody else registered with this address: the page says so and leads to a new password; the link stays good."""
    link = await reader.link(VERIFY_EMAIL, await unverified(reader.stack, new_address()))
    for wrong in (await reader.sent(link, password=WRONG), await reader.sent(link, password="")):
        assert (wrong.status_code, wrong.text.count(WRONG)) == (422, 0)
        assert "somebody else registered" in said(wrong, "password")
        assert 'href="/recover-password"' in wrong.text
    assert heading(await reader.sent(link, password=PASSWORD)) == "Your email address is verified"


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
    assert f'href="/recover-password?lang=en&amp;token={token_of(mail.link)}"' in wrong.text
    assert heading(await reader.again(wrong.text, **mail.typed)) == "Ihr neues Passwort ist gesetzt"
