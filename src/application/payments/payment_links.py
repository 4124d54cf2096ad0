"""Payment links: public addresses where products can be bought."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.kernel.actor import Scope
from application.kernel.changes import change_use_case
from application.kernel.fields import Version
from application.kernel.page import ListView, PageQuery
from application.kernel.patch import UNSET, Maybe, given
from application.kernel.ports import IClock, IIds, ISlugs
from application.kernel.reads import get_use_case
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.payments.link_specifications import links_available, links_matching
from domain.payments.link_statistics import LinkStatistics
from domain.payments.payment_link import PaymentLink, PaymentLinkAvailability, PaymentLinkStatus
from domain.payments.success_url import MAX_LENGTH
from domain.shared.ids import PaymentLinkId, PriceId, ProductId
from domain.shared.money import Money
from domain.shared.text import DESCRIPTION, NAME

Uses = Annotated[int, Interval(ge=1, le=2**31 - 1)]
Slug = Annotated[str, Len(3, 64)]
Url = Annotated[str, Len(1, MAX_LENGTH)]


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
    title: str | None
    description: str
    success_url: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePaymentLink:
    """What to sell, and how long. Without a slug an unguessable one is made.

    `title` and `description` are shown to the buyer in place of the product's; `success_url` (https) is where the
    browser goes once the order is paid.
    """

    price_id: PriceId
    slug: Slug | None = None
    max_uses: Uses | None = None
    expires_at: datetime | None = None
    title: Annotated[str, NAME] | None = None
    description: Annotated[str, DESCRIPTION] = ""
    success_url: Url | None = None


@use_case(
    "payment_links.create",
    scope=Scope.PAYMENT_LINKS_WRITE,
    example={
        "slug": "espresso-spring",
        "max_uses": 50,
        "expires_at": "2031-06-30T22:00:00Z",
        "title": "Spring roast, one bag",
        "success_url": "https://harbour.example/thanks",
    },
    statements=7,
)
async def create_payment_link(
    cmd: CreatePaymentLink, uow: IUnitOfWork, *, clock: IClock, ids: IIds, slugs: ISlugs
) -> PaymentLinkView:
    """Create a public payment link for a price; slugs are unique across all organizations.

    An order through a link of a recurring price collects the first period, and nothing renews it. A price that begins
    with a free trial has nothing to collect at first, so that no link can sell it.

    Errors: `not_found` for the price, `price_has_trial`, `slug_taken`, `slug_invalid`, `text_invalid`, `url_invalid`,
    `validation_error`.
    """
    price = await uow.prices.get(cmd.price_id)
    price.ensure_due_at_once()
    link = PaymentLink.create(
        id=PaymentLinkId(ids.new()), organization_id=price.organization_id,
        slug=slugs.new() if cmd.slug is None else cmd.slug, product_id=price.product_id, price_id=price.id,
        max_uses=cmd.max_uses, expires_at=cmd.expires_at, title=cmd.title, description=cmd.description,
        success_url=cmd.success_url, now=clock.now(),
    )  # fmt: skip
    uow.payment_links.add(link)
    return PaymentLinkView.of(link)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPaymentLinks(PageQuery):
    """Which payment links: `status` is what the organization wants, `availability` what a buyer finds right now."""

    slug: Slug | None = None
    status: PaymentLinkStatus | None = None
    availability: PaymentLinkAvailability | None = None
    product_id: ProductId | None = None
    price_id: PriceId | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


@use_case(
    "payment_links.list", scope=Scope.PAYMENT_LINKS_READ, example={"limit": 20, "status": "active"}, read_only=True,
    statements=2,
)  # fmt: skip
async def list_payment_links(cmd: ListPaymentLinks, uow: IUnitOfWork, *, clock: IClock) -> ListView[PaymentLinkView]:
    """List the organization's payment links; an `availability` is that of the moment of each page.

    Errors: `slug_invalid`.
    """
    wanted = links_matching(slug=cmd.slug, status=cmd.status, product_id=cmd.product_id, price_id=cmd.price_id)
    if cmd.availability is not None:
        wanted &= links_available(cmd.availability, clock.now())
    return ListView.of(await uow.payment_links.page(wanted, cmd.request(cmd.sort)), PaymentLinkView.of)


get_use_case(
    "payment_links.get", lambda uow: uow.payment_links, PaymentLinkView, "Return one payment link.",
    scope=Scope.PAYMENT_LINKS_READ,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePaymentLink:
    """New values for what is mentioned; the rest stays. Null lifts a limit."""

    id: PaymentLinkId
    expected_version: Version
    max_uses: Maybe[Uses | None] = UNSET
    expires_at: Maybe[datetime | None] = UNSET
    title: Maybe[Annotated[str, NAME] | None] = UNSET
    description: Maybe[Annotated[str, DESCRIPTION]] = UNSET
    success_url: Maybe[Url | None] = UNSET


@use_case(
    "payment_links.update",
    scope=Scope.PAYMENT_LINKS_WRITE,
    example={"expected_version": 1, "max_uses": 100, "expires_at": "2031-12-31T23:00:00Z"},
    statements=6,
)
async def update_payment_link(cmd: UpdatePaymentLink, uow: IUnitOfWork, *, clock: IClock) -> PaymentLinkView:
    """Change limits and texts of a payment link; fields left out stay as they are. A later expiry reopens it.

    Errors: `not_found`, `version_stale`, `payment_link_deactivated`, `text_invalid`, `url_invalid`,
    `validation_error`.
    """
    link = await uow.payment_links.get(cmd.id, lock=True)
    link.expect_version(cmd.expected_version)
    link.edit(
        clock.now(),
        max_uses=given(cmd.max_uses, link.max_uses),
        expires_at=given(cmd.expires_at, link.expires_at),
        title=given(cmd.title, link.title),
        description=given(cmd.description, link.description),
        success_url=given(cmd.success_url, link.success_url),
    )
    return PaymentLinkView.of(link)


change_use_case(
    "payment_links.expire", lambda uow: uow.payment_links, PaymentLinkView, PaymentLink.expire,
    "End a payment link's time now; a later expiry may be set afterwards. Doing it twice changes nothing.",
    scope=Scope.PAYMENT_LINKS_WRITE, statements=6, errors="`payment_link_deactivated`",
)  # fmt: skip
change_use_case(
    "payment_links.deactivate", lambda uow: uow.payment_links, PaymentLinkView, PaymentLink.deactivate,
    "Switch a payment link off for good. Orders made through it can still be paid, unless they failed.\n\n"
    "Doing it twice changes nothing.",
    scope=Scope.PAYMENT_LINKS_WRITE, statements=6, destructive=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatisticsView(View[LinkStatistics]):
    """What became of a payment link.

    `conversion_rate` is paid orders per view, `payment_rate` paid orders per order: decimal fractions as text, null
    when there is nothing to divide by. `gross` is what was paid before refunds and fees. Views of the last second may
    be missing.
    """

    views: int
    orders: int
    completed: int
    conversion_rate: str | None
    payment_rate: str | None
    gross: list[Money]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLinkStatistics:
    """Which payment link."""

    id: PaymentLinkId


@use_case("payment_links.get_statistics", scope=Scope.PAYMENT_LINKS_READ, example={}, read_only=True, statements=3)
async def get_link_statistics(cmd: GetLinkStatistics, uow: IUnitOfWork) -> LinkStatisticsView:
    """Return how often a payment link was opened, ordered from and paid, and what came in.

    Errors: `not_found`, `figures_too_large`.
    """
    link = await uow.payment_links.get(cmd.id)
    return LinkStatisticsView.of(await uow.payment_links.get_statistics(link))
