"""Payment links: public addresses where products can be bought."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.kernel.actor import Scope
from application.kernel.fields import Version
from application.kernel.page import ListView, PageQuery
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds, ISlugs
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.payments.payment_link import PaymentLink, PaymentLinkStatus
from domain.payments.specifications import links_matching
from domain.shared.ids import PaymentLinkId, PriceId, ProductId

Uses = Annotated[int, Interval(ge=1, le=2**31 - 1)]
Slug = Annotated[str, Len(3, 64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLinkView(View[PaymentLink]):
    """A payment link as its organization sees it."""

    id: PaymentLinkId
    version: int
    slug: str
    product_id: ProductId
    price_id: PriceId
    status: PaymentLinkStatus
    max_uses: int | None
    uses: int
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePaymentLink:
    """What to sell, and how long. Without a slug an unguessable one is made."""

    price_id: PriceId
    slug: Slug | None = None
    max_uses: Uses | None = None
    expires_at: datetime | None = None


@use_case(
    "payment_links.create",
    scope=Scope.PAYMENT_LINKS_WRITE,
    example={"slug": "espresso-spring", "max_uses": 50, "expires_at": "2031-06-30T22:00:00Z"},
)
async def create_payment_link(
    cmd: CreatePaymentLink, uow: IUnitOfWork, *, clock: IClock, ids: IIds, slugs: ISlugs
) -> PaymentLinkView:
    """Create a public payment link for a price; slugs are unique across all organizations.

    Errors: `not_found` for the price, `slug_taken`, `slug_invalid`, `validation_error`.
    """
    price = await uow.prices.get(cmd.price_id)
    link = PaymentLink.create(
        id=PaymentLinkId(ids.new()),
        organization_id=uow.actor.organization_id,
        slug=slugs.new() if cmd.slug is None else cmd.slug,
        product_id=price.product_id,
        price_id=price.id,
        max_uses=cmd.max_uses,
        expires_at=cmd.expires_at,
        now=clock.now(),
    )
    uow.payment_links.add(link)
    return PaymentLinkView.of(link)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPaymentLinks(PageQuery):
    """Which payment links."""

    status: PaymentLinkStatus | None = None
    product_id: ProductId | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


@use_case(
    "payment_links.list", scope=Scope.PAYMENT_LINKS_READ, example={"limit": 20, "status": "active"}, read_only=True
)
async def list_payment_links(cmd: ListPaymentLinks, uow: IUnitOfWork) -> ListView[PaymentLinkView]:
    """List the organization's payment links."""
    wanted = links_matching(status=cmd.status, product_id=cmd.product_id)
    return ListView.of(await uow.payment_links.page(wanted, cmd.request(cmd.sort)), PaymentLinkView.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPaymentLink:
    """Which payment link."""

    id: PaymentLinkId


@use_case("payment_links.get", scope=Scope.PAYMENT_LINKS_READ, example={}, read_only=True)
async def get_payment_link(cmd: GetPaymentLink, uow: IUnitOfWork) -> PaymentLinkView:
    """Return one payment link.

    Errors: `not_found`.
    """
    return PaymentLinkView.of(await uow.payment_links.get(cmd.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePaymentLink:
    """New limits for what is mentioned; the rest stays. Null lifts a limit."""

    id: PaymentLinkId
    expected_version: Version
    max_uses: Maybe[Uses | None] = UNSET
    expires_at: Maybe[datetime | None] = UNSET


@use_case(
    "payment_links.update",
    scope=Scope.PAYMENT_LINKS_WRITE,
    example={"expected_version": 1, "max_uses": 100, "expires_at": "2031-12-31T23:00:00Z"},
)
async def update_payment_link(cmd: UpdatePaymentLink, uow: IUnitOfWork, *, clock: IClock) -> PaymentLinkView:
    """Change the limits of a payment link; fields left out stay as they are.

    Errors: `not_found`, `version_stale`, `payment_link_deactivated`, `validation_error`.
    """
    link = await uow.payment_links.get(cmd.id, lock=True)
    link.expect_version(cmd.expected_version)
    link.edit(
        clock.now(),
        max_uses=given(cmd.max_uses, link.max_uses),
        expires_at=given(cmd.expires_at, link.expires_at),
    )
    return PaymentLinkView.of(link)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeactivatePaymentLink:
    """Which payment link, and optionally the version the caller read."""

    id: PaymentLinkId
    expected_version: Version | None = None


@use_case("payment_links.deactivate", scope=Scope.PAYMENT_LINKS_WRITE, example={}, destructive=True)
async def deactivate_payment_link(cmd: DeactivatePaymentLink, uow: IUnitOfWork, *, clock: IClock) -> PaymentLinkView:
    """Switch a payment link off for good; orders made through it can still be paid. Doing it twice changes nothing.

    Errors: `not_found`, `version_stale`.
    """
    link = await uow.payment_links.get(cmd.id, lock=True)
    link.expect_version(cmd.expected_version)
    link.deactivate(clock.now())
    return PaymentLinkView.of(link)
