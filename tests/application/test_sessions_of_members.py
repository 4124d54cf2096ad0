"""What happens to somebody's session when their place in an organization changes: over HTTP, on the next request."""

from typing import cast
from uuid import uuid4

import pytest

from application.kernel.actor import Actor, operator
from domain.shared.ids import OrganizationId, encode_id
from tests.support.http import HttpFace
from tests.support.persons import Person, join, signed_up
from tests.support.stack import Body, Stack


async def asked(http: HttpFace, person: Person, organization: Actor, name: str) -> tuple[int, str | None]:
    """Ask something as a person in an organization; returns the status and the problem's code."""
    headers = {"stoa-organization": encode_id("org", organization.organization_id)}
    response = await http.send(name, {}, key=person.token, headers=headers)
    return response.status_code, None if response.is_success else response.json()["code"]


async def membership_of(stack: Stack, organization: Actor, person: Person) -> Body:
    """Return a person's membership."""
    page = await stack.run("members.list", organization, limit=100)
    return next(each for each in cast("list[Body]", page["data"]) if each["user_id"] == person.id)


async def test_a_removed_member_is_refused_on_the_next_request(stack: Stack, http: HttpFace) -> None:
    """Their session still is theirs, and the organization is as absent as one that never was."""
    organization, person = await stack.organization(), await signed_up(stack)
    await join(stack, person, organization, "viewer")
    assert await asked(http, person, organization, "products.list") == (200, None)
    await stack.run("members.remove", organization, id=(await membership_of(stack, organization, person))["id"])
    assert await asked(http, person, organization, "products.list") == (404, "organization_not_found")
    never = operator(OrganizationId(uuid4()))
    assert await asked(http, person, never, "products.list") == (404, "organization_not_found")
    assert (await http.send("account.list_organizations", {}, key=person.token)).json()["data"] == []
    await stack.authenticate.settle()


async def test_a_changed_role_counts_from_the_next_request(stack: Stack, http: HttpFace) -> None:
    """Up and down, without signing in again."""
    organization, person = await stack.organization(), await signed_up(stack)
    await join(stack, person, organization, "viewer")
    membership = await membership_of(stack, organization, person)
    fields = {"name": "Espresso"}
    headers = {"stoa-organization": encode_id("org", organization.organization_id)}
    for version, (role, status) in enumerate([("member", 201), ("viewer", 403), ("admin", 201)], start=1):
        await stack.run(
            "members.update_role", organization, id=membership["id"], role=role, expected_version=version
        )  # fmt: skip
        response = await http.send("products.create", fields, key=person.token, headers=headers)
        assert response.status_code == status
    await stack.authenticate.settle()


@pytest.mark.parametrize("closed", [False, True])
async def test_a_stopped_organization_refuses_sessions_by_name(closed: bool, stack: Stack, http: HttpFace) -> None:
    """403 with a code, for its owner too, who can still see to their own account."""
    organization, person = await stack.organization(), await signed_up(stack)
    await join(stack, person, organization, "owner")
    present = await stack.run("organizations.get", organization)
    if closed:
        closing = {"organization_id": present["id"], "slug": present["slug"]}
        assert (await http.send("account.close_organization", closing, key=person.token)).status_code == 200
    else:
        await stack.run("organizations.suspend", operator(), id=present["id"], reason="Chargebacks.")
    code = "organization_closed" if closed else "organization_suspended"
    assert await asked(http, person, organization, "organizations.get") == (403, code)
    own = await http.send("account.list_organizations", {}, key=person.token)
    assert [each["status"] for each in own.json()["data"]] == [code.removeprefix("organization_")]
    await stack.authenticate.settle()


async def test_a_person_founds_an_organization_and_acts_in_it_at_once(stack: Stack, http: HttpFace) -> None:
    """One session, from an empty account to a first key."""
    person = await signed_up(stack)
    founding = {"name": "Harbour", "slug": f"harbour-{uuid4().hex[:10]}", "default_currency": "EUR"}
    made = await http.send("account.create_organization", founding, key=person.token)
    assert made.is_success, made.text
    headers = {"stoa-organization": made.json()["id"]}
    fields = {"name": "Till", "scopes": ["products:read"]}
    key = await http.send("api_keys.create", fields, key=person.token, headers=headers)
    assert key.status_code == 201, key.text
    assert (await http.send("products.list", {}, key=key.json()["secret"])).status_code == 200
    await stack.authenticate.settle()
