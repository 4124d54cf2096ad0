"""A person's password, as a slow hash and apart from the person, so that nothing that shows a user can show it."""

from datetime import datetime
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.identity.errors import CredentialsInvalid
from domain.shared.entity import Entity
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId, UserId


@frozen(kw_only=True)
class CredentialCreatedEvent(DomainEvent):
    """A person chose their first password."""

    verb: ClassVar[str] = "created"


@define(kw_only=True, eq=False)
class Credential(Entity):
    """The password of the person with the same id."""

    kind: ClassVar[str] = "credential"

    id: UserId
    hash: str = field(repr=False)

    @classmethod
    def create(cls, *, id: UserId, organization_id: OrganizationId, hash: str, now: datetime) -> Self:  # noqa: A002 - the field's name in rows and code alike
        """Keep a person's first password."""
        credential = cls(id=id, organization_id=organization_id, created_at=now, updated_at=now, hash=hash)
        credential.record(CredentialCreatedEvent(), now)
        return credential

    def expect(self, version: int) -> None:
        """Make sure that the password is still the one that was compared, before the row was locked.

        Raises:
            CredentialsInvalid: it was changed meanwhile, so that the compared one opens nothing any more.
        """
        if self.version != version:
            raise CredentialsInvalid

    def replace(self, hash: str, now: datetime) -> None:  # noqa: A002 - as above
        """Keep another password, or the same one hashed better."""
        self.amend(now, hash=hash)
