"""Searching payment orders by everything an operator may know of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from annotated_types import Interval, Len

from application.kernel.actor import Scope
from application.kernel.fields import Currency
from application.kernel.page import ListView, PageQuery
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.payments.payment_order_view import PaymentOrderView
from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import PaymentOrderStatus
from domain.payments.specifications import (
    AttemptedPaymentOrdersSpec,
    PaymentOrdersByKycSpec,
    PaymentOrdersByRiskSpec,
    PaymentOrdersCompletedBetweenSpec,
    PaymentOrdersCreatedBetweenSpec,
    PaymentOrdersInStatusSpec,
    PaymentOrdersNeedingAttentionSpec,
    PaymentOrdersWithMetadataSpec,
    PaymentOrdersWithTextSpec,
)
from domain.shared.errors import ValidationError
from domain.shared.ids import CustomerId, PaymentLinkId, PaymentMethodId, PriceId, ProductId
from domain.shared.money import MAX_MINOR, Money
from domain.shared.specification import Equal, Everything, GreaterOrEqual, GreaterThan, LessOrEqual, Spec

Score = Annotated[int, Interval(ge=0, le=100)]
Minor = Annotated[int, Interval(ge=0, le=MAX_MINOR)]


class InvalidSearch(ValidationError):
    """Criteria that exclude each other, or of which one means nothing without another."""

    code = "search_invalid"
    summary = "The criteria do not go together."


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPaymentOrders(PageQuery):
    """All criteria that are given must hold; of a list one value is enough.

    `…_from` belongs to a range of time and `…_before` does not; both amounts belong to theirs and need a `currency`.
    An order without a risk score has none in any range. `refunded` is about any part of the money. Sorted by
    `completed_at`, only paid orders are found.
    """

    statuses: Annotated[tuple[PaymentOrderStatus, ...], Len(0, 9)] = ()
    number: Annotated[str, Len(1, 40)] | None = None
    customer_id: CustomerId | None = None
    payment_link_id: PaymentLinkId | None = None
    product_id: ProductId | None = None
    price_id: PriceId | None = None
    payment_method_id: PaymentMethodId | None = None
    currency: Currency | None = None
    amount_min: Minor | None = None
    amount_max: Minor | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    completed_from: datetime | None = None
    completed_before: datetime | None = None
    kyc_statuses: Annotated[tuple[Annotated[str, Len(1, 20)], ...], Len(0, 10)] = ()
    risk_min: Score | None = None
    risk_max: Score | None = None
    failure_code: Annotated[str, Len(1, 80)] | None = None
    refunded: bool | None = None
    needs_attention: bool | None = None
    attempts_min: Annotated[int, Interval(ge=0, le=1_000)] | None = None
    metadata: dict[str, str | int | bool] | None = None
    text: Annotated[str, Len(1, 100)] | None = None
    sort: Literal[
        "created_at", "-created_at", "completed_at", "-completed_at", "number", "-number", "amount", "-amount"
    ] = "-created_at"


@use_case(
    "payment_orders.search",
    scope=Scope.PAYMENT_ORDERS_READ,
    example={"statuses": ["completed"], "currency": "EUR", "amount_min": 1000, "risk_max": 50, "limit": 20},
    read_only=True,
    statements=3,
)
async def search_payment_orders(cmd: SearchPaymentOrders, uow: IUnitOfWork) -> ListView[PaymentOrderView]:
    """Search the organization's payment orders.

    Errors: `search_invalid`, `currency_invalid`.
    """
    request = cmd.request(_SORTS.get(cmd.sort, cmd.sort))
    return ListView.of(await uow.payment_orders.page(_wanted(cmd), request), PaymentOrderView.of)


_SORTS = {"amount": "amount.minor", "-amount": "-amount.minor"}
_EXACT = {
    "number": "number", "customer_id": "customer_id", "payment_link_id": "payment_link_id",
    "product_id": "product_id", "price_id": "price_id", "payment_method_id": "payment_method_id",
    "currency": "amount.currency", "failure_code": "failure_code",
}  # fmt: skip


def _wanted(cmd: SearchPaymentOrders) -> Spec[PaymentOrder]:
    """Put the given criteria together.

    Raises:
        InvalidSearch: they do not go together.
        InvalidCurrency: there is no such currency.
    """
    _check(cmd)
    found = _amount(cmd) & PaymentOrdersCreatedBetweenSpec(cmd.created_from, cmd.created_before) & _details(cmd)
    for name, field in _EXACT.items():
        value = getattr(cmd, name)
        if value is not None:
            found &= Equal(field, value)
    if cmd.statuses:
        found &= PaymentOrdersInStatusSpec(*cmd.statuses)
    if cmd.kyc_statuses:
        found &= PaymentOrdersByKycSpec(*cmd.kyc_statuses)
    if cmd.completed_from or cmd.completed_before or cmd.sort.endswith("completed_at"):
        found &= PaymentOrdersCompletedBetweenSpec(cmd.completed_from, cmd.completed_before)
    if cmd.risk_min is not None or cmd.risk_max is not None:
        found &= PaymentOrdersByRiskSpec(cmd.risk_min or 0, cmd.risk_max)
    return found


def _amount(cmd: SearchPaymentOrders) -> Spec[PaymentOrder]:
    found: Spec[PaymentOrder] = Everything()
    if cmd.amount_min is not None:
        found &= GreaterOrEqual("amount.minor", cmd.amount_min)
    return found if cmd.amount_max is None else found & LessOrEqual("amount.minor", cmd.amount_max)


def _details(cmd: SearchPaymentOrders) -> Spec[PaymentOrder]:
    found: Spec[PaymentOrder] = Everything()
    switches: list[tuple[bool | None, Spec[PaymentOrder]]] = [
        (cmd.refunded, GreaterThan("refunded_minor", 0)),
        (cmd.needs_attention, PaymentOrdersNeedingAttentionSpec()),
    ]
    for wanted, spec in switches:
        if wanted is not None:
            found &= spec if wanted else ~spec
    if cmd.attempts_min is not None:
        found &= AttemptedPaymentOrdersSpec(cmd.attempts_min)
    if cmd.metadata is not None:
        found &= PaymentOrdersWithMetadataSpec(cmd.metadata)
    return found if cmd.text is None else found & PaymentOrdersWithTextSpec(cmd.text)


def _check(cmd: SearchPaymentOrders) -> None:
    if cmd.currency is not None:
        Money.zero(cmd.currency)
    elif cmd.amount_min is not None or cmd.amount_max is not None:
        raise InvalidSearch("Amounts can be compared in one currency only; name it.", path="currency")
    for low, high in (("amount_min", "amount_max"), ("risk_min", "risk_max")):
        least, most = getattr(cmd, low), getattr(cmd, high)
        if least is not None and most is not None and least > most:
            raise InvalidSearch(f"{low} is above {high}.", path=low)
    for start, end in (("created_from", "created_before"), ("completed_from", "completed_before")):
        since, until = getattr(cmd, start), getattr(cmd, end)
        if since is not None and until is not None and since >= until:
            raise InvalidSearch(f"{start} does not lie before {end}.", path=start)
