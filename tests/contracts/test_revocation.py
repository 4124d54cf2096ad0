"""What was taken back opens nothing on the very next request, also in a process that did not hear of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

import pytest

from application.identity.person_mails import RECOVER_PASSWORD
from application.kernel.actor import PUBLIC_ACTOR, TENANT_SCOPES, Actor, operator
from domain.shared.ids import OrganizationId, SessionId, encode_id
from tests.support.databases import TestDatabases
from tests.support.http import HttpFace, http_face
from tests.support.persons import Person, join, mailed_token, registered, sign_in
from tests.support.stack import Body, Stack, open_stack

FULL_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Two:
    """Two processes on one database: what one is told, the other has only the database to know it from."""

    here: Stack
    there: HttpFace


@pytest.fixture(scope="module")
async def two(test_databases: TestDatabases) -> AsyncIterator[Two]:
    """Open both; nothing but the database is shared."""
    urls = test_databases.postgres()
    async with AsyncExitStack() as opened:
        here, there = [await opened.enter_async_context(open_stack(urls)) for _ in range(2)]
        yield Two(here, await opened.enter_async_context(http_face(there)))
        await there.authenticate.settle()


@dataclass(frozen=True, slots=True)
class Credential:
    """What opens something, in an organization, until ``take_back`` has run."""

    token: str
    organization: Actor
    take_back: Callable[[], Awaitable[object]]

    async def ask(self, there: HttpFace) -> tuple[int, str]:
        """Ask for something harmless; returns the status and the problem's code."""
        within = {"stoa-organization": encode_id("org", OrganizationId(self.organization.organization_id))}
        answer = await there.send("products.list", {}, key=self.token, headers=within)
        return answer.status_code, "" if answer.is_success else answer.json()["code"]


type Kind = Callable[[Stack], Awaitable[Credential]]


async def _key(stack: Stack) -> Credential:
    home = await stack.organization()
    issued = await stack.run("api_keys.create", home, name="Till", scopes=sorted(TENANT_SCOPES), expires_at=None)
    return Credential(str(issued["secret"]), home, lambda: stack.run("api_keys.revoke", home, id=issued["id"]))


async def _key_of_a_suspended_organization(stack: Stack) -> Credential:
    key = await _key(stack)
    home = encode_id("org", OrganizationId(key.organization.organization_id))
    suspend = lambda: stack.run("organizations.suspend", operator(), id=home, reason="Chargebacks.")  # noqa: E731 - one line
    return Credential(key.token, key.organization, suspend)


async def _member(stack: Stack) -> tuple[Person, Actor]:
    home, address = await stack.organization(), f"ada-{uuid4().hex[:12]}@harbour.example"
    await registered(stack, address)
    person = await sign_in(stack, address)
    await join(stack, person, home, "admin")
    return person, home


async def _session(stack: Stack) -> Credential:
    person, home = await _member(stack)
    session = encode_id("ses", SessionId(person.session_id))
    return Credential(person.token, home, lambda: stack.run("sessions.revoke", person.actor, id=session))


async def _session_of_a_suspended_person(stack: Stack) -> Credential:
    person, home = await _member(stack)
    suspend = lambda: stack.run("users.suspend", operator(), id=person.id)  # noqa: E731 - one line
    return Credential(person.token, home, suspend)


async def _session_before_a_recovery(stack: Stack) -> Credential:
    person, home = await _member(stack)

    async def recover() -> None:
        token = await mailed_token(stack, RECOVER_PASSWORD, person.user_id)
        await stack.run("account.recover_password", PUBLIC_ACTOR, token=token, password="seven red boats at noon")

    return Credential(person.token, home, recover)


async def _removed_member(stack: Stack) -> Credential:
    person, home = await _member(stack)

    async def remove() -> None:
        page = await stack.run("members.list", home, limit=100)
        place = next(each for each in cast("list[Body]", page["data"]) if each["user_id"] == person.id)
        await stack.run("members.remove", home, id=place["id"])

    return Credential(person.token, home, remove)


KINDS: dict[str, tuple[Kind, tuple[int, str], int]] = {
    "a revoked key": (_key, (401, "api_key_revoked"), 50),
    "a key of a suspended organization": (_key_of_a_suspended_organization, (403, "organization_suspended"), 10),
    "a revoked session": (_session, (401, "session_revoked"), 20),
    "a session of a suspended person": (_session_of_a_suspended_person, (401, "unauthenticated"), 10),
    "a session from before a recovery": (_session_before_a_recovery, (401, "session_revoked"), 5),
    "a session of a removed member": (_removed_member, (404, "organization_not_found"), 10),
}
"""How each is made, what it is answered once it was taken back, and how often that is tried in the short form."""


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_taken_back_is_refused_on_the_next_request(
    kind: str, two: Two, pytestconfig: pytest.Config
) -> None:
    """It opened a moment ago in another process; it is taken back here; there it never opens again: all of them."""
    make, refusal, times = KINDS[kind]
    answers = []
    for _ in range(FULL_LENGTH if pytestconfig.getoption("--faults") else times):
        credential = await make(two.here)
        assert await credential.ask(two.there) == (200, "")
        await credential.take_back()
        answers.append(await credential.ask(two.there))
    assert set(answers) == {refusal}
    await two.here.authenticate.settle()
