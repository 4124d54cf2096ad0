"""Questions about payment links and orders; other contexts are named by id only."""

from datetime import datetime

from domain.payments.payment_link import PaymentLink, PaymentLinkStatus
from domain.payments.payment_order import IN_FLIGHT, OPEN, PaymentOrder, PaymentOrderStatus
from domain.shared.ids import CustomerId, PaymentLinkId, PaymentMethodId, ProductId
from domain.shared.money import Money
from domain.shared.specification import Equal, Everything, GreaterOrEqual, In, LessThan, Spec


def orders_open() -> Spec[PaymentOrder]:
    """Orders that are neither paid nor given up nor failed: money may still move without anybody asking again."""
    return In("status", tuple(sorted(OPEN)))


def orders_open_for_customer(customer_id: CustomerId) -> Spec[PaymentOrder]:
    """A customer's open orders."""
    return Equal("customer_id", customer_id) & orders_open()


def orders_in_flight_on_method(payment_method_id: PaymentMethodId) -> Spec[PaymentOrder]:
    """Orders whose present attempt uses the method and has no outcome yet."""
    return Equal("payment_method_id", payment_method_id) & In("status", tuple(sorted(IN_FLIGHT)))


def HighValuePaymentOrdersSpec(at_least: Money) -> Spec[PaymentOrder]:  # noqa: N802 - the name the business knows
    """Orders of that much or more, in that currency."""
    return Equal("amount.currency", at_least.currency) & GreaterOrEqual("amount.minor", at_least.minor)


def RetryablePaymentOrdersSpec() -> Spec[PaymentOrder]:  # noqa: N802 - the name the business knows
    """Failed orders for which another attempt can help."""
    return Equal("status", PaymentOrderStatus.FAILED) & Equal("failure_permanent", False)


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
    found: Spec[PaymentOrder] = Everything()
    for field, value in wanted.items():
        if value is not None:
            found &= Equal(field, value)
    if since is not None:
        found &= GreaterOrEqual("created_at", since)
    return found if until is None else found & LessThan("created_at", until)


def links_matching(
    *, status: PaymentLinkStatus | None = None, product_id: ProductId | None = None
) -> Spec[PaymentLink]:
    """Links with exactly the values that are given."""
    found: Spec[PaymentLink] = Everything()
    if status is not None:
        found &= Equal("status", status)
    return found if product_id is None else found & Equal("product_id", product_id)
