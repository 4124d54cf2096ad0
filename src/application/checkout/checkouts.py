"""Buying through a payment link without an account: quote, submit, follow, try another card.

The caller is the public. What it may do it may do because it knows a link's slug or a checkout's reference, which
is a secret of at least 128 random bits chosen by whoever shows the form, once for each form.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.checkout.buyers import BuyersCard, card_on_file, found_or_made
from application.checkout.views import CheckoutQuoteView, CheckoutView
from application.kernel.fields import Email
from application.kernel.idempotency import fingerprint
from application.kernel.ports import IClock, IIds, ILinkViews
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.payments.paying import begin_attempt
from application.payments.payment_orders import (
    CancelPaymentOrder,
    CreatePaymentOrder,
    cancel_payment_order,
    open_order,
)
from application.payments.public_payment_links import OFFERED
from domain.catalog.price import Price
from domain.catalog.product import Product
from domain.catalog.tiers import MAX_QUANTITY
from domain.identity.organization import Organization
from domain.payments.checkout import Checkout, CheckoutTaken, CheckoutTotalChanged, digest_of
from domain.payments.payment_link import PaymentLink
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.shared.ids import CheckoutId, CustomerId, PaymentLinkId, PaymentOrderId
from domain.shared.money import Money
from domain.shared.text import NAME, check_slug

Slug = Annotated[str, Len(3, 64)]
Reference = Annotated[str, Len(22, 64)]
Quantity = Annotated[int, Interval(ge=1, le=MAX_QUANTITY)]
Locale = Literal["en", "de"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteCheckout:
    """The last part of the public address, and how many; without a quantity the fewest that are sold."""

    slug: Slug
    quantity: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """What a quote is made of."""

    link: PaymentLink
    product: Product
    price: Price
    seller: Organization
    quantity: int | None


async def show_quote(quoted: Quoted, *, clock: IClock, views: ILinkViews) -> CheckoutQuoteView:
    """Count the look, unless it is at another quantity of the same page, and say what it costs at this moment."""
    link = quoted.link
    if quoted.quantity is None:
        views.opened(link.organization_id, link.id)
    return CheckoutQuoteView.of(
        link, quoted.price, seller=quoted.seller, product=quoted.product, quantity=quoted.quantity, now=clock.now()
    )  # fmt: skip


@use_case(
    "checkouts.quote", scope=None, public=True, example={"slug": "espresso-spring"}, read_only=True, statements=6,
    answer=show_quote, cached=OFFERED,
)  # fmt: skip
async def quote_checkout(cmd: QuoteCheckout, uow: IUnitOfWork) -> Quoted:
    """Show what a payment link sells, by whom, and what a quantity of it costs. No credential needed.

    Without a quantity it counts as a view of the link.

    Errors: `not_found`, `slug_invalid`, `quantity_out_of_range`, `amount_invalid`.
    """
    link = await uow.payment_links.get(await uow.enter_by("payment_link", check_slug(cmd.slug)))
    product = await uow.products.get(link.product_id, with_deleted=True)
    price = await uow.prices.get(link.price_id, with_deleted=True)
    seller = await uow.organizations.get(link.organization_id)
    return Quoted(link=link, product=product, price=price, seller=seller, quantity=cmd.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitCheckout(BuyersCard):
    """Who buys how many of what a link sells, with which card, and the total they agreed to.

    `reference` is the form's own secret: a form sent again, in whatever way, is the same purchase.
    """

    slug: Slug
    reference: Reference
    email: Email
    name: Annotated[str, NAME]
    quantity: Quantity = 1
    expected_total: Money | None = None
    locale: Locale = "en"


_CARD = {
    "provider_token": "tok_visa_ok_k3v9",
    "brand": "visa",
    "last_four": "4242",
    "expiry_month": 11,
    "expiry_year": 2031,
}


@use_case(
    "checkouts.submit",
    scope=None,
    public=True,
    keyed_by=("slug", "reference"),
    example={
        "slug": "espresso-spring",
        "reference": "q3Vd0Wm8Jx2Rk7Ty5Bn1Lc",
        "email": "mara.lind@example.org",
        "name": "Mara Lind",
        "quantity": 1,
        "locale": "en",
        **_CARD,
    },
    statements=30,
)
async def submit_checkout(cmd: SubmitCheckout, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> CheckoutView:
    """Buy through a payment link: the buyer becomes a customer and the money is collected; the outcome follows.

    The same submission sent again answers with its purchase as it stands, and buys nothing; another one under the
    same reference is refused. No credential needed.

    Errors: `not_found`, `slug_invalid`, `payment_link_expired`, `payment_link_used_up`, `payment_link_deactivated`,
    `organization_suspended`, `price_archived`, `quantity_out_of_range`, `checkout_total_changed`, `checkout_taken`,
    `checkout_reference_used`, `checkout_reference_invalid`, `email_invalid`, `text_invalid`, `card_number_misplaced`,
    `provider_token_invalid`, `payment_method_expired`.
    """
    link_id = PaymentLinkId(await uow.enter_by("payment_link", check_slug(cmd.slug)))
    known = await uow.checkouts.get_by_digest(digest_of(cmd.reference))
    if known is not None:
        return await _as_it_stands(known, link_id, cmd, uow)
    link = await uow.payment_links.get(link_id, lock=True)
    customer = await found_or_made(cmd.email, cmd.name, link.organization_id, uow, clock=clock, ids=ids)
    method = await card_on_file(customer, cmd, uow, clock=clock, ids=ids)
    order = await ordered(link, customer.id, cmd.quantity, cmd.expected_total, uow, clock=clock, ids=ids)
    await begin_attempt(uow, order, method.id, clock=clock, ids=ids)
    checkout = _submitted(cmd, order, CheckoutId(ids.new()), clock)
    uow.checkouts.add(checkout)
    await uow.flush()
    return await CheckoutView.load(checkout, uow)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryCheckout(BuyersCard):
    """Another card for a declined purchase; `after` is the number of attempts the buyer has seen decline."""

    reference: Reference
    after: Annotated[int, Interval(ge=1, le=1_000)]


@use_case(
    "checkouts.retry",
    scope=None,
    public=True,
    keyed_by=("reference",),
    example={"reference": "q3Vd0Wm8Jx2Rk7Ty5Bn1Lc", "after": 1, **_CARD},
    statements=30,
)
async def retry_checkout(cmd: RetryCheckout, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> CheckoutView:
    """Pay a declined checkout with another card: the same order, or a new one after a card was declined for good.

    A retry that was made already answers with the checkout as it stands. Ten tries, the first included, are all there
    are. No credential needed.

    Errors: `not_found`, `checkout_out_of_step`, `checkout_attempts_exhausted`, `payment_in_progress`,
    `transition_invalid`, `payment_link_expired`, `payment_link_used_up`, `payment_link_deactivated`,
    `price_archived`, `provider_token_invalid`, `card_number_misplaced`, `payment_method_expired`.
    """
    id = await uow.enter_by("checkout", digest_of(cmd.reference))
    checkout = await uow.checkouts.get(id, lock=True)
    if checkout.is_news(cmd.after):
        order = await _payable(checkout, uow, clock=clock, ids=ids)
        customer = await uow.customers.get(order.customer_id, lock=True)
        method = await card_on_file(customer, cmd, uow, clock=clock, ids=ids)
        await begin_attempt(uow, order, method.id, clock=clock, ids=ids)
        checkout.retry(order.id, clock.now())
        await uow.flush()
    return await CheckoutView.load(checkout, uow)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCheckout:
    """The reference under which the checkout was submitted."""

    reference: Reference


@use_case(
    "checkouts.get",
    scope=None,
    public=True,
    example={"reference": "q3Vd0Wm8Jx2Rk7Ty5Bn1Lc"},
    read_only=True,
    statements=9,
)
async def get_checkout(cmd: GetCheckout, uow: IUnitOfWork) -> CheckoutView:
    """Tell the buyer how a purchase stands. The reference is the only credential.

    Errors: `not_found`, `checkout_reference_invalid`.
    """
    checkout = await uow.checkouts.get(await uow.enter_by("checkout", digest_of(cmd.reference)))
    return await CheckoutView.load(checkout, uow)


def _submitted(cmd: SubmitCheckout, order: PaymentOrder, id: CheckoutId, clock: IClock) -> Checkout:
    return Checkout.submit(
        order, id=id, reference=cmd.reference, submitted=fingerprint("checkouts.submit", cmd), locale=cmd.locale,
        now=clock.now(),
    )  # fmt: skip


async def _as_it_stands(
    checkout: Checkout, link_id: PaymentLinkId, cmd: SubmitCheckout, uow: IUnitOfWork
) -> CheckoutView:
    if checkout.payment_link_id != link_id:
        raise CheckoutTaken
    checkout.refuse_other(fingerprint("checkouts.submit", cmd), cmd.reference)
    return await CheckoutView.load(checkout, uow)


async def ordered(
    link: PaymentLink, customer_id: CustomerId, quantity: int, expected: Money | None, uow: IUnitOfWork, *,
    clock: IClock, ids: IIds,
) -> PaymentOrder:  # fmt: skip
    """Open an order as everybody does, if it costs what the buyer agreed to."""
    command = CreatePaymentOrder(payment_link_id=link.id, customer_id=customer_id, quantity=quantity)
    order = await open_order(uow, command, now=clock.now(), new_id=PaymentOrderId(ids.new()))
    if expected is not None and order.amount != expected:
        raise CheckoutTotalChanged
    return order


async def _payable(checkout: Checkout, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> PaymentOrder:
    """Return the checkout's order, or in place of one that can never be paid a new one for the same purchase."""
    order = await uow.payment_orders.get(checkout.payment_order_id, lock=True)
    if order.status is not PaymentOrderStatus.FAILED:
        return order
    # Either way it takes a use of the link again, which is locked before the customer, as everywhere.
    link = await uow.payment_links.get(order.payment_link_id, lock=True)
    over = order.expires_at is not None and order.expires_at <= clock.now()
    if order.retryable and not over:
        return order
    await cancel_payment_order(CancelPaymentOrder(id=order.id), uow, clock=clock)
    return await ordered(link, order.customer_id, order.quantity, order.amount, uow, clock=clock, ids=ids)
