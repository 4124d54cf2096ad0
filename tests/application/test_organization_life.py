"""Organizations of people: founding, settings, suspension, leaving, handing over and closing."""

from uuid import uuid4

import pytest

from application.kernel.actor import PLATFORM, TENANT_SCOPES, operator
from domain.identity.membership import LastOwner, OwnMembership, Role, RoleAboveOwn
from domain.identity.organization import (
    OrganizationClosed,
    OrganizationEnded,
    OrganizationSlugTaken,
    OrganizationSuspended,
    SlugMismatch,
)
from domain.shared.errors import EntityNotFoundError, InsufficientPermissions, NotFound
from domain.shared.ids import encode_id
from tests.support.http import HttpFace
from tests.support.people import member, owner_of, person, themselves
from tests.support.races import race
from tests.support.stack import Body, Stack


def slug() -> str:
    return f"harbour-{uuid4().hex[:12]}"


async def test_a_person_founds_an_organization_and_owns_it(stack: Stack) -> None:
    """It is among their organizations, they are its owner, and nobody else sees it among theirs."""
    ada, ben = await person(stack), await person(stack)
    made = await stack.run("account.create_organization", ada, name="Harbour", slug=slug(), default_currency="EUR")
    assert (made["status"], made["time_zone"], made["order_expiry_minutes"]) == ("active", "UTC", 1440)
    own = await stack.run("account.list_organizations", ada)
    assert [(each["id"], each["role"]) for each in own["data"]] == [(made["id"], "owner")]  # type: ignore[attr-defined]  # reason: a list
    assert (await stack.run("account.list_organizations", ben))["data"] == []


async def test_one_slug_is_one_organizations(stack: Stack) -> None:
    """Of ten people who want the same one at once, one gets it; the operator finds it by it."""
    people, wanted = [await person(stack) for _ in range(10)], slug()
    raced = await race(
        stack.run("account.create_organization", each, name="H", slug=wanted, default_currency="EUR") for each in people
    )
    assert (len(raced.won), raced.lost) == (1, {OrganizationSlugTaken.code: 9})
    found = await stack.run("organizations.get_by_slug", operator(), slug=f" {wanted.upper()}")
    assert found["id"] == raced.won[0]["id"]
    with pytest.raises(NotFound):
        await stack.run("organizations.get_by_slug", operator(), slug=slug())


async def test_two_people_may_use_one_idempotency_key(stack: Stack) -> None:
    """A key is its person's own: the same key and fields of somebody else are another request."""
    ada, ben = await person(stack), await person(stack)
    wanted, key = slug(), str(uuid4())
    fields = {"name": "Harbour", "slug": wanted, "default_currency": "EUR"}
    made = await stack.run_once(key, "account.create_organization", ada, **fields)
    again = await stack.run_once(key, "account.create_organization", ada, **fields)
    assert again["id"] == made["id"]
    with pytest.raises(OrganizationSlugTaken):
        await stack.run_once(key, "account.create_organization", ben, **fields)


async def test_no_key_acts_for_a_person(stack: Stack) -> None:
    """However many scopes it has: founding, leaving and closing are for somebody who is signed in."""
    organization = await stack.organization()
    issued = await stack.run("api_keys.create", organization, name="All", scopes=sorted(TENANT_SCOPES))
    actor = await stack.authenticate(str(issued["secret"]))
    with pytest.raises(InsufficientPermissions):
        await stack.run("account.create_organization", actor, name="H", slug=slug(), default_currency="EUR")
    # Also the machine's operator, who has every scope, is nobody in person.
    with pytest.raises(InsufficientPermissions):
        await stack.run("account.create_organization", organization, name="H", slug=slug(), default_currency="EUR")
    await stack.authenticate.settle()


