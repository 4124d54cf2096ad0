"""What a buyer sees of a payment link, before anybody knows who the buyer is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Len

from application.catalog.prices import TierView
from application.kernel.ports import IClock, ILinkViews
from application.kernel.query_cache import cached
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.catalog.price import Price
from domain.catalog.price_terms import BillingInterval, PricingModel
from domain.catalog.product import Product
from domain.payments.payment_link import PaymentLink, PaymentLinkAvailability
from domain.shared.ids import PaymentLinkId
from domain.shared.money import Money
from domain.shared.text import check_slug

OFFERED = cached(5, "payment_link", "product", "price", "organization")
"""What strangers are shown of an offer; buying reads everything anew, and charges no other total than was shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPaymentLinkView:
    """An offer to the public: nothing in it tells whose it is but the link itself.

    It has no version, because time alone changes what it says.
    """

    id: PaymentLinkId
    slug: str
    status: PaymentLinkAvailability
    title: str | None
    description: str
    product_name: str
    currency: str
    model: PricingModel
    unit_amount: Money | None
    tiers: list[TierView]
    interval: BillingInterval | None
    interval_count: int | None
    min_quantity: int
    max_quantity: int | None

    @classmethod
    def of(cls, link: PaymentLink, product: Product, price: Price, now: datetime) -> "PublicPaymentLinkView":
        """Show an offer; with its price archived it is as good as deactivated."""
        archived = PaymentLinkAvailability.DEACTIVATED
        return cls(
            id=link.id,
            slug=link.slug,
            status=archived if price.is_deleted else link.availability(now),
            title=link.title,
            description=link.description or product.description,
            product_name=product.name,
            currency=price.currency,
            model=price.model,
            unit_amount=price.unit_amount,
            tiers=[TierView.of(tier) for tier in price.tiers],
            interval=price.interval,
            interval_count=price.interval_count,
            min_quantity=price.min_quantity,
            max_quantity=price.max_quantity,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPaymentLink:
    """The last part of the public address."""

    slug: Annotated[str, Len(3, 64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A payment link with what it sells."""

    link: PaymentLink
    product: Product
    price: Price


async def show_offer(offer: Offer, *, clock: IClock, views: ILinkViews) -> PublicPaymentLinkView:
    """Count the look and show the offer as it stands at this moment."""
    views.opened(offer.link.organization_id, offer.link.id)
    return PublicPaymentLinkView.of(offer.link, offer.product, offer.price, clock.now())


@use_case(
    "payment_links.open", scope=None, public=True, example={"slug": "espresso-spring"}, read_only=True, statements=4,
    answer=show_offer, cached=OFFERED,
)  # fmt: skip
async def open_payment_link(cmd: OpenPaymentLink, uow: IUnitOfWork) -> Offer:
    """Show what a payment link sells and whether it is open, expired, used up or deactivated. No credential needed.

    Every look counts as a view of the link.

    Errors: `not_found`, `slug_invalid`.
    """
    link = await uow.payment_links.get(await uow.enter_by("payment_link", check_slug(cmd.slug)))
    product = await uow.products.get(link.product_id, with_deleted=True)
    price = await uow.prices.get(link.price_id, with_deleted=True)
    return Offer(link=link, product=product, price=price)
