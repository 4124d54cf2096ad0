"""Registering, verifying an address, and choosing another password."""

import pytest

from application.identity.person_mails import KNOWN_ADDRESS, PASSWORD_CHANGED, RECOVER_PASSWORD, VERIFY_EMAIL
from application.identity.sign_up import RegisterUser
from application.kernel.actor import PERSONAL_SCOPES, PLATFORM, PUBLIC_ACTOR, ActorKind
from application.kernel.dispatcher import Call
from domain.identity.errors import (
    CredentialsInvalid,
    EmailUnverified,
)
from domain.identity.passwords import InvalidPassword
from domain.identity.session import SessionRevoked
from domain.identity.single_use_token import TokenInvalid
from tests.support.persons import (
    PASSWORD,
    finish_sign_ups,
    mailed_token,
    new_address,
    registered,
    sign_in,
    signed_up,
    unverified,
)
from tests.support.races import race
from tests.support.stack import Stack

CALL = Call(actor=PUBLIC_ACTOR, request_id="r")
ANOTHER = "seven red kites at dawn"


async def test_a_person_registers_verifies_and_signs_in(stack: Stack) -> None:
    """The token of the session opens the account, and names its person."""
    person = await signed_up(stack)
    account = await stack.run("account.get", person.actor)
    assert (account["id"], account["email"]) == (person.id, person.email)
    assert account["email_verified_at"] is not None
    assert account["last_login_at"] is not None
    assert (person.actor.kind, person.actor.organization_id) == (ActorKind.USER, PLATFORM)
    assert person.actor.scopes == PERSONAL_SCOPES


async def test_nobody_signs_in_before_the_address_is_theirs(stack: Stack) -> None:
    """Who knows the password hears that the address has to be verified; who does not, only that something is wrong."""
    email = new_address()
    await unverified(stack, email)
    with pytest.raises(EmailUnverified):
        await sign_in(stack, email)
    with pytest.raises(CredentialsInvalid):
        await sign_in(stack, email, ANOTHER)


async def test_an_address_that_is_known_answers_like_one_that_is_not(stack: Stack) -> None:
    """Only the mail to its owner says that there is an account already, and nothing of the account changes."""
    person, stranger = await signed_up(stack), new_address()
    answers = [
        await stack.run("users.register", PUBLIC_ACTOR, email=email, name="Eve", password=ANOTHER)
        for email in (person.email, stranger)
    ]
    assert answers == [{"email": person.email}, {"email": stranger}]
    await finish_sign_ups(stack)
    await stack.post[KNOWN_ADDRESS](PLATFORM, person.user_id)
    assert stack.mailer.to(person.email)[-1].subject == "You have an account already"
    await sign_in(stack, person.email)
    assert (await stack.run("account.get", person.actor))["name"] == "Ada Lind"


async def test_asking_for_mail_tells_nothing_of_who_is_there(stack: Stack) -> None:
    """Verification and recovery answer alike for everybody; a mail goes only to who can use it."""
    person, stranger = await signed_up(stack), new_address()
    for name in ("account.request_verification", "account.request_recovery"):
        assert [await stack.run(name, PUBLIC_ACTOR, email=e) for e in (person.email, stranger)] == [
            {"email": person.email},
            {"email": stranger},
        ]
    sent = len(stack.mailer.to(person.email))
    await stack.post[VERIFY_EMAIL](PLATFORM, person.user_id)
    assert len(stack.mailer.to(person.email)) == sent
    await stack.post[RECOVER_PASSWORD](PLATFORM, person.user_id)
    assert len(stack.mailer.to(person.email)) == sent + 1
    await stack.post[RECOVER_PASSWORD](PLATFORM, stack.ids.new())
    assert stack.mailer.to(stranger) == []


@pytest.mark.parametrize("password", ["eleven char", "x1" * 65, "password1234", "aaaaaaaaaaaa", "\ud800" * 12])
async def test_a_bad_password_cannot_be_chosen(stack: Stack, password: str) -> None:
    """Too short, too long, what everybody tries first, and what is no text are refused."""
    command = RegisterUser(email=new_address(), name="Ada Lind", password=password)
    with pytest.raises(InvalidPassword):
        await stack.dispatcher("users.register", command, CALL)


async def test_ones_own_address_is_no_password(stack: Stack) -> None:
    """Neither when registering nor when recovering."""
    email = new_address("somebody")
    with pytest.raises(InvalidPassword):
        await stack.run("users.register", PUBLIC_ACTOR, email=email, name="Ada Lind", password=email.upper())
    user_id = await registered(stack, email)
    token = await mailed_token(stack, RECOVER_PASSWORD, user_id)
    with pytest.raises(InvalidPassword):
        await stack.run("account.recover_password", PUBLIC_ACTOR, token=token, password=email)
    await stack.run("account.recover_password", PUBLIC_ACTOR, token=token, password=ANOTHER)


