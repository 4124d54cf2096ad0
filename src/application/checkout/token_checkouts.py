"""Buying through a payment link without an account, in a token: what machines do at an offer's address."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Len

from application.checkout.buyers import found_or_made
from application.checkout.checkouts import Quantity, Reference, Slug, ordered
from application.kernel.dispatcher import SecretOnce
from application.kernel.fields import Email
from application.kernel.idempotency import fingerprint
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.payments.token_paying import begin_token_attempt, demand_for
from application.settlements.x402 import MAX_PAYMENT, read_payment
from application.wallets.signing_ports import ISignatures
from domain.catalog.price import PriceArchived
from domain.identity.organization import refuse_inactive
from domain.payments.checkout import Checkout, CheckoutStatus, status_of
from domain.payments.payment_link import PaymentLink
from domain.payments.payment_order import PaymentOrder
from domain.settlements.demand import Demand, PaymentDemanded
from domain.shared.evm import checksummed
from domain.shared.ids import CheckoutId, PaymentLinkId
from domain.shared.money import Money
from domain.shared.text import NAME, check_slug

_NO_MAIL = "eip155.invalid"
"""Where a buyer seems to have mail of whom nothing but the wallet is known: nothing is ever sent there."""
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCheckoutView(SecretOnce):
    """A purchase as its buyer sees it. Whoever knows the `reference` may follow it; it is shown once."""

    once_only: ClassVar[str] = "reference"

    id: CheckoutId
    status: CheckoutStatus
    reference: str | None
    slug: str
    quantity: int
    total: Money
    number: str

    @classmethod
    def of(cls, checkout: Checkout, order: PaymentOrder, slug: str, reference: str) -> "TokenCheckoutView":
        """Show a purchase that has just been made."""
        return cls(
            id=checkout.id, status=status_of(order), reference=reference, slug=slug, quantity=order.quantity,
            total=order.amount, number=order.number,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PayCheckoutInToken:
    """Which offer, how many of it, and the payment: base64 of its JSON as the header `PAYMENT-SIGNATURE` has it.

    Without a quantity the fewest that are sold, without an address the wallet is all that is known of the buyer.
    """

    slug: Slug
    quantity: Quantity | None = None
    payment_signature: Annotated[str, Len(1, MAX_PAYMENT)] | None = None
    reference: Reference | None = None
    email: Email | None = None
    name: Annotated[str, NAME] | None = None


@use_case(
    "checkouts.pay_in_token",
    scope=None,
    public=True,
    keyed_by=("slug", "payment_signature"),
    example={"slug": "espresso-spring", "quantity": 1, "email": "mara.lind@example.org", "name": "Mara Lind"},
    statements=36,
)
async def pay_checkout_in_token(
    cmd: PayCheckoutInToken, uow: IUnitOfWork, *, clock: IClock, ids: IIds, signatures: ISignatures
) -> TokenCheckoutView:
    """Buy through a payment link by x402: without a payment the answer is `payment_required` and says how to pay.

    With one, the buyer becomes a customer and the token is settled; the purchase is paid once the chain has decided. A
    payment is taken once; the same request under the same `Idempotency-Key` gets the same answer. No credential needed.

    Errors: `not_found`, `slug_invalid`, `payment_required`, `payment_method_missing`, `payment_malformed`,
    `payment_version_unsupported`, `payment_scheme_unsupported`, `payment_network_mismatch`, `payment_asset_mismatch`,
    `payment_recipient_mismatch`, `payment_amount_mismatch`, `payment_not_yet_valid`, `payment_expired`,
    `payment_valid_too_long`, `payment_signature_unsupported`, `payment_signature_invalid`,
    `payment_authorization_used`, `address_blocked`, `address_not_allowed`, `payment_link_expired`,
    `payment_link_used_up`, `payment_link_deactivated`, `organization_suspended`, `price_archived`,
    `quantity_out_of_range`, `checkout_taken`, `checkout_reference_invalid`, `email_invalid`, `text_invalid`,
    `card_number_misplaced`.
    """
    link_id = PaymentLinkId(await uow.enter_by("payment_link", check_slug(cmd.slug)))
    link = await uow.payment_links.get(link_id, lock=cmd.payment_signature is not None)
    if cmd.payment_signature is None:
        raise PaymentDemanded(await _demand(uow, link, cmd.quantity, clock))
    order = await _ordered(uow, link, cmd, cmd.payment_signature, clock=clock, ids=ids)
    await begin_token_attempt(uow, order, cmd.payment_signature, signatures=signatures, clock=clock, ids=ids)
    reference = cmd.reference or new_reference(ids)
    checkout = Checkout.submit(
        order, id=CheckoutId(ids.new()), reference=reference, submitted=fingerprint("checkouts.pay_in_token", cmd),
        locale="en", now=clock.now(),
    )  # fmt: skip
    uow.checkouts.add(checkout)
    await uow.flush()
    return TokenCheckoutView.of(checkout, order, link.slug, reference)


def new_reference(ids: IIds) -> str:
    """Return a fresh reference: more random bits than one needs, and in letters, so that it is never a card number."""
    return f"{ids.new().hex}{ids.new().hex}".translate(_LETTERS)


async def _demand(uow: IUnitOfWork, link: PaymentLink, quantity: int | None, clock: IClock) -> Demand:
    """Say what the offer costs, unless it is over."""
    link.ensure_open(clock.now())
    price = await uow.prices.get(link.price_id, with_deleted=True)
    product = await uow.products.get(link.product_id, with_deleted=True)
    refuse_inactive((await uow.organizations.get(link.organization_id)).status)
    if price.is_deleted:
        raise PriceArchived
    return await demand_for(uow, price.total(quantity or price.min_quantity), link.title or product.name)


async def _ordered(
    uow: IUnitOfWork, link: PaymentLink, cmd: PayCheckoutInToken, payment: str, *, clock: IClock, ids: IIds
) -> PaymentOrder:
    payer = read_payment(payment).authorization.payer
    price = await uow.prices.get(link.price_id, with_deleted=True)
    customer = await found_or_made(
        cmd.email or f"{payer}@{_NO_MAIL}", cmd.name or checksummed(payer), link.organization_id, uow, clock=clock,
        ids=ids,
    )  # fmt: skip
    await uow.flush()  # The customer has to be there for what refers to them.
    return await ordered(link, customer.id, cmd.quantity or price.min_quantity, None, uow, clock=clock, ids=ids)
