"""People and keys at the same moment, on both databases: effects are counted in the tables."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from application.kernel.actor import Actor
from domain.identity.membership import Role
from domain.shared.ids import decode_id, encode_id
from tests.support.people import address, member, owner_of, person, themselves
from tests.support.races import race
from tests.support.rows import Rows
from tests.support.stack import Body, Stack

ROUNDS = 10


async def roles(rows: Rows, organization: Actor) -> Counter[str]:
    """Count the organization's members by their role."""
    return Counter(str(row["role"]) for row in await rows.of("memberships", organization.organization_id))


async def two_owners(stack: Stack) -> tuple[Actor, list[tuple[Actor, Body]]]:
    """Return an organization with exactly two owners."""
    organization = await stack.organization()
    return organization, [await owner_of(stack, organization), await member(stack, organization, Role.OWNER)]


async def test_two_owners_removed_at_once_leave_one(stack: Stack, rows: Rows) -> None:
    """Each removes the other: one of them is refused, every time."""
    for n in range(ROUNDS):
        organization, owners = await two_owners(stack)
        (one, first), (two, second) = owners if n % 2 else reversed(owners)
        raced = await race(
            [
                stack.run("members.remove", one, id=second["id"]),
                stack.run("members.remove", two, id=first["id"]),
            ]
        )
        assert len(raced.won) == 1, raced
        # The loser is no member any more, or hears that the organization would be left without an owner.
        assert raced.lost.keys() <= {"last_owner", "not_found"}
        assert (await roles(rows, organization))["owner"] == 1


async def test_two_owners_who_leave_are_demoted_or_hand_over_at_once_leave_one(stack: Stack, rows: Rows) -> None:
    """Whatever ways out they choose at the same moment, somebody owns the organization afterwards."""
    for _ in range(ROUNDS):
        organization, owners = await two_owners(stack)
        (one, first), (two, second) = owners
        _, viewer = await member(stack, organization, Role.VIEWER)
        id_ = encode_id("org", organization.organization_id)
        demotion = {"role": "viewer", "expected_version": 1}
        await race(
            [
                stack.run("account.leave_organization", themselves(one), organization_id=id_),
                stack.run("members.update_role", two, id=second["id"], **demotion),
                stack.run("members.update_role", organization, id=first["id"], **demotion),
                stack.run("account.leave_organization", themselves(two), organization_id=id_),
                stack.run(
                    "account.transfer_ownership", themselves(one), organization_id=id_, membership_id=viewer["id"]
                ),
            ]
        )
        assert (await roles(rows, organization))["owner"] >= 1


async def test_an_ownership_is_handed_over_to_one(stack: Stack, rows: Rows) -> None:
    """An owner who hands over to two people at once makes one of them the owner, and becomes an admin once."""
    for _ in range(ROUNDS):
        organization = await stack.organization()
        owner, _ = await owner_of(stack, organization)
        heirs = [(await member(stack, organization, Role.VIEWER))[1] for _ in range(2)]
        id_ = encode_id("org", organization.organization_id)
        raced = await race(
            stack.run("account.transfer_ownership", themselves(owner), organization_id=id_, membership_id=heir["id"])
            for heir in heirs
        )
        assert (len(raced.won), raced.lost) == (1, {"role_above_own": 1})
        assert await roles(rows, organization) == {"owner": 1, "admin": 1, "viewer": 1}


async def test_an_invitation_accepted_ten_times_at_once_makes_one_member(stack: Stack, rows: Rows) -> None:
    """One place, one acceptance, one entry of each in the log."""
    for _ in range(ROUNDS):
        organization, email = await stack.organization(), address()
        invitation = await stack.run("invitations.create", organization, email=email, role="member")
        ada = await person(stack, email)
        raced = await race(stack.run("account.accept_invitation", ada, id=invitation["id"]) for _ in range(10))
        assert (len(raced.won), raced.lost) == (1, {"invitation_ended": 9})
        assert await roles(rows, organization) == {"owner": 1, "member": 1}


async def test_an_invitation_is_accepted_or_revoked(stack: Stack, rows: Rows) -> None:
    """Whichever came first: a member and an accepted invitation, or neither."""
    for n in range(ROUNDS):
        organization, email = await stack.organization(), address()
        invitation = await stack.run("invitations.create", organization, email=email, role="member")
        ada = await person(stack, email)
        both = [
            stack.run("account.accept_invitation", ada, id=invitation["id"]),
            stack.run("invitations.revoke", organization, id=invitation["id"]),
        ]
        raced = await race(both if n % 2 else reversed(both))
        assert (len(raced.won), raced.lost) == (1, {"invitation_ended": 1})
        status = (await stack.run("invitations.get", organization, id=invitation["id"]))["status"]
        assert (await roles(rows, organization))["member"] == (1 if status == "accepted" else 0)


async def test_an_address_invited_ten_times_at_once_is_invited_once(stack: Stack, rows: Rows) -> None:
    """One invitation and one mail."""
    organization, email = await stack.organization(), address()
    raced = await race(
        stack.run("invitations.create", organization, email=email, role="member") for _ in range(10)
    )  # fmt: skip
    assert (len(raced.won), raced.lost) == (1, {"invitation_pending": 9})
    assert await rows.count("invitations", organization.organization_id) == 1


async def test_a_key_rotated_ten_times_at_once_has_one_successor(stack: Stack, rows: Rows) -> None:
    """Its line does not fork, and the other nine secrets never existed."""
    for _ in range(ROUNDS):
        organization = await stack.organization()
        key = await stack.run("api_keys.create", organization, name="Shop", scopes=["products:read"])
        raced = await race(stack.run("api_keys.rotate", organization, id=key["id"]) for _ in range(10))
        assert (len(raced.won), raced.lost) == (1, {"api_key_rotated": 9})
        kept = await rows.of("api_keys", organization.organization_id)
        line = {UUID(str(row["lineage_id"])) for row in kept}
        assert (len(kept), line) == (2, {decode_id("key", str(key["id"]))})


async def test_rotating_and_revoking_at_once_leaves_no_key_open_by_accident(stack: Stack, rows: Rows) -> None:
    """Revoked first, there is no successor; rotated first, the old key is revoked all the same."""
    for n in range(ROUNDS):
        organization = await stack.organization()
        key = await stack.run("api_keys.create", organization, name="Shop", scopes=["products:read"])
        both = [
            stack.run("api_keys.rotate", organization, id=key["id"]),
            stack.run("api_keys.revoke", organization, id=key["id"]),
        ]
        raced = await race(both if n % 2 else reversed(both))
        assert raced.lost.keys() <= {"api_key_ended"}
        kept: dict[UUID, datetime | None] = {}
        for row in await rows.of("api_keys", organization.organization_id):
            kept[UUID(str(row["id"]))] = row["revoked_at"]  # type: ignore[assignment]  # reason: a moment or its text
        assert kept[decode_id("key", str(key["id"]))] is not None
        assert len(kept) == 2 - raced.lost.total()
