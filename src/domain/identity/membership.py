"""A membership: a user's place in one organization."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.identity.user import User
from domain.shared.entity import Entity
from domain.shared.errors import BusinessRuleViolation, DuplicateError, Forbidden
from domain.shared.events import DomainEvent
from domain.shared.ids import MembershipId, OrganizationId, UserId


class MembershipExists(DuplicateError):
    """A user has one membership per organization."""

    code = "membership_exists"
    summary = "The user is a member of this organization already."


class RoleAboveOwn(Forbidden):
    """Nobody gives, takes or touches a role above their own."""

    code = "role_above_own"
    summary = "The role is above your own."


class LastOwner(BusinessRuleViolation):
    """An organization always has somebody who may do everything in it."""

    code = "last_owner"
    summary = "The organization would be left without an owner; transfer the ownership first."


class OwnMembership(BusinessRuleViolation):
    """Who hands an organization over hands it to somebody else."""

    code = "own_membership"
    summary = "The membership is your own."


class Role(StrEnum):
    """What a member is to the organization, from all to least."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"

    def reaches(self, other: "Role") -> bool:
        """Say whether the other role is this one or below it."""
        ranks = list(Role)
        return ranks.index(self) <= ranks.index(other)


def refuse_above(own: Role, *roles: Role) -> None:
    """Let somebody with the role ``own`` give, take or touch these roles.

    Raises:
        RoleAboveOwn: one of them is above it.
    """
    if not all(own.reaches(role) for role in roles):
        raise RoleAboveOwn


@frozen(kw_only=True)
class MemberAddedEvent(DomainEvent):
    """A user joined the organization."""

    verb: ClassVar[str] = "added"
    user_id: UserId
    role: str


@frozen(kw_only=True)
class MemberRoleChangedEvent(DomainEvent):
    """A member became something else to the organization."""

    verb: ClassVar[str] = "role_changed"
    user_id: UserId
    role: str
    previous_role: str


@frozen(kw_only=True)
class MemberRemovedEvent(DomainEvent):
    """A user is no longer a member: they left, or somebody removed them."""

    verb: ClassVar[str] = "removed"
    user_id: UserId
    role: str


@define(kw_only=True, eq=False)
class Membership(Entity):
    """One user in one organization. ``email`` is a copy for display, so that lists need no look at global users.

    ``owners`` in the methods below is how many owners the organization has. It has to be counted while the
    organization is locked, or two owners could leave at the same moment.
    """

    kind: ClassVar[str] = "membership"

    id: MembershipId
    user_id: UserId
    email: str
    role: Role

    @classmethod
    def add(cls, user: User, *, id: MembershipId, organization_id: OrganizationId, role: Role, now: datetime) -> Self:
        """Give a user a place in the organization."""
        membership = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            user_id=user.id,
            email=user.email,
            role=role,
        )
        membership.record(MemberAddedEvent(user_id=user.id, role=role.value), now)
        return membership

    def change_role(self, role: Role, *, by: Role, owners: int, now: datetime) -> None:
        """Make the member something else; the role they have changes nothing.

        Raises:
            RoleAboveOwn: the present or the new role is above that of whoever asks.
            LastOwner: nobody would own the organization any more.
        """
        refuse_above(by, self.role, role)
        if role is not Role.OWNER:
            self._refuse_last_owner(owners)
        if role is not self.role:
            previous, self.role = self.role, role
            self.record(
                MemberRoleChangedEvent(user_id=self.user_id, role=role.value, previous_role=previous.value), now
            )

    def remove(self, *, by: Role, owners: int, now: datetime) -> None:
        """End the membership; the repository deletes it.

        Raises:
            RoleAboveOwn: the member's role is above that of whoever asks.
            LastOwner: nobody would own the organization any more.
        """
        refuse_above(by, self.role)
        self._refuse_last_owner(owners)
        self.record(MemberRemovedEvent(user_id=self.user_id, role=self.role.value), now)

    def hand_over_to(self, other: "Membership", now: datetime) -> None:
        """Make another member an owner, and this owner an admin.

        Raises:
            RoleAboveOwn: this member is no owner.
            OwnMembership: the other member is this one.
        """
        refuse_above(self.role, Role.OWNER)
        if other.id == self.id:
            raise OwnMembership
        # Two owners are counted, because the other one becomes an owner before this one stops to be one.
        other.change_role(Role.OWNER, by=Role.OWNER, owners=2, now=now)
        self.change_role(Role.ADMIN, by=Role.OWNER, owners=2, now=now)

    def _refuse_last_owner(self, owners: int) -> None:
        if self.role is Role.OWNER and owners <= 1:
            raise LastOwner
