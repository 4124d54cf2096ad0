"""Who may make whom what, and that an organization is never without an owner."""

from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import pytest

from domain.identity.membership import LastOwner, Membership, OwnMembership, Role, RoleAboveOwn
from domain.identity.user import User
from domain.shared.ids import MembershipId, OrganizationId, UserId

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
ORGANIZATION = OrganizationId(UUID(int=2))
RANKS = list(Role)


def member(role: Role, number: int = 1) -> Membership:
    user = User.register(
        id=UserId(UUID(int=number)), organization_id=ORGANIZATION, email=f"m{number}@harbour.example", name="M", now=NOW
    )
    made = Membership.add(
        user, id=MembershipId(UUID(int=100 + number)), organization_id=ORGANIZATION, role=role, now=NOW
    )  # fmt: skip
    made.pull_events()
    return made


@pytest.mark.parametrize(("own", "present", "wanted"), list(product(Role, repeat=3)))
def test_nobody_gives_or_touches_a_role_above_their_own(own: Role, present: Role, wanted: Role) -> None:
    """Of all 64 cases exactly those pass in which both the old and the new role are within reach."""
    allowed = RANKS.index(own) <= min(RANKS.index(present), RANKS.index(wanted))
    touched = member(present)
    if allowed:
        touched.change_role(wanted, by=own, owners=2, now=NOW)
        assert touched.role is wanted
    else:
        with pytest.raises(RoleAboveOwn):
            touched.change_role(wanted, by=own, owners=2, now=NOW)
        assert touched.role is present


def test_the_last_owner_stays_an_owner() -> None:
    """Neither a demotion nor a removal leaves an organization to nobody; with a second owner both are fine."""
    last = member(Role.OWNER)
    with pytest.raises(LastOwner):
        last.change_role(Role.ADMIN, by=Role.OWNER, owners=1, now=NOW)
    with pytest.raises(LastOwner):
        last.remove(by=Role.OWNER, owners=1, now=NOW)
    last.change_role(Role.OWNER, by=Role.OWNER, owners=1, now=NOW)
    assert (last.role, last.pull_events()) == (Role.OWNER, [])
    last.remove(by=Role.OWNER, owners=2, now=NOW)
    assert [recorded.event.verb for recorded in last.pull_events()] == ["removed"]


def test_an_admin_cannot_remove_an_owner() -> None:
    """However many owners there are."""
    with pytest.raises(RoleAboveOwn):
        member(Role.OWNER).remove(by=Role.ADMIN, owners=5, now=NOW)


def test_the_role_somebody_has_changes_nothing() -> None:
    """No version, no event."""
    touched = member(Role.VIEWER)
    touched.change_role(Role.VIEWER, by=Role.ADMIN, owners=1, now=NOW)
    assert (touched.version, touched.pull_events()) == (1, [])


def test_ownership_changes_hands_at_once() -> None:
    """The new owner owns and the old one is an admin, also when there was only one."""
    old, new = member(Role.OWNER, 1), member(Role.VIEWER, 2)
    old.hand_over_to(new, NOW)
    assert (old.role, new.role) == (Role.ADMIN, Role.OWNER)


def test_only_an_owner_hands_over_and_to_somebody_else() -> None:
    """An admin has nothing to hand over, and an owner who hands over to themselves would end as an admin."""
    with pytest.raises(RoleAboveOwn):
        member(Role.ADMIN, 1).hand_over_to(member(Role.VIEWER, 2), NOW)
    owner = member(Role.OWNER, 1)
    with pytest.raises(OwnMembership):
        owner.hand_over_to(owner, NOW)