async def test_settings_are_kept_in_canonical_form(stack: Stack) -> None:
    """What was not mentioned stays, null takes an optional one away, and the audit entry has the new values."""
    organization = await stack.organization()
    changed = await stack.run(
        "organizations.update", organization, expected_version=1, time_zone="Europe/Lisbon", locale="PT-pt",
        support_email=" Help@Harbour.Example", statement_descriptor="harbour  coffee", order_expiry_minutes=30,
        metadata={"tier": "b"},
    )  # fmt: skip
    kept = ("time_zone", "locale", "support_email", "statement_descriptor", "order_expiry_minutes", "metadata")
    wanted = ["Europe/Lisbon", "pt-PT", "help@harbour.example", "HARBOUR COFFEE", 30, {"tier": "b"}]
    assert [changed[name] for name in kept] == wanted
    again = await stack.run("organizations.update", organization, expected_version=2, support_email=None)
    assert [again[name] for name in kept] == [None if name == "support_email" else changed[name] for name in kept]
    entries = await stack.run("audit_entries.list", organization, action="organizations.update", sort="occurred_at")
    assert entries["data"][0]["changes"]["time_zone"] == "Europe/Lisbon"  # type: ignore[index]  # reason: a list


async def test_a_suspended_organizations_key_is_refused_until_it_is_reactivated(stack: Stack, http: HttpFace) -> None:
    """403 with a code of its own from the very next request on, and as before afterwards."""
    organization = await stack.organization()
    issued = await stack.run("api_keys.create", organization, name="All", scopes=sorted(TENANT_SCOPES))
    key, id_ = str(issued["secret"]), encode_id("org", organization.organization_id)
    assert (await http.send("organizations.get", {}, key=key)).status_code == 200
    await stack.run("organizations.suspend", operator(), id=id_, reason="Chargebacks above the limit.")
    refused = await http.send("organizations.get", {}, key=key)
    assert (refused.status_code, refused.json()["code"]) == (403, OrganizationSuspended.code)
    shown = await stack.run("organizations.get", organization)
    assert (shown["status"], shown["suspended_reason"]) == ("suspended", "Chargebacks above the limit.")
    await stack.run("organizations.reactivate", operator(), id=id_)
    assert (await http.send("organizations.get", {}, key=key)).status_code == 200
    await stack.authenticate.settle()


async def test_a_closed_organization_opens_to_no_key_and_not_again(stack: Stack, http: HttpFace) -> None:
    """Its owner closes it by spelling out its slug; it stays on record, among the owner's organizations too."""
    organization = await stack.organization()
    issued = await stack.run("api_keys.create", organization, name="All", scopes=sorted(TENANT_SCOPES))
    owner, id_ = (await owner_of(stack, organization))[0], encode_id("org", organization.organization_id)
    present = await stack.run("organizations.get", organization)
    with pytest.raises(SlugMismatch):
        await stack.run("account.close_organization", themselves(owner), organization_id=id_, slug="harbour")
    closed = await stack.run(
        "account.close_organization", themselves(owner), organization_id=id_, slug=str(present["slug"])
    )
    assert closed["status"] == "closed"
    refused = await http.send("organizations.get", {}, key=str(issued["secret"]))
    assert (refused.status_code, refused.json()["code"]) == (403, OrganizationClosed.code)
    with pytest.raises(OrganizationEnded):
        await stack.run("organizations.reactivate", operator(), id=id_)
    own = await stack.run("account.list_organizations", themselves(owner))
    assert [each["status"] for each in own["data"]] == ["closed"]  # type: ignore[attr-defined]  # reason: a list


async def test_only_an_owner_closes(stack: Stack) -> None:
    """An admin may do nearly everything, and not that."""
    organization = await stack.organization()
    admin, _ = await member(stack, organization, Role.ADMIN)
    present = await stack.run("organizations.get", organization)
    with pytest.raises(RoleAboveOwn):
        await stack.run(
            "account.close_organization", themselves(admin), organization_id=present["id"], slug=present["slug"]
        )


