"""What strangers can do with an address that is not theirs: not keep its owner out, write to them, or find them out."""

import asyncio
import re
from datetime import timedelta

import pytest

from application.identity.person_mails import FINISH_SIGN_UP, KNOWN_ADDRESS, MAILS, RECOVER_PASSWORD, VERIFY_EMAIL
from application.identity.sign_up import SIGN_UP
from application.kernel.actor import PLATFORM, PUBLIC_ACTOR, operator
from application.kernel.ports import Mail
from domain.identity.errors import CredentialsInvalid, SignInLocked
from domain.identity.mail_limits import MAX_MAILS, PER
from domain.identity.sign_in_limits import FREE_ATTEMPTS
from domain.identity.single_use_token import LIFETIMES, TokenInvalid
from domain.shared.ids import encode_id
from infrastructure.workers.jobs import JobWorker
from tests.support.crowd import statements
from tests.support.persons import (
    PASSWORD,
    finish_sign_ups,
    mailed_token,
    new_address,
    registered,
    sign_in,
    signed_up,
    unverified,
    user_id_of,
)
from tests.support.races import race
from tests.support.rows import Rows
from tests.support.stack import Stack

ATTACKERS = "an attacker waits here"


async def post(stack: Stack, email: str) -> list[Mail]:
    """Let the worker do everything that is due, and return the mails to one address."""
    before = len(stack.mailer.to(email))
    await JobWorker(stack.relay_database, dict(stack.post), clock=stack.clock).run_due_once()
    return stack.mailer.to(email)[before:]


def token_in(mail: Mail) -> str:
    """Return the token that a mail carries."""
    found = re.search(r"stoa_tok_[0-9A-Za-z]{39}", mail.text)
    assert found is not None
    return found[0]


async def register(stack: Stack, email: str, password: str, name: str = "Ada Lind") -> None:
    await stack.run("users.register", PUBLIC_ACTOR, email=email, name=name, password=password)


# -- an account that somebody else registered first ------------------------------------------------


async def test_a_verification_does_not_activate_an_attackers_password(stack: Stack) -> None:
    """The owner who follows the mail does not know the password, and so the account stays shut for its maker."""
    email = new_address()
    token = await mailed_token(stack, VERIFY_EMAIL, await unverified(stack, email, password=ATTACKERS))
    for given in ({}, {"password": PASSWORD}):
        with pytest.raises(CredentialsInvalid):
            await stack.run("account.verify_email", PUBLIC_ACTOR, token=token, **given)
    account = await stack.run("users.get", operator(), id=encode_id("usr", await user_id_of(stack, email)))
    assert account["email_verified_at"] is None
    # Neither of the refusals has used the token up.
    await stack.run("account.verify_email", PUBLIC_ACTOR, token=token, password=ATTACKERS)


async def test_the_owner_takes_over_what_an_attacker_registered(stack: Stack) -> None:
    """Registering again brings a mail to choose the password by; then the attacker's opens nothing, and no old mail."""
    email = new_address()
    await register(stack, email, ATTACKERS)
    (first,) = await post(stack, email)
    await register(stack, email, PASSWORD)
    (second,) = await post(stack, email)
    assert [first.subject, second.subject] == ["Verify your e-mail address", "Finish your registration"]
    assert "/recover-password?token=" in second.text
    await stack.run("account.recover_password", PUBLIC_ACTOR, token=token_in(second), password=PASSWORD)
    await sign_in(stack, email, PASSWORD)
    with pytest.raises(CredentialsInvalid):
        await sign_in(stack, email, ATTACKERS)
    with pytest.raises(TokenInvalid):
        await stack.run("account.verify_email", PUBLIC_ACTOR, token=token_in(first), password=PASSWORD)


async def test_a_known_address_has_no_password_mailed_once_it_is_verified(stack: Stack) -> None:
    """Verified, its owner is only told; a mail on its way when it is verified carries no token either."""
    person = await signed_up(stack)
    await register(stack, person.email, ATTACKERS)
    (told,) = await post(stack, person.email)
    assert (told.subject, "stoa_tok_" in told.text) == ("You have an account already", False)
    await stack.post[FINISH_SIGN_UP](PLATFORM, person.user_id)
    assert stack.mailer.to(person.email)[-1] == told


