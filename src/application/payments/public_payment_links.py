"""What a buyer sees of a payment link, before anybody knows who the buyer is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Len

from application.kernel.ports import IClock
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from domain.catalog.price import Price
from domain.catalog.product import Product
from domain.payments.payment_link import PaymentLink, PaymentLinkAvailability
from domain.shared.ids import PaymentLinkId
from domain.shared.money import Money
from domain.shared.text import check_slug


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPaymentLinkView:
    """An offer to the public: nothing in it tells whose it is but the link itself.

    It has no version, because time alone changes what it says.
    """

    id: PaymentLinkId
    slug: str
    status: PaymentLinkAvailability
    product_name: str
    unit_amount: Money
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
            product_name=product.name,
            unit_amount=price.unit_amount,
            min_quantity=price.min_quantity,
            max_quantity=price.max_quantity,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPaymentLink:
    """The last part of the public address."""

    slug: Annotated[str, Len(3, 64)]


@use_case("payment_links.open", scope=None, public=True, example={"slug": "espresso-spring"}, read_only=True)
async def open_payment_link(cmd: OpenPaymentLink, uow: IUnitOfWork, *, clock: IClock) -> PublicPaymentLinkView:
    """Show what a payment link sells and whether it is open, expired, used up or deactivated. No credential needed.

    Errors: `not_found`, `slug_invalid`.
    """
    link = await uow.payment_links.get(await uow.enter_by("payment_link", check_slug(cmd.slug)))
    product = await uow.products.get(link.product_id, with_deleted=True)
    price = await uow.prices.get(link.price_id, with_deleted=True)
    return PublicPaymentLinkView.of(link, product, price, clock.now())
