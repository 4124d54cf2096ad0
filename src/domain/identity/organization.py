"""An organization: the tenant everything else belongs to."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, frozen

from domain.shared.entity import Entity
from domain.shared.errors import DuplicateError
from domain.shared.events import DomainEvent
from domain.shared.ids import OrganizationId
from domain.shared.money import Money
from domain.shared.text import NAME, check_slug


class OrganizationSlugTaken(DuplicateError):
    """Another organization answers to this slug."""

    code = "organization_slug_taken"
    summary = "Another organization uses this slug."


class OrganizationStatus(StrEnum):
    """Where an organization is in its life."""

    ACTIVE = "active"


@frozen(kw_only=True)
class OrganizationCreatedEvent(DomainEvent):
    """A tenant came into being."""

    verb: ClassVar[str] = "created"
    name: str
    slug: str
    default_currency: str


@define(kw_only=True, eq=False)
class Organization(Entity):
    """A tenant. It belongs to itself: ``organization_id`` equals ``id``."""

    kind: ClassVar[str] = "organization"

    id: OrganizationId
    name: str
    slug: str
    default_currency: str
    status: OrganizationStatus

    @classmethod
    def create(cls, *, id: OrganizationId, name: str, slug: str, default_currency: str, now: datetime) -> Self:
        """Found an organization.

        Raises:
            InvalidText: the name is not acceptable.
            InvalidSlug: the slug is not acceptable.
            InvalidCurrency: the currency is no active ISO 4217 code.
        """
        organization = cls(
            id=id,
            organization_id=id,
            created_at=now,
            updated_at=now,
            name=NAME.check(name),
            slug=check_slug(slug),
            default_currency=Money.zero(default_currency).currency,
            status=OrganizationStatus.ACTIVE,
        )
        organization.record(
            OrganizationCreatedEvent(
                name=organization.name, slug=organization.slug, default_currency=organization.default_currency
            ),
            now,
        )
        return organization

    def edit(self, now: datetime, *, name: str, default_currency: str) -> None:
        """Change what may change; the slug is part of addresses and stays."""
        self.amend(now, name=NAME.check(name), default_currency=Money.zero(default_currency).currency)
