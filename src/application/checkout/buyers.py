"""Who buys and with what: found or made from what a buyer typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from annotated_types import Interval, Len

from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from domain.customers.customer import Customer
from domain.customers.method_details import BRAND, CardFunding, MethodDetails, PaymentMethodType
from domain.customers.payment_method import MAX_METHODS, PaymentMethod
from domain.payments.specifications import orders_in_flight_on_method
from domain.shared.card_numbers import refuse_card_number
from domain.shared.ids import CustomerId, OrganizationId, PaymentMethodId
from domain.shared.specification import Equal
from domain.shared.text import check_email


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyersCard:
    """A card as the provider's vault answers for it. The number itself is refused everywhere."""

    provider_token: Annotated[str, Len(8, 255)]
    brand: Annotated[str, BRAND] | None = None
    funding: CardFunding | None = None
    last_four: Annotated[str, Len(4, 4)] | None = None
    expiry_month: Annotated[int, Interval(ge=1, le=12)] | None = None
    expiry_year: Annotated[int, Interval(ge=2000, le=2100)] | None = None


async def found_or_made(
    email: str, name: str, organization_id: OrganizationId, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> Customer:
    """Return the customer with the address, locked; a buyer cannot change one who is there already.

    Raises:
        CardNumberMisplaced: the address or the name holds one, also where it would not be stored.
    """
    refuse_card_number(email, "email")
    refuse_card_number(name, "name")
    known = await uow.customers.find_one(Equal("email", check_email(email)), lock=True)
    if known is not None:
        return known
    customer = Customer.create(
        id=CustomerId(ids.new()), organization_id=organization_id, email=email, name=name, now=clock.now()
    )
    uow.customers.add(customer)
    return customer


async def card_on_file(
    customer: Customer, card: BuyersCard, uow: IUnitOfWork, *, clock: IClock, ids: IIds
) -> PaymentMethod:
    """Return the customer's method behind the same token, or a new one; both are written when this returns.

    A real vault gives a new token to every form, and anybody may name any address: where the customer has as many
    methods as there may be, the oldest one that is not the default makes room.

    Raises:
        PaymentMethodInUse: a payment on its way uses that one.
        CardNumberMisplaced: the brand holds one, also where it would not be stored.
    """
    refuse_card_number(card.brand or "", "brand")
    methods = await uow.payment_methods.of_customer(customer.id)
    for method in methods:
        if _is_same(method, card):
            return method
    if len(methods) >= MAX_METHODS:
        methods = await _with_room(methods, uow, clock.now())
    method = PaymentMethod.add(
        methods,
        id=PaymentMethodId(ids.new()), organization_id=customer.organization_id, customer_id=customer.id,
        type=PaymentMethodType.CARD, provider_token=card.provider_token, now=clock.now(),
        details=MethodDetails(
            brand=card.brand, funding=card.funding, last_four=card.last_four, expiry_month=card.expiry_month,
            expiry_year=card.expiry_year,
        ),
    )  # fmt: skip
    uow.payment_methods.add(method)
    await uow.flush()  # Customer and method have to be there for what refers to them.
    return method


async def _with_room(methods: Sequence[PaymentMethod], uow: IUnitOfWork, now: datetime) -> list[PaymentMethod]:
    oldest = min((method for method in methods if not method.is_default), key=lambda method: method.created_at)
    oldest.remove(now, uow.actor.id, in_use=await uow.payment_orders.exists(orders_in_flight_on_method(oldest.id)))
    return [method for method in methods if method is not oldest]


def _is_same(method: PaymentMethod, card: BuyersCard) -> bool:
    """Compare also what is shown: a token of the sandbox stands for many cards."""
    return (method.provider_token, method.last_four, method.expiry_month, method.expiry_year) == (
        card.provider_token, card.last_four, card.expiry_month, card.expiry_year,
    )  # fmt: skip
