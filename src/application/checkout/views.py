"""What a buyer is shown before and after paying."""

from dataclasses import dataclass
from datetime import datetime

from application.kernel.unit_of_work import IUnitOfWork
from domain.catalog.price import Price
from domain.catalog.product import Product
from domain.customers.payment_method import PaymentMethod
from domain.identity.organization import Organization
from domain.payments.checkout import Checkout, CheckoutStatus, status_of
from domain.payments.payment_link import PaymentLink, PaymentLinkAvailability
from domain.payments.payment_order import PaymentOrder
from domain.shared.ids import CheckoutId, PaymentLinkId
from domain.shared.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutQuoteView:
    """An offer to the public for some quantity; `total` is what a purchase of that many costs now.

    It has no version, because time alone changes what it says.
    """

    id: PaymentLinkId
    slug: str
    status: PaymentLinkAvailability
    seller: str
    title: str
    description: str
    quantity: int
    total: Money
    min_quantity: int
    max_quantity: int | None

    @classmethod
    def of(
        cls, link: PaymentLink, price: Price, *, seller: Organization, product: Product, quantity: int | None,
        now: datetime,
    ) -> "CheckoutQuoteView":  # fmt: skip
        """Show an offer; what cannot be sold any more is as good as deactivated, and no quantity is refused."""
        amount = price.min_quantity if quantity is None else quantity
        gone = price.is_deleted
        return cls(
            id=link.id,
            slug=link.slug,
            status=PaymentLinkAvailability.DEACTIVATED if gone else link.availability(now),
            seller=seller.name,
            title=link.title or product.name,
            description=link.description or product.description,
            quantity=amount,
            total=Money.zero(price.currency) if gone else price.total(amount),
            min_quantity=price.min_quantity,
            max_quantity=price.max_quantity,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutView:
    """A purchase as its buyer sees it.

    `attempts` counts the tries to collect the money, over all cards; it is what a retry answers. With
    `other_card_needed` the present card was declined for good. `success_url` is where a paid buyer may go on.
    """

    id: CheckoutId
    status: CheckoutStatus
    slug: str
    seller: str
    title: str
    quantity: int
    total: Money
    number: str
    attempts: int
    decline_code: str | None
    other_card_needed: bool
    card_brand: str | None
    card_last_four: str | None
    processing_since: datetime | None
    paid_at: datetime | None
    success_url: str | None

    @classmethod
    async def load(cls, checkout: Checkout, uow: IUnitOfWork) -> "CheckoutView":
        """Read what belongs to a checkout and show it; whatever was archived or removed since is shown all the same."""
        order = await uow.payment_orders.get(checkout.payment_order_id)
        link = await uow.payment_links.get(order.payment_link_id)
        product = await uow.products.get(order.product_id, with_deleted=True)
        seller = await uow.organizations.get(order.organization_id)
        card = None
        if order.payment_method_id is not None:
            card = await uow.payment_methods.get(order.payment_method_id, with_deleted=True)
        return cls._of(checkout, order, link=link, product=product, seller=seller, card=card)

    @classmethod
    def _of(
        cls, checkout: Checkout, order: PaymentOrder, *, link: PaymentLink, product: Product, seller: Organization,
        card: PaymentMethod | None,
    ) -> "CheckoutView":  # fmt: skip
        status = status_of(order)
        declined = status is CheckoutStatus.DECLINED
        return cls(
            id=checkout.id,
            status=status,
            slug=link.slug,
            seller=seller.name,
            title=link.title or product.name,
            quantity=order.quantity,
            total=order.amount,
            number=order.number,
            attempts=checkout.attempts,
            decline_code=order.failure_code if declined else None,
            other_card_needed=declined and order.failure_permanent,
            card_brand=None if card is None else card.brand,
            card_last_four=None if card is None else card.last_four,
            processing_since=order.processing_at,
            paid_at=order.completed_at,
            success_url=link.success_url if order.completed_at is not None else None,
        )