async def test_a_password_is_not_guessed_at_the_verification(fresh_stack: Stack) -> None:
    """Attempts are limited as at the door, and counted together with those."""
    stack, email = fresh_stack, new_address()
    token = await mailed_token(stack, VERIFY_EMAIL, await unverified(stack, email))
    raced = await race(
        stack.run("account.verify_email", PUBLIC_ACTOR, token=token, password=f"not this one {n}") for n in range(12)
    )
    assert raced.lost == {"credentials_invalid": FREE_ATTEMPTS, "sign_in_locked": 12 - FREE_ATTEMPTS}
    with pytest.raises(SignInLocked):
        await sign_in(stack, email)
    with pytest.raises(SignInLocked):
        await stack.run("account.verify_email", PUBLIC_ACTOR, token=token, password=PASSWORD)


async def test_whoever_recovers_signs_in_at_once(stack: Stack) -> None:
    """Also when somebody has closed the door before by trying passwords."""
    person = await signed_up(stack)
    token = await mailed_token(stack, RECOVER_PASSWORD, person.user_id)
    await race(sign_in(stack, person.email, f"not this one {n}") for n in range(12))
    with pytest.raises(SignInLocked):
        await sign_in(stack, person.email)
    await stack.run("account.recover_password", PUBLIC_ACTOR, token=token, password=f"{PASSWORD} again")
    await sign_in(stack, person.email, f"{PASSWORD} again")


async def test_who_has_no_password_yet_verifies_without_one(stack: Stack) -> None:
    """The operator registers people without a password; theirs is chosen by recovering."""
    created = await stack.run("users.create", operator(), email=new_address(), name="Ada Lind")
    user_id = await user_id_of(stack, str(created["email"]))
    token = await mailed_token(stack, VERIFY_EMAIL, user_id)
    await stack.run("account.verify_email", PUBLIC_ACTOR, token=token)


async def test_two_who_register_one_address_at_once_make_one_account(stack: Stack, rows: Rows) -> None:
    """Both get the same answer; one is registered, for the other the owner is asked, and no sign-up is left."""
    email = new_address()
    await asyncio.gather(*(register(stack, email, f"{PASSWORD} {n}") for n in range(4)))
    await finish_sign_ups(stack)
    assert len(await rows.query(f"SELECT id FROM users WHERE email = '{email}'")) == 1
    assert await rows.query(f"SELECT id FROM sign_ups WHERE email = '{email}'") == []


# -- mails that carry a stranger's words -----------------------------------------------------------


async def test_the_name_of_an_unverified_account_is_in_no_mail(stack: Stack) -> None:
    """Whoever registers with a stranger's address cannot write to them; verified people are greeted by their name."""
    email, words = new_address(), "You have won a car"
    user_id = await unverified(stack, email, name=words)
    for kind in sorted(MAILS):
        await stack.post[kind](PLATFORM, user_id)
    mails = stack.mailer.to(email)
    assert len(mails) == len(MAILS)
    assert all(words not in f"{mail.subject}{mail.text}{mail.html}" for mail in mails)
    person = await signed_up(stack)
    await mailed_token(stack, RECOVER_PASSWORD, person.user_id)
    assert "Hello Ada Lind," in stack.mailer.to(person.email)[-1].text


# -- too many mails --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["account.request_recovery", "account.request_verification"])
async def test_nobody_gets_more_than_five_mails_of_a_kind_in_an_hour(name: str, fresh_stack: Stack) -> None:
    """However often and however fast somebody asks, every answer is the same; an hour later there are more."""
    # The past, since workers on PostgreSQL go by the database's clock: a job of the future is not due.
    stack, email, start = fresh_stack, new_address(), timedelta(hours=-2)
    stack.clock.shift = start - PER
    user_id = await unverified(stack, email)
    await post(stack, email)
    sent = len(stack.mailer.to(email))
    for shift in (start, start + PER - timedelta(minutes=1)):
        stack.clock.shift = shift
        for _ in range(9):
            assert await stack.run(name, PUBLIC_ACTOR, email=email) == {"email": email}
            await post(stack, email)
    assert len(stack.mailer.to(email)) - sent == MAX_MAILS
    stack.clock.shift = start + PER + timedelta(minutes=1)
    await stack.run(name, PUBLIC_ACTOR, email=email)
    assert len(await post(stack, email)) == 1
    assert user_id == await user_id_of(stack, email)


async def test_the_limit_is_for_any_hour_and_not_for_each(fresh_stack: Stack) -> None:
    """One mail, four at the end of the hour: when it is over there is one more, and not five."""
    stack = fresh_stack
    email = new_address()
    await registered(stack, email)
    sent = []
    for minutes, times in ((0, 1), (59, 9), (61, 9)):
        stack.clock.shift = timedelta(hours=-2, minutes=minutes)
        before = len(stack.mailer.to(email))
        for _ in range(times):
            await stack.run("account.request_recovery", PUBLIC_ACTOR, email=email)
            await post(stack, email)
        sent.append(len(stack.mailer.to(email)) - before)
    assert sent == [1, 4, 1]