async def test_a_mailed_token_works_once_and_for_what_it_is_for(stack: Stack) -> None:
    """A verification token recovers no password, and no token is used twice."""
    email = new_address()
    token = await mailed_token(stack, VERIFY_EMAIL, await unverified(stack, email))
    with pytest.raises(TokenInvalid):
        await stack.run("account.recover_password", PUBLIC_ACTOR, token=token, password=ANOTHER)
    assert await stack.run("account.verify_email", PUBLIC_ACTOR, token=token, password=PASSWORD) == {"email": email}
    with pytest.raises(TokenInvalid):
        await stack.run("account.verify_email", PUBLIC_ACTOR, token=token, password=PASSWORD)


async def test_of_many_at_once_one_uses_the_token(stack: Stack) -> None:
    """Eight people with the same token choose eight passwords: one of them wins, and only that one signs in."""
    email = new_address()
    token = await mailed_token(stack, RECOVER_PASSWORD, await registered(stack, email))

    async def choose(password: str) -> str:
        await stack.run("account.recover_password", PUBLIC_ACTOR, token=token, password=password)
        return password

    raced = await race(choose(f"{ANOTHER} {n}") for n in range(8))
    assert (len(raced.won), raced.lost) == (1, {"token_invalid": 7})
    await sign_in(stack, email, raced.won[0])


async def test_a_newer_mail_leaves_the_tokens_before_alone_until_one_is_used(stack: Stack) -> None:
    """Whoever asks in a loop locks nobody out: any of the mails works, and then none of them does any more."""
    user_id = await registered(stack, email := new_address())
    tokens = [await mailed_token(stack, RECOVER_PASSWORD, user_id) for _ in range(4)]
    assert await stack.run("account.recover_password", PUBLIC_ACTOR, token=tokens[1], password=ANOTHER) == {
        "email": email
    }
    for token in tokens:
        with pytest.raises(TokenInvalid):
            await stack.run("account.recover_password", PUBLIC_ACTOR, token=token, password=PASSWORD)


async def test_a_changed_password_makes_mailed_tokens_worthless(stack: Stack) -> None:
    """Also those that were asked for before by somebody who meant to use them later."""
    person = await signed_up(stack)
    tokens = [await mailed_token(stack, RECOVER_PASSWORD, person.user_id) for _ in range(3)]
    await stack.run("account.change_password", person.actor, current_password=PASSWORD, new_password=ANOTHER)
    for token in tokens:
        with pytest.raises(TokenInvalid):
            await stack.run("account.recover_password", PUBLIC_ACTOR, token=token, password=PASSWORD)


async def test_different_tokens_of_one_person_used_at_once_are_one_use(stack: Stack) -> None:
    """Six mails, used at the same moment: one chooses the password, and nobody waits for each other for ever."""
    user_id = await registered(stack, email := new_address())
    tokens = [await mailed_token(stack, RECOVER_PASSWORD, user_id) for _ in range(6)]

    async def choose(n: int) -> str:
        await stack.run("account.recover_password", PUBLIC_ACTOR, token=tokens[n], password=f"{ANOTHER} {n}")
        return f"{ANOTHER} {n}"

    raced = await race(choose(n) for n in range(6))
    assert (len(raced.won), raced.lost) == (1, {"token_invalid": 5})
    await sign_in(stack, email, raced.won[0])


@pytest.mark.parametrize("token", ["", "stoa_tok_x", "stoa_tok_" + "0" * 39, "stoa_ses_" + "a" * 39])
async def test_what_is_no_token_is_refused_like_a_used_one(stack: Stack, token: str) -> None:
    """Whatever it is, the answer is the same."""
    if token:
        with pytest.raises(TokenInvalid):
            await stack.run("account.verify_email", PUBLIC_ACTOR, token=token, password=PASSWORD)


async def test_recovering_signs_everybody_out(stack: Stack) -> None:
    """Whoever had a session has none; a mail tells; the old password is gone."""
    person = await signed_up(stack)
    token = await mailed_token(stack, RECOVER_PASSWORD, person.user_id)
    await stack.run("account.recover_password", PUBLIC_ACTOR, token=token, password=ANOTHER)
    with pytest.raises(SessionRevoked):
        await stack.authenticate(person.token)
    with pytest.raises(CredentialsInvalid):
        await sign_in(stack, person.email)
    await sign_in(stack, person.email, ANOTHER)
    await stack.post[PASSWORD_CHANGED](PLATFORM, person.user_id)
    assert stack.mailer.to(person.email)[-1].subject == "Your password was changed"


async def test_changing_the_password_signs_the_other_sessions_out(stack: Stack) -> None:
    """The session that changed it goes on; the present password is asked for."""
    person = await signed_up(stack)
    others = [await sign_in(stack, person.email) for _ in range(12)]
    with pytest.raises(CredentialsInvalid):
        await stack.run(
            "account.change_password", person.actor, current_password="not this one", new_password=ANOTHER
        )  # fmt: skip
    await stack.run("account.change_password", person.actor, current_password=PASSWORD, new_password=ANOTHER)
    assert (await stack.authenticate(person.token)).person == person.user_id
    for other in others:
        with pytest.raises(SessionRevoked):
            await stack.authenticate(other.token)
    await sign_in(stack, person.email, ANOTHER)
