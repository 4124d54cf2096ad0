"""People who sign in for real: registered, verified by mail, and holding a session's token."""

import re
from dataclasses import dataclass
from uuid import UUID, uuid4

from application.identity.person_mails import VERIFY_EMAIL
from application.identity.sign_up import SIGN_UP
from application.kernel.actor import PLATFORM, PUBLIC_ACTOR, Actor, operator
from domain.shared.ids import OrganizationId, SessionId, UserId, decode_id, encode_id
from infrastructure.workers.jobs import JobWorker
from tests.support.stack import Stack

PASSWORD = "four green boats at noon"
_TOKEN = re.compile(r"stoa_tok_[0-9A-Za-z]{39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody signed in: ``token`` is the session's, ``actor`` acts for themselves and for no organization."""

    user_id: UserId
    email: str
    password: str
    session_id: SessionId
    token: str
    actor: Actor

    @property
    def id(self) -> str:
        """Return the person's id as it is shown outside."""
        return encode_id("usr", self.user_id)


def new_address(name: str = "ada") -> str:
    """Return an address that nobody has."""
    return f"{name}-{uuid4().hex[:12]}@harbour.example"


async def user_id_of(stack: Stack, email: str) -> UserId:
    """Return who has an address, as the operator sees it."""
    opened = stack.units(operator(), use_case="tests.look", request_id=str(uuid4()), read_only=True)
    async with opened as uow:
        user = await uow.users.get_by_email(email)
    assert user is not None
    return user.id


async def finish_sign_ups(stack: Stack) -> int:
    """Let the worker see to all sign-ups, and return how many there were; their mails are not sent yet."""
    return await JobWorker(stack.relay_database, {SIGN_UP: stack.post[SIGN_UP]}, clock=stack.clock).run_due_once()


async def unverified(stack: Stack, email: str, *, name: str = "Ada Lind", password: str = PASSWORD) -> UserId:
    """Register somebody who has not verified their address, and return who has the address then."""
    await stack.run("users.register", PUBLIC_ACTOR, email=email, name=name, password=password)
    await finish_sign_ups(stack)
    return await user_id_of(stack, email)


async def mailed_token(stack: Stack, kind: str, user_id: UUID) -> str:
    """Let the worker send one kind of mail to a person, and return the token in it."""
    before = len(stack.mailer.mails)
    await stack.post[kind](PLATFORM, user_id)
    found = _TOKEN.search(stack.mailer.mails[before].text)
    assert found is not None
    return found[0]


async def registered(stack: Stack, email: str | None = None, password: str = PASSWORD) -> UserId:
    """Register somebody who has verified their address, and has not signed in yet."""
    address = email or new_address()
    user_id = await unverified(stack, address, password=password)
    token = await mailed_token(stack, VERIFY_EMAIL, user_id)
    await stack.run("account.verify_email", PUBLIC_ACTOR, token=token, password=password)
    return user_id


async def sign_in(stack: Stack, email: str, password: str = PASSWORD) -> Person:
    """Sign somebody in once more."""
    opened = await stack.run("sessions.create", PUBLIC_ACTOR, email=email, password=password, name="Firefox at home")
    token = str(opened["secret"])
    actor = await stack.authenticate(token)
    return Person(
        user_id=actor.person, email=email, password=password, token=token, actor=actor,
        session_id=SessionId(decode_id("ses", str(opened["id"]))),
    )  # fmt: skip


async def signed_up(stack: Stack, email: str | None = None, password: str = PASSWORD) -> Person:
    """Register somebody, verify their address and sign them in."""
    address = email or new_address()
    await registered(stack, address, password)
    return await sign_in(stack, address, password)


async def join(stack: Stack, person: Person, organization: Actor, role: str = "owner") -> Actor:
    """Make somebody a member, and return them as they act in the organization."""
    await stack.run(
        "members.add", operator(), organization_id=encode_id("org", organization.organization_id),
        email=person.email, name="Ada Lind", role=role,
    )  # fmt: skip
    return await stack.authenticate(person.token, OrganizationId(organization.organization_id))
