"""An auth identity: who a person is at a provider of sign-ins."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.shared.entity import Entity
from domain.shared.errors import DuplicateError
from domain.shared.events import DomainEvent
from domain.shared.ids import AuthIdentityId, OrganizationId, UserId
from domain.shared.text import TextRule

SUBJECT = TextRule(max_length=255)


class AuthIdentityTaken(DuplicateError):
    """A provider's subject belongs to one person."""

    code = "auth_identity_taken"
    summary = "This identity is linked already."


class AuthProvider(StrEnum):
    """Who vouches for people."""

    APPLE = "apple"
    GITHUB = "github"
    GOOGLE = "google"
    MICROSOFT = "microsoft"
    THIRDWEB = "thirdweb"


@frozen(kw_only=True)
class AuthIdentityLinkedEvent(DomainEvent):
    """It was recorded who a person is at a provider; the subject stays out, for it is personal."""

    verb: ClassVar[str] = "linked"
    user_id: UserId
    provider: str


@frozen(kw_only=True)
class AuthIdentityUnlinkedEvent(DomainEvent):
    """A person took the link back."""

    verb: ClassVar[str] = "unlinked"
    user_id: UserId
    provider: str


@define(kw_only=True, eq=False)
class AuthIdentity(Entity):
    """A person is ``subject`` at ``provider``, as the operator says: nobody claims what the provider alone can show.

    It finds the person; by itself it signs nobody in.
    """

    kind: ClassVar[str] = "auth_identity"

    id: AuthIdentityId
    user_id: UserId
    provider: AuthProvider
    subject: str

    @classmethod
    def link(
        cls,
        *,
        id: AuthIdentityId,
        organization_id: OrganizationId,
        user_id: UserId,
        provider: AuthProvider,
        subject: str,
        now: datetime,
    ) -> Self:
        """Link a provider's subject to a person.

        Raises:
            InvalidText: the subject is not acceptable.
        """
        identity = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            user_id=user_id,
            provider=provider,
            subject=SUBJECT.check(subject),
        )
        identity.record(AuthIdentityLinkedEvent(user_id=user_id, provider=provider.value), now)
        return identity

    @property
    def key(self) -> str:
        """Return what is unique across all people."""
        return identity_key(self.provider, self.subject)

    def unlink(self, now: datetime) -> None:
        """Tell that the link ends; its row goes with it."""
        self.record(AuthIdentityUnlinkedEvent(user_id=self.user_id, provider=self.provider.value), now)


def identity_key(provider: str, subject: str) -> str:
    """Return the one text under which a provider's subject is known."""
    return f"{provider}:{subject}"
