"""A session's token over HTTP: whom it makes of its bearer, and in which organization."""

from collections.abc import AsyncIterator

import pytest

from domain.shared.ids import encode_id
from tests.contracts.detector import Seen
from tests.support.http import HttpFace, http_face
from tests.support.persons import join, new_address, signed_up
from tests.support.stack import Stack

PASSWORD = "four green boats at noon"


@pytest.fixture(scope="module")
async def http(stack: Stack) -> AsyncIterator[HttpFace]:
    """Return the HTTP face."""
    async with http_face(stack) as face:
        yield face


async def test_a_session_acts_in_the_organization_that_the_header_names(stack: Stack, http: HttpFace) -> None:
    """With the header it is a member of that organization, without it a person who has none."""
    organization, person = await stack.organization(), await signed_up(stack)
    await join(stack, person, organization, "member")
    named = {"stoa-organization": encode_id("org", organization.organization_id)}
    created = await http.send("products.create", {"name": "Espresso blend"}, key=person.token, headers=named)
    assert created.status_code == 201, created.text
    unnamed = await http.send("products.list", {}, key=person.token)
    assert (unnamed.status_code, unnamed.json()["code"]) == (403, "scope_missing")
    for headers in (named, {}):
        account = await http.send("account.get", {}, key=person.token, headers=headers)
        assert account.json()["id"] == person.id


async def test_a_foreign_organization_answers_byte_for_byte_like_an_absent_one(stack: Stack, http: HttpFace) -> None:
    """Neither for a session nor for another organization's key is there anything to tell them apart."""
    person, foreign = await signed_up(stack), await stack.organization()
    own = await stack.organization()
    key = str((await stack.run("api_keys.create", own, name="Shop", scopes=["products:read"]))["secret"])
    for secret in (person.token, key):
        seen = [
            Seen.of(await http.send("products.list", {}, key=secret, headers={"stoa-organization": organization}))
            for organization in (
                encode_id("org", foreign.organization_id), encode_id("org", stack.ids.new()),
            )
        ]  # fmt: skip
        assert seen[0] == seen[1]
        assert (seen[0].status, "organization_not_found" in seen[0].body) == (404, True)
    mine = {"stoa-organization": encode_id("org", own.organization_id)}
    assert (await http.send("products.list", {}, key=key, headers=mine)).status_code == 200
    await stack.authenticate.settle()


@pytest.mark.parametrize("value", ["", "demo", "org_", "prod_01m7xqdwdxecebcwzk30ktqpss"])
async def test_what_names_no_organization_is_refused(value: str, stack: Stack, http: HttpFace) -> None:
    """The header is an organization's id, and nothing else."""
    person = await signed_up(stack)
    refused = await http.send("account.get", {}, key=person.token, headers={"stoa-organization": value})
    assert (refused.status_code, refused.json()["code"]) == (400, "header_malformed")


async def test_signing_in_and_out_over_http(stack: Stack, http: HttpFace) -> None:
    """Every sign-in is a session of its own, whatever key it carries; revoked, it opens nothing."""
    person = await signed_up(stack)
    fields = {"email": person.email, "password": person.password}
    first = await http.send("sessions.create", fields, key=None, idempotency_key="one")
    again = await http.send("sessions.create", fields, key=None, idempotency_key="one")
    assert (first.status_code, again.status_code) == (201, 201)
    token = first.json()["secret"]
    assert again.json()["id"] != first.json()["id"]
    assert first.headers["location"] == f"/v1/sessions/{first.json()['id']}"
    assert (await http.send("sessions.revoke", {"id": first.json()["id"]}, key=token)).status_code == 200
    assert (await http.send("account.get", {}, key=token)).json()["code"] == "session_revoked"


async def test_an_unknown_address_answers_byte_for_byte_like_a_wrong_password(stack: Stack, http: HttpFace) -> None:
    """Status, headers and body are the same."""
    person = await signed_up(stack)
    seen = [
        Seen.of(await http.send("sessions.create", {"email": email, "password": "not this one"}, key=None))
        for email in (person.email, new_address())
    ]
    assert seen[0] == seen[1]
    assert seen[0].status == 401


async def test_too_many_attempts_say_when_to_come_back(stack: Stack, http: HttpFace) -> None:
    """The refusal is a 429 with Retry-After."""
    fields = {"email": new_address(), "password": "not this one"}
    answers = [await http.send("sessions.create", fields, key=None) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 30
