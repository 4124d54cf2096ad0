"""Questions about payment orders; other contexts are named by id only.

The specifications of orders are functions named after what operators ask for. Combine them with ``&``, ``|`` and ``~``.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.payments.payment_order import PaymentOrder
from domain.payments.payment_order_status import IN_FLIGHT, OPEN, PaymentOrderStatus
from domain.shared.calendar import day_bounds
from domain.shared.ids import CustomerId, PaymentLinkId, PaymentMethodId, PriceId, ProductId
from domain.shared.money import CurrencyMismatch, Money
from domain.shared.specification import (
    Between,
    Contains,
    Equal,
    Everything,
    GreaterOrEqual,
    GreaterThan,
    In,
    IsNotNull,
    IsNull,
    JsonContains,
    LessOrEqual,
    LessThan,
    Spec,
)
from domain.shared.specification_spans import HasAtLeast, LongerThan
from domain.shared.specification_values import JsonScalar

# ruff: noqa: N802 - specifications bear the names the business knows

_S = PaymentOrderStatus


def orders_open() -> Spec[PaymentOrder]:
    """Orders that are neither paid nor given up nor failed: money may still move without anybody asking again."""
    return In("status", tuple(sorted(OPEN)))


def orders_open_for_customer(customer_id: CustomerId) -> Spec[PaymentOrder]:
    """A customer's open orders."""
    return PaymentOrdersOfCustomerSpec(customer_id) & orders_open()


def orders_in_flight_on_method(payment_method_id: PaymentMethodId) -> Spec[PaymentOrder]:
    """Orders whose present attempt uses the method and has no outcome yet."""
    return PaymentOrdersByMethodSpec(payment_method_id) & In("status", tuple(sorted(IN_FLIGHT)))


# -- whose, and of what ------------------------------------------------------------------------------


def PaymentOrdersOfCustomerSpec(customer_id: CustomerId) -> Spec[PaymentOrder]:
    """What one customer wanted to buy."""
    return Equal("customer_id", customer_id)


def PaymentOrdersOfLinkSpec(payment_link_id: PaymentLinkId) -> Spec[PaymentOrder]:
    """What was opened through one payment link."""
    return Equal("payment_link_id", payment_link_id)


def PaymentOrdersOfProductSpec(product_id: ProductId) -> Spec[PaymentOrder]:
    """Purchases of one product, at whatever price."""
    return Equal("product_id", product_id)


def PaymentOrdersOfPriceSpec(price_id: PriceId) -> Spec[PaymentOrder]:
    """Purchases at one price."""
    return Equal("price_id", price_id)


def PaymentOrdersByMethodSpec(payment_method_id: PaymentMethodId) -> Spec[PaymentOrder]:
    """Orders whose latest attempt uses one payment method."""
    return Equal("payment_method_id", payment_method_id)


def PaymentOrdersWithMetadataSpec(pairs: Mapping[str, JsonScalar]) -> Spec[PaymentOrder]:
    """Orders whose metadata has every one of the pairs."""
    return JsonContains("metadata", pairs)


def PaymentOrdersWithTextSpec(text: str) -> Spec[PaymentOrder]:
    """The text occurs in the number or in the failure code, whatever the case of its ASCII letters."""
    return Contains("number", text) | Contains("failure_code", text)


# -- how much ----------------------------------------------------------------------------------------


def HighValuePaymentOrdersSpec(at_least: Money) -> Spec[PaymentOrder]:
    """Orders of that much or more, in that currency."""
    return Equal("amount.currency", at_least.currency) & GreaterOrEqual("amount.minor", at_least.minor)


def PaymentOrdersAmountBetweenSpec(low: Money, high: Money) -> Spec[PaymentOrder]:
    """Orders between two amounts of one currency, both of them included.

    Raises:
        CurrencyMismatch: the amounts are of two currencies.
    """
    if low.currency != high.currency:
        raise CurrencyMismatch
    return Equal("amount.currency", low.currency) & Between("amount.minor", low.minor, high.minor)


def LargeRefundsSpec(at_least: Money) -> Spec[PaymentOrder]:
    """Orders of which that much or more was given back, in that currency."""
    return Equal("amount.currency", at_least.currency) & GreaterOrEqual("refunded_minor", at_least.minor)


def RefundPendingPaymentOrdersSpec() -> Spec[PaymentOrder]:
    """Orders with a refund under way: money is set aside and has not arrived yet."""
    return GreaterThan("refund_pending_minor", 0)


# -- what became of it -------------------------------------------------------------------------------


def PaymentOrdersInStatusSpec(*statuses: PaymentOrderStatus) -> Spec[PaymentOrder]:
    """Orders in one of the states."""
    return In("status", tuple(sorted(statuses)))


def RefundedPaymentOrdersSpec() -> Spec[PaymentOrder]:
    """Orders of which everything was given back."""
    return Equal("status", _S.REFUNDED)