async def test_mails_asked_for_at_once_are_all_counted(stack: Stack) -> None:
    """Of forty takers at the same moment five may have one sent."""
    subject = str(stack.ids.new())

    async def take(_: int) -> bool:
        async with stack.units(operator(), use_case="tests.take", request_id="r") as uow:
            taken = await uow.mail_limits.take(RECOVER_PASSWORD, subject)
            await uow.commit()
            return taken

    assert sum(await asyncio.gather(*(take(n) for n in range(40)))) == MAX_MAILS


async def test_a_mail_that_was_not_committed_is_not_counted(stack: Stack) -> None:
    """What is rolled back was not sent; another kind, and another subject, are counted for themselves."""
    subject = str(stack.ids.new())
    for committed in (False, True):
        for _ in range(MAX_MAILS):
            async with stack.units(operator(), use_case="tests.take", request_id="r") as uow:
                assert await uow.mail_limits.take(RECOVER_PASSWORD, subject)
                if committed:
                    await uow.commit()
    async with stack.units(operator(), use_case="tests.take", request_id="r") as uow:
        assert not await uow.mail_limits.take(RECOVER_PASSWORD, subject)
        assert await uow.mail_limits.take(VERIFY_EMAIL, subject)
        assert await uow.mail_limits.take(RECOVER_PASSWORD, f"{subject}x")


async def test_registering_again_and_again_fills_nobodys_inbox(stack: Stack) -> None:
    """Neither with a verified address nor with one that is not."""
    person, waiting = await signed_up(stack), new_address()
    await unverified(stack, waiting)
    for email, kind in ((person.email, KNOWN_ADDRESS), (waiting, FINISH_SIGN_UP)):
        await post(stack, email)
        for _ in range(MAX_MAILS + 2):
            await register(stack, email, PASSWORD)
        assert len(await post(stack, email)) <= 1
        for _ in range(MAX_MAILS + 2):
            await register(stack, email, PASSWORD)
            await post(stack, email)
        assert len([m for m in stack.mailer.to(email) if m.subject in SUBJECTS[kind]]) <= MAX_MAILS


SUBJECTS = {KNOWN_ADDRESS: "You have an account already", FINISH_SIGN_UP: "Finish your registration"}


def test_a_token_outlasts_the_hour_in_which_no_other_is_sent() -> None:
    """Else five requests of an attacker would leave the owner without any that works."""
    assert all(lifetime >= PER for lifetime in LIFETIMES.values())


async def test_invitations_to_one_address_are_limited_too(stack: Stack) -> None:
    """Inviting and revoking in a loop, from however many organizations, sends five mails."""
    email = new_address()
    for _ in range(MAX_MAILS + 3):
        organization = await stack.organization()
        await stack.run("invitations.create", organization, email=email, role="member")
        await post(stack, email)
    assert len(stack.mailer.to(email)) == MAX_MAILS


# -- how long it takes -----------------------------------------------------------------------------


async def test_registering_does_the_same_for_every_address(stack: Stack) -> None:
    """A registration sends the very same statements for a verified address, an unverified and a new one."""
    person, waiting = await signed_up(stack), new_address()
    await unverified(stack, waiting)
    seen = []
    for email in (person.email, waiting, new_address()):
        with statements() as sent:
            await register(stack, email, PASSWORD)
        seen.append(list(sent))
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("name", ["account.request_recovery", "account.request_verification"])
async def test_asking_for_a_mail_does_the_same_for_every_address(name: str, stack: Stack) -> None:
    """Also when there were too many: known, unknown and exhausted addresses cost the same statements."""
    person, exhausted = await signed_up(stack), await signed_up(stack)
    for _ in range(MAX_MAILS):
        await stack.run(name, PUBLIC_ACTOR, email=exhausted.email)
    seen = []
    for email in (person.email, new_address(), exhausted.email):
        with statements() as sent:
            await stack.run(name, PUBLIC_ACTOR, email=email)
        seen.append(list(sent))
    assert seen[0] == seen[1] == seen[2]


async def test_a_sign_up_that_is_finished_is_finished(stack: Stack) -> None:
    """The job that comes back after a crash finds nothing to do."""
    await register(stack, email := new_address(), PASSWORD)
    await finish_sign_ups(stack)
    user_id = await user_id_of(stack, email)
    await stack.post[SIGN_UP](PLATFORM, user_id)
    assert await user_id_of(stack, email) == user_id
