"""A user: one person, whatever organizations they belong to."""

from datetime import datetime
from typing import ClassVar, Self

from attrs import define, frozen

from domain.shared.entity import Entity
from domain.shared.errors import DuplicateError
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, UserId
from domain.shared.text import NAME, check_email


class UserEmailTaken(DuplicateError):
    """Another person is registered with this address."""

    code = "user_email_taken"
    summary = "A user with this e-mail address exists."


@frozen(kw_only=True)
class UserCreatedEvent(DomainEvent):
    """A person was registered. The address stays out of it: events travel further than personal data should."""

    verb: ClassVar[str] = "created"


@define(kw_only=True, eq=False)
class User(Entity):
    """A person. Users stand above tenants, so they all carry the platform's reserved organization id."""

    kind: ClassVar[str] = "user"

    id: UserId
    email: str
    name: str

    @classmethod
    def register(cls, *, id: UserId, organization_id: OrganizationId, email: str, name: str, now: datetime) -> Self:
        """Register a person under one address.

        Raises:
            InvalidEmail: the address is not acceptable.
            InvalidText: the name is not acceptable.
        """
        user = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            email=check_email(email),
            name=NAME.check(name),
        )
        user.record(UserCreatedEvent(), now)
        return user