def PartiallyRefundedPaymentOrdersSpec() -> Spec[PaymentOrder]:
    """Orders of which something was given back, and something was not."""
    return Equal("status", _S.PARTIALLY_REFUNDED)


def RetryablePaymentOrdersSpec() -> Spec[PaymentOrder]:
    """Failed orders for which another attempt is allowed and can help; permanent failures are not among them."""
    return Equal("status", _S.FAILED) & IsNotNull("next_retry_at")


def RetryDuePaymentOrdersSpec(now: datetime) -> Spec[PaymentOrder]:
    """Retryable orders whose suggested moment has come."""
    return RetryablePaymentOrdersSpec() & LessOrEqual("next_retry_at", now)


def PermanentlyFailedPaymentOrdersSpec() -> Spec[PaymentOrder]:
    """Failed orders for which trying again cannot help or is not allowed any more."""
    return Equal("status", _S.FAILED) & IsNull("next_retry_at")


def PaymentOrdersFailedWithSpec(failure_code: str) -> Spec[PaymentOrder]:
    """Orders whose latest failure has this code."""
    return Equal("failure_code", failure_code)


def StuckPaymentOrdersSpec(processing_since_before: datetime) -> Spec[PaymentOrder]:
    """Orders whose attempt began before a moment and still has no outcome."""
    return In("status", tuple(sorted(IN_FLIGHT))) & LessThan("processing_at", processing_since_before)


def AwaitingReconciliationPaymentOrdersSpec() -> Spec[PaymentOrder]:
    """Orders of which nobody knows whether the money was collected."""
    return Equal("status", _S.UNKNOWN)


def PaymentOrdersNeedingAttentionSpec() -> Spec[PaymentOrder]:
    """Orders that a person should look at."""
    return IsNotNull("attention_at")


def ExpiredUnpaidPaymentOrdersSpec(now: datetime) -> Spec[PaymentOrder]:
    """Orders whose time is over without their money, whether or not anybody has noticed yet."""
    overdue = In("status", (_S.FAILED, _S.PENDING)) & LessOrEqual("expires_at", now)
    return Equal("status", _S.EXPIRED) | overdue


def AttemptedPaymentOrdersSpec(at_least: int) -> Spec[PaymentOrder]:
    """Orders that were tried that often or more."""
    return HasAtLeast("attempts", at_least)


# -- who buys ----------------------------------------------------------------------------------------


def PaymentOrdersByRiskSpec(at_least: int, at_most: int | None = None) -> Spec[PaymentOrder]:
    """Orders whose risk score lies in a range; one without a score lies in none."""
    risky: Spec[PaymentOrder] = GreaterOrEqual("risk_score", at_least)
    return risky if at_most is None else risky & LessOrEqual("risk_score", at_most)


def PaymentOrdersByKycSpec(*statuses: str) -> Spec[PaymentOrder]:
    """Orders of customers who stood there in their verification when they bought."""
    return In("kyc_status", tuple(sorted(statuses)))


# -- when --------------------------------------------------------------------------------------------


def PaymentOrdersCreatedBetweenSpec(since: datetime | None, until: datetime | None) -> Spec[PaymentOrder]:
    """Orders opened from a moment on and before another; None leaves an end open."""
    return _between("created_at", since, until)


def PaymentOrdersCompletedBetweenSpec(since: datetime | None, until: datetime | None) -> Spec[PaymentOrder]:
    """Orders paid from a moment on and before another, refunded since or not; None leaves an end open."""
    return IsNotNull("completed_at") & _between("completed_at", since, until)


def PaymentOrdersCreatedOnDaySpec(day: date, zone: ZoneInfo) -> Spec[PaymentOrder]:
    """Orders opened on a day as it is counted in a time zone, which may have 23 or 25 hours."""
    return _between("created_at", *day_bounds(day, zone))


def SlowPaymentOrdersSpec(longer_than: timedelta) -> Spec[PaymentOrder]:
    """Paid orders whose successful attempt took longer than that."""
    return LongerThan("processing_at", "completed_at", longer_than)


def _between(field: str, since: datetime | None, until: datetime | None) -> Spec[PaymentOrder]:
    found: Spec[PaymentOrder] = Everything()
    if since is not None:
        found &= GreaterOrEqual(field, since)
    return found if until is None else found & LessThan(field, until)


def orders_matching(
    *,
    status: PaymentOrderStatus | None = None,
    number: str | None = None,
    customer_id: CustomerId | None = None,
    payment_link_id: PaymentLinkId | None = None,
    currency: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Spec[PaymentOrder]:
    """Orders with exactly the values that are given, created from ``since`` on and before ``until``."""
    wanted = {
        "status": status,
        "number": number,
        "customer_id": customer_id,
        "payment_link_id": payment_link_id,
        "amount.currency": currency,
    }
    found = PaymentOrdersCreatedBetweenSpec(since, until)
    for field, value in wanted.items():
        if value is not None:
            found &= Equal(field, value)
    return found