async def test_leaving_is_for_everybody_but_the_last_owner(stack: Stack) -> None:
    """A member who left is no member; the owner has to hand over first."""
    organization = await stack.organization()
    owner, _ = await owner_of(stack, organization)
    viewer, membership = await member(stack, organization, Role.VIEWER)
    id_ = encode_id("org", organization.organization_id)
    left = await stack.run("account.leave_organization", themselves(viewer), organization_id=id_)
    assert left["id"] == membership["id"]
    assert (await stack.run("account.list_organizations", themselves(viewer)))["data"] == []
    with pytest.raises(EntityNotFoundError):
        await stack.run("members.get", organization, id=membership["id"])
    with pytest.raises(LastOwner):
        await stack.run("account.leave_organization", themselves(owner), organization_id=id_)


async def test_ownership_is_handed_over_at_once(stack: Stack) -> None:
    """The new owner owns, the old one is an admin, and the organization tells of it."""
    organization = await stack.organization()
    owner, old = await owner_of(stack, organization)
    _, new = await member(stack, organization, Role.VIEWER)
    id_ = encode_id("org", organization.organization_id)
    await stack.run(
        "account.transfer_ownership", themselves(owner), organization_id=id_, membership_id=new["id"]
    )  # fmt: skip
    roles = {each: (await stack.run("members.get", organization, id=each))["role"] for each in (old["id"], new["id"])}
    assert roles == {old["id"]: "admin", new["id"]: "owner"}
    with pytest.raises(RoleAboveOwn):
        await stack.run("account.transfer_ownership", themselves(owner), organization_id=id_, membership_id=new["id"])


async def test_an_owner_hands_over_to_a_member_and_not_to_themselves(stack: Stack) -> None:
    """Nobody outside, nobody of another organization, and not the owner themselves."""
    organization, other = await stack.organization(), await stack.organization()
    owner, own = await owner_of(stack, organization)
    _, stranger = await owner_of(stack, other)
    id_ = encode_id("org", organization.organization_id)
    for to, error in ((own, OwnMembership), (stranger, EntityNotFoundError)):
        with pytest.raises(error):
            await stack.run(
                "account.transfer_ownership", themselves(owner), organization_id=id_, membership_id=to["id"]
            )


@pytest.mark.parametrize("name", ["leave_organization", "transfer_ownership", "close_organization"])
async def test_an_organization_one_is_no_member_of_is_absent(name: str, stack: Stack) -> None:
    """Somebody else's and one that never was are answered alike, whatever was asked."""
    organization = await stack.organization()
    present = await stack.run("organizations.get", organization)
    _, theirs = await owner_of(stack, organization)
    stranger = await person(stack)
    more: dict[str, Body] = {"transfer_ownership": {"membership_id": theirs["id"]}}
    more["close_organization"] = {"slug": present["slug"]}
    said = []
    for id_ in (present["id"], encode_id("org", uuid4())):
        with pytest.raises(NotFound) as refused:
            await stack.run(f"account.{name}", stranger, organization_id=id_, **more.get(name, {}))
        said.append((refused.type, refused.value.message, refused.value.details))
    assert said[0] == said[1]
    assert stranger.organization_id == PLATFORM


async def test_the_database_tells_nobody_of_another_persons_organizations(pg_stack: Stack) -> None:
    """The functions across tenants answer the person of the transaction only, whatever the application asks."""
    organization = await pg_stack.organization()
    (ada, of_ada), ben = await owner_of(pg_stack, organization), await person(pg_stack)
    email = str((await member(pg_stack, organization, Role.VIEWER))[1]["email"])
    await pg_stack.run("invitations.create", await pg_stack.organization(), email=email, role="viewer")
    for caller, known in ((themselves(ada), 1), (ben, 0)):
        async with pg_stack.units(caller, use_case="tests.look", request_id="r", read_only=True) as uow:
            assert len(await uow.memberships.organizations_of(ada.person)) == known
            assert await uow.invitations.invitations_for(email) == []
    assert of_ada["role"] == "owner"
