"""Organizations: the tenants themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Interval, Len

from application.identity.users import found_or_registered
from application.kernel.actor import Scope
from application.kernel.fields import Currency, Email, Version
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.identity.membership import Membership, Role
from domain.identity.organization import REASON, Organization, OrganizationStatus
from domain.identity.organization_settings import MAX_EXPIRY_MINUTES, MIN_EXPIRY_MINUTES, OrganizationSettings
from domain.identity.user import User
from domain.shared.ids import MembershipId, OrganizationId
from domain.shared.text import NAME, check_slug

ORDER_EXPIRY = Interval(ge=MIN_EXPIRY_MINUTES, le=MAX_EXPIRY_MINUTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationView(View[Organization]):
    """An organization as its members see it."""

    id: OrganizationId
    version: int
    name: str
    slug: str
    default_currency: str
    status: OrganizationStatus
    time_zone: str
    locale: str
    support_email: str | None
    statement_descriptor: str | None
    order_expiry_minutes: int
    metadata: dict[str, str | int | bool]
    suspended_reason: str | None
    closed_at: datetime | None
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
    internal="For anybody: people create their own organizations, see account.create_organization.",
    example={
        "name": "Harbour Coffee",
        "slug": "harbour-coffee",
        "default_currency": "EUR",
        "owner_email": "ines@harbour.example",
        "owner_name": "Inês Duarte",
    },
    statements=14,
)
async def create_organization(
    cmd: CreateOrganization, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> OrganizationView:
    """Create an organization with its owner, who is registered unless a user has the address already.

    Errors: `organization_slug_taken`, `slug_invalid`, `currency_invalid`, `email_invalid`, `text_invalid`.
    """
    owner = await found_or_registered(cmd.owner_email, cmd.owner_name, uow, clock=clock, ids=ids)
    organization = Organization.create(
        id=OrganizationId(ids.new()),
        name=cmd.name,
        slug=cmd.slug,
        default_currency=cmd.default_currency,
        now=clock.now(),
    )
    await uow.enter(organization.id)
    found(organization, owner, uow, clock=clock, ids=ids)
    return OrganizationView.of(organization)


def found(organization: Organization, owner: User, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> None:
    """Add an organization with its first owner; the unit of work is in it already."""
    uow.organizations.add(organization)
    uow.memberships.add(
        Membership.add(
            owner, id=MembershipId(ids.new()), organization_id=organization.id, role=Role.OWNER, now=clock.now()
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrganization:
    """No question needed: a credential belongs to one organization."""


@use_case("organizations.get", scope=Scope.ORGANIZATIONS_READ, example={}, read_only=True, statements=1)
async def get_organization(cmd: GetOrganization, uow: IUnitOfWork) -> OrganizationView:  # noqa: ARG001 - it has no fields
    """Return the organization that the credential belongs to."""
    return OrganizationView.of(await uow.organizations.get(uow.actor.organization_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOrganization:
    """New values for what is mentioned; the rest stays."""

    expected_version: Version
    name: Maybe[Annotated[str, NAME]] = UNSET
    default_currency: Maybe[Currency] = UNSET
    time_zone: Maybe[Annotated[str, Len(1, 64)]] = UNSET
    locale: Maybe[Annotated[str, Len(2, 20)]] = UNSET
    support_email: Maybe[Email | None] = UNSET
    statement_descriptor: Maybe[Annotated[str, Len(5, 22)] | None] = UNSET
    order_expiry_minutes: Maybe[Annotated[int, ORDER_EXPIRY]] = UNSET
    metadata: Maybe[dict[str, str | int | bool]] = UNSET


@use_case(
    "organizations.update",
    scope=Scope.ORGANIZATIONS_WRITE,
    example={
        "expected_version": 1,
        "name": "Harbour Coffee Roasters",
        "default_currency": "EUR",
        "time_zone": "Europe/Lisbon",
        "locale": "pt-PT",
        "support_email": "help@harbour.example",
        "statement_descriptor": "HARBOUR COFFEE",
        "order_expiry_minutes": 720,
        "metadata": {"account": "A-17"},
    },
    statements=6,
)
async def update_organization(cmd: UpdateOrganization, uow: IUnitOfWork, *, clock: IClock) -> OrganizationView:
    """Rename the credential's organization or change its settings; fields left out stay as they are.

    `time_zone` is a name of the IANA database, `order_expiry_minutes` how long an order waits for its payment,
    `statement_descriptor` what buyers read on their card statement. Metadata is replaced as a whole.

    Errors: `version_stale`, `text_invalid`, `currency_invalid`, `time_zone_invalid`, `locale_invalid`,
    `email_invalid`, `statement_descriptor_invalid`, `metadata_invalid`.
    """
    organization = await uow.organizations.get(uow.actor.organization_id)
    organization.expect_version(cmd.expected_version)
    organization.edit(
        clock.now(),
        name=given(cmd.name, organization.name),
        default_currency=given(cmd.default_currency, organization.default_currency),
        settings=_settings(cmd, organization.settings),
        metadata=given(cmd.metadata, organization.metadata),
    )
    return OrganizationView.of(organization)


def _settings(cmd: UpdateOrganization, present: OrganizationSettings) -> OrganizationSettings:
    return OrganizationSettings(
        time_zone=given(cmd.time_zone, present.time_zone),
        locale=given(cmd.locale, present.locale),
        support_email=given(cmd.support_email, present.support_email),
        statement_descriptor=given(cmd.statement_descriptor, present.statement_descriptor),
        order_expiry_minutes=given(cmd.order_expiry_minutes, present.order_expiry_minutes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendOrganization:
    """Which organization, and why; its members are told the reason."""

    id: OrganizationId
    reason: Annotated[str, REASON]


@use_case(
    "organizations.suspend",
    scope=Scope.PLATFORM_OPERATE,
    internal="The platform's operator suspends organizations, at the machine itself.",
    example={"reason": "Chargebacks above the limit; write to support."},
    statements=8,
)
async def suspend_organization(cmd: SuspendOrganization, uow: IUnitOfWork, *, clock: IClock) -> OrganizationView:
    """Stop every key and session of an organization, from the next request on, until it is reactivated.

    Buyers find nothing of it meanwhile. What was submitted to the payment provider is finished, and the operator can
    refund.

    Doing it twice changes nothing.

    Errors: `not_found`, `organization_ended` for a closed one, `text_invalid`.
    """
    await uow.enter(cmd.id)
    organization = await uow.organizations.get(cmd.id, lock=True)
    organization.suspend(clock.now(), reason=cmd.reason)
    return OrganizationView.of(organization)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactivateOrganization:
    """Which organization."""

    id: OrganizationId


@use_case(
    "organizations.reactivate",
    scope=Scope.PLATFORM_OPERATE,
    internal="The platform's operator reactivates organizations, at the machine itself.",
    example={},
    statements=8,
)
async def reactivate_organization(cmd: ReactivateOrganization, uow: IUnitOfWork, *, clock: IClock) -> OrganizationView:
    """Let the keys and sessions of a suspended organization work again; an active one stays as it is.

    Errors: `not_found`, `organization_ended` for a closed one.
    """
    await uow.enter(cmd.id)
    organization = await uow.organizations.get(cmd.id, lock=True)
    organization.reactivate(clock.now())
    return OrganizationView.of(organization)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrganizationBySlug:
    """A public name."""

    slug: Annotated[str, Len(3, 64)]


@use_case(
    "organizations.get_by_slug",
    scope=Scope.PLATFORM_OPERATE,
    internal="Which organizations there are is the platform operator's business.",
    example={"slug": "harbour-coffee"},
    read_only=True,
    statements=3,
)
async def get_organization_by_slug(cmd: GetOrganizationBySlug, uow: IUnitOfWork) -> OrganizationView:
    """Return the organization that answers to a slug, whatever its status.

    Errors: `not_found`.
    """
    organization_id = await uow.enter_by("organization", check_slug(cmd.slug))
    return OrganizationView.of(await uow.organizations.get(organization_id))
