"""A membership: a user's place in one organization."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.identity.user import User
from domain.shared.entity import Entity
from domain.shared.errors import DuplicateError
from domain.shared.events import DomainEvent
from domain.shared.ids import MembershipId, OrganizationId, UserId


class MembershipExists(DuplicateError):
    """A user has one membership per organization."""

    code = "membership_exists"
    summary = "The user is a member of this organization already."


class Role(StrEnum):
    """What a member is to the organization, from all to least."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


@frozen(kw_only=True)
class MemberAddedEvent(DomainEvent):
    """A user joined the organization."""

    verb: ClassVar[str] = "added"
    user_id: UserId
    role: str


@define(kw_only=True, eq=False)
class Membership(Entity):
    """One user in one organization. ``email`` is a copy for display, so that lists need no look at global users."""

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
