"""An API key: a credential of an organization, of which only a hash is kept."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.shared.entity import Entity
from domain.shared.errors import BusinessRuleViolation, InsufficientPermissions, Unauthenticated, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import AgentId, APIKeyId, OrganizationId
from domain.shared.text import NAME

MAX_OVERLAP = timedelta(days=7)


class APIKeyExpired(Unauthenticated):
    """The key's time is over."""

    code = "api_key_expired"
    summary = "The API key has expired."


class APIKeyRevoked(Unauthenticated):
    """The key was taken back."""

    code = "api_key_revoked"
    summary = "The API key was revoked."


class APIKeyEnded(BusinessRuleViolation):
    """A key that opens nothing any more cannot be changed or replaced."""

    code = "api_key_ended"
    summary = "The API key is revoked or expired."


class APIKeyRotated(BusinessRuleViolation):
    """The key has a successor, which is the one to rotate."""

    code = "api_key_rotated"
    summary = "The API key was rotated already; rotate its successor."


class ExpiryExceedsMaker(ValidationError):
    """A key would outlive the one that makes it."""

    code = "expiry_exceeds_maker"
    summary = "A key made by a key ends no later than its maker."


class ScopesWidened(ValidationError):
    """A key may lose scopes and never gain one."""

    code = "scopes_widened"
    summary = "The scopes of a key can only be narrowed; create a new key for more."


@frozen(kw_only=True)
class APIKeyCreatedEvent(DomainEvent):
    """A key was issued; ``last_four`` characters are all that tells which."""

    verb: ClassVar[str] = "created"
    name: str
    last_four: str


@frozen(kw_only=True)
class APIKeyRotatedEvent(DomainEvent):
    """A key got a successor and works until ``ends_at``."""

    verb: ClassVar[str] = "rotated"
    replaced_by_id: APIKeyId
    ends_at: datetime


@frozen(kw_only=True)
class APIKeyRevokedEvent(DomainEvent):
    """A key was taken back and opens nothing any more."""

    verb: ClassVar[str] = "revoked"


@frozen(kw_only=True)
class KeyMaterial:
    """What is kept of a fresh secret: ``hash`` recognises it, ``prefix`` and ``last_four`` are for display."""

    hash: str = field(repr=False)
    prefix: str
    last_four: str


@define(kw_only=True, eq=False)
class APIKey(Entity):
    """A credential. ``hash`` is what the secret is recognised by; ``prefix`` and ``last_four`` are for display.

    A rotated key and its successors are one line: all carry the id of the first as ``lineage_id``, and each names the
    next one as ``replaced_by_id``. A key with an ``agent_id`` is that agent's own; the successors stay with the agent.
    """

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
    lineage_id: APIKeyId
    replaced_by_id: APIKeyId | None = None
    agent_id: AgentId | None = None

    @classmethod
    def issue(
        cls, *, id: APIKeyId, organization_id: OrganizationId, name: str, material: KeyMaterial, scopes: Iterable[str],
        grantable: Collection[str], expires_at: datetime | None, now: datetime, no_later_than: datetime | None = None,
        lineage_id: APIKeyId | None = None, agent_id: AgentId | None = None,
    ) -> Self:  # fmt: skip
        """Issue a key with scopes that its maker holds too; without a ``lineage_id`` it begins a line of its own.

        Without an ``expires_at`` it ends at ``no_later_than``, which is None for a maker that does not end itself.

        Raises:
            InsufficientPermissions: a scope is not ``grantable``; the first one is in the details.
            ExpiryExceedsMaker: it would end after ``no_later_than``.
            ValidationError: no scope at all, or an expiry that is over.
            InvalidText: the name is not acceptable.
        """
        if expires_at is None:
            expires_at = no_later_than
        elif no_later_than is not None and expires_at > no_later_than:
            raise ExpiryExceedsMaker(path="expires_at")
        key = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            name=NAME.check(name),
            hash=material.hash,
            prefix=material.prefix,
            last_four=material.last_four,
            scopes=_granted(scopes, grantable),
            expires_at=expires_at,
            lineage_id=id if lineage_id is None else lineage_id,
            agent_id=agent_id,
        )
        if expires_at is not None and expires_at <= now:
            raise ValidationError("The expiry must lie in the future.", path="expires_at")
        key.record(APIKeyCreatedEvent(name=key.name, last_four=key.last_four), now)
        return key

    def authenticate(self, now: datetime) -> None:
        """Let the key open the door, or say why not.

        Raises:
            APIKeyRevoked: it was taken back.
            APIKeyExpired: its time is over.
        """
        refuse_ended(self.revoked_at, self.expires_at, now)

    def is_active(self, now: datetime) -> bool:
        """Say whether the key opens anything at this moment."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)

    def rotate(
        self, *, id: APIKeyId, material: KeyMaterial, grantable: Collection[str], overlap: timedelta,
        expires_at: datetime | None, now: datetime, no_later_than: datetime | None = None,
    ) -> Self:  # fmt: skip
        """Return the successor, with this key's name and scopes; this one works until the overlap ends.

        Raises:
            ExpiryExceedsMaker: the successor would end after ``no_later_than``.
            APIKeyEnded: the key is revoked or expired.
            APIKeyRotated: it has a successor already.
            InsufficientPermissions: whoever rotates lacks one of its scopes and would gain it by the new secret.
            ValidationError: the overlap is negative or above 7 days, or the expiry is over.
        """
        self._refuse_ended(now)
        if self.replaced_by_id is not None:
            raise APIKeyRotated
        if not timedelta() <= overlap <= MAX_OVERLAP:
            raise ValidationError("The overlap is at most 7 days.", path="overlap_minutes")
        successor = type(self).issue(
            id=id,
            organization_id=self.organization_id,
            name=self.name,
            material=material,
            scopes=self.scopes,
            grantable=grantable,
            expires_at=expires_at,
            now=now,
            no_later_than=no_later_than,
            lineage_id=self.lineage_id,
            agent_id=self.agent_id,
        )
        ends_at = now + overlap
        if self.expires_at is None or ends_at < self.expires_at:
            self.expires_at = ends_at
        self.replaced_by_id = successor.id
        self.record(APIKeyRotatedEvent(replaced_by_id=successor.id, ends_at=self.expires_at), now)
        return successor

    def edit(self, now: datetime, *, name: str, scopes: Collection[str]) -> None:
        """Rename the key or take scopes away from it.

        Raises:
            APIKeyEnded: the key is revoked or expired.
            ScopesWidened: a scope is new to the key.
            ValidationError: no scope would be left.
            InvalidText: the name is not acceptable.
        """
        self._refuse_ended(now)
        if not {str(scope) for scope in scopes} <= set(self.scopes):
            raise ScopesWidened(path="scopes")
        self.amend(now, name=NAME.check(name), scopes=_granted(scopes, self.scopes))

    def revoke(self, now: datetime) -> None:
        """Take the key back for good; doing it twice changes nothing."""
        if self.revoked_at is None:
            self.revoked_at = now
            self.record(APIKeyRevokedEvent(), now)

    def _refuse_ended(self, now: datetime) -> None:
        if not self.is_active(now):
            raise APIKeyEnded


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
