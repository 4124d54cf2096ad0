"""Questions about customers and how they pay."""

from datetime import datetime

from domain.customers.customer import Customer
from domain.customers.kyc import KycStatus
from domain.customers.method_details import PaymentMethodType
from domain.customers.payment_method import PaymentMethod
from domain.shared.ids import CustomerId
from domain.shared.specification import Contains, Equal, Everything, GreaterOrEqual, LessOrEqual, LessThan, Spec
from domain.shared.text import check_email


def customers_matching(
    *,
    text: str | None = None,
    email: str | None = None,
    name: str | None = None,
    external_id: str | None = None,
    country: str | None = None,
    kyc_status: KycStatus | None = None,
    min_risk_score: int | None = None,
    max_risk_score: int | None = None,
    created_from: datetime | None = None,
    created_before: datetime | None = None,
) -> Spec[Customer]:
    """Customers for whom everything holds that is given.

    ``text`` is contained in name or address and ``name`` in the name; the range begins with ``created_from`` and ends
    before ``created_before``; the others are exact. A customer without a risk score is in no range of scores.

    Raises:
        InvalidEmail: ``email`` is no address, in whatever spelling.
    """
    found: Spec[Customer] = Everything()
    if text is not None:
        found &= Contains("name", text) | Contains("email", text)
    if name is not None:
        found &= Contains("name", name)
    canonical = None if email is None else check_email(email)
    exact = {"email": canonical, "external_id": external_id, "country": country, "kyc_status": kyc_status}
    for field, value in exact.items():
        if value is not None:
            found &= Equal(field, value)
    if min_risk_score is not None:
        found &= GreaterOrEqual("risk_score", min_risk_score)
    if max_risk_score is not None:
        found &= LessOrEqual("risk_score", max_risk_score)
    if created_from is not None:
        found &= GreaterOrEqual("created_at", created_from)
    return found if created_before is None else found & LessThan("created_at", created_before)


def customers_with_payment_method(*, present: bool) -> Spec[Customer]:
    """Customers who have a payment method, or none. Only the database can answer: a customer does not hold them."""
    return Equal("has_payment_method", present)


def methods_of(customer_id: CustomerId, type: PaymentMethodType | None = None) -> Spec[PaymentMethod]:
    """The payment methods of one customer, or those of one type."""
    found: Spec[PaymentMethod] = Equal("customer_id", customer_id)
    return found if type is None else found & Equal("type", type)
