"""Organizations: the tenants themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Len

from application.identity.users import found_or_registered
from application.kernel.actor import Scope
from application.kernel.fields import Currency, Email, Version
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.identity.membership import Membership, Role
from domain.identity.organization import Organization, OrganizationStatus
from domain.shared.ids import MembershipId, OrganizationId
from domain.shared.text import NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationView(View[Organization]):
    """An organization as its members see it."""

    id: OrganizationId
    version: int
    name: str
    slug: str
    default_currency: str
    status: OrganizationStatus
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrganization:
    """A new organization and the person who owns it."""

    name: Annotated[str, NAME]
    slug: Annotated[str, Len(3, 64)]
    default_currency: Currency
    owner_email: Email
    owner_name: Annotated[str, NAME]


@use_case(
    "organizations.create",
    scope=Scope.PLATFORM_OPERATE,
    internal="Organizations are created at the machine itself, above every tenant.",
    example={
        "name": "Harbour Coffee",
        "slug": "harbour-coffee",
        "default_currency": "EUR",
        "owner_email": "ines@harbour.example",
        "owner_name": "Inês Duarte",
    },
)
async def create_organization(
    cmd: CreateOrganization, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> OrganizationView:
    """Create an organization with its owner, who is registered unless a user has the address already.

    Errors: `organization_slug_taken`, `slug_invalid`, `currency_invalid`, `email_invalid`, `text_invalid`.
    """
    now = clock.now()
    owner = await found_or_registered(cmd.owner_email, cmd.owner_name, uow, clock=clock, ids=ids)
    organization = Organization.create(
        id=OrganizationId(ids.new()), name=cmd.name, slug=cmd.slug, default_currency=cmd.default_currency, now=now
    )
    await uow.enter(organization.id)
    uow.organizations.add(organization)
    uow.memberships.add(
        Membership.add(
            owner, id=MembershipId(ids.new()), organization_id=organization.id, role=Role.OWNER, now=now
        )
    )  # fmt: skip
    return OrganizationView.of(organization)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrganization:
    """No question needed: a credential belongs to one organization."""


@use_case("organizations.get", scope=Scope.ORGANIZATIONS_READ, example={}, read_only=True)
async def get_organization(cmd: GetOrganization, uow: IUnitOfWork) -> OrganizationView:  # noqa: ARG001 - it has no fields
    """Return the organization that the credential belongs to."""
    return OrganizationView.of(await uow.organizations.get(uow.actor.organization_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOrganization:
    """New values for what is mentioned; the rest stays."""

    expected_version: Version
    name: Maybe[Annotated[str, NAME]] = UNSET
    default_currency: Maybe[Currency] = UNSET


@use_case(
    "organizations.update",
    scope=Scope.ORGANIZATIONS_WRITE,
    example={"expected_version": 1, "name": "Harbour Coffee Roasters", "default_currency": "EUR"},
)
async def update_organization(cmd: UpdateOrganization, uow: IUnitOfWork, *, clock: IClock) -> OrganizationView:
    """Rename the credential's organization or change its default currency; fields left out stay as they are.

    Errors: `version_stale`, `text_invalid`, `currency_invalid`.
    """
    organization = await uow.organizations.get(uow.actor.organization_id)
    organization.expect_version(cmd.expected_version)
    organization.edit(
        clock.now(),
        name=given(cmd.name, organization.name),
        default_currency=given(cmd.default_currency, organization.default_currency),
    )
    return OrganizationView.of(organization)
