"""An API key: a credential of an organization, of which only a hash is kept."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.shared.entity import Entity
from domain.shared.errors import InsufficientPermissions, Unauthenticated, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import APIKeyId, OrganizationId
from domain.shared.text import NAME


class APIKeyExpired(Unauthenticated):
    """The key's time is over."""

    code = "api_key_expired"
    summary = "The API key has expired."


class APIKeyRevoked(Unauthenticated):
    """The key was taken back."""

    code = "api_key_revoked"
    summary = "The API key was revoked."


@frozen(kw_only=True)
class APIKeyCreatedEvent(DomainEvent):
    """A key was issued; ``last_four`` characters are all that tells which."""

    verb: ClassVar[str] = "created"
    name: str
    last_four: str


@frozen(kw_only=True)
class APIKeyRevokedEvent(DomainEvent):
    """A key was taken back and opens nothing any more."""

    verb: ClassVar[str] = "revoked"


@define(kw_only=True, eq=False)
class APIKey(Entity):
    """A credential. ``hash`` is what the secret is recognised by; ``prefix`` and ``last_four`` are for display."""

    kind: ClassVar[str] = "api_key"

    id: APIKeyId
    name: str
    hash: str = field(repr=False)
    prefix: str
    last_four: str
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    @classmethod
    def issue(
        cls,
        *,
        id: APIKeyId,
        organization_id: OrganizationId,
        name: str,
        hash: str,  # noqa: A002 - the field's name in rows and code alike
        prefix: str,
        last_four: str,
        scopes: Iterable[str],
        grantable: Collection[str],
        expires_at: datetime | None,
        now: datetime,
    ) -> Self:
        """Issue a key with scopes that its maker holds too.

        Raises:
            InsufficientPermissions: a scope is not ``grantable``; the first one is in the details.
            ValidationError: no scope at all, or an expiry that is over.
            InvalidText: the name is not acceptable.
        """
        key = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            name=NAME.check(name),
            hash=hash,
            prefix=prefix,
            last_four=last_four,
            scopes=_granted(scopes, grantable),
            expires_at=expires_at,
        )
        if expires_at is not None and expires_at <= now:
            raise ValidationError("The expiry must lie in the future.", path="expires_at")
        key.record(APIKeyCreatedEvent(name=key.name, last_four=last_four), now)
        return key

    def authenticate(self, now: datetime) -> None:
        """Let the key open the door, or say why not.

        Raises:
            APIKeyRevoked: it was taken back.
            APIKeyExpired: its time is over.
        """
        refuse_ended(self.revoked_at, self.expires_at, now)

    def revoke(self, now: datetime) -> None:
        """Take the key back for good; doing it twice changes nothing."""
        if self.revoked_at is None:
            self.revoked_at = now
            self.record(APIKeyRevokedEvent(), now)


def refuse_ended(revoked_at: datetime | None, expires_at: datetime | None, now: datetime) -> None:
    """Apply the rule of ``APIKey.authenticate`` to its two facts, where the whole aggregate is not at hand.

    Raises:
        APIKeyRevoked: it was taken back.
        APIKeyExpired: its time is over.
    """
    if revoked_at is not None:
        raise APIKeyRevoked
    if expires_at is not None and expires_at <= now:
        raise APIKeyExpired


def _granted(scopes: Iterable[str], grantable: Collection[str]) -> list[str]:
    wanted = sorted({str(scope) for scope in scopes})
    if not wanted:
        raise ValidationError("A key needs at least one scope.", path="scopes")
    for scope in wanted:
        if scope not in grantable:
            raise InsufficientPermissions(scope=scope)
    return wanted
