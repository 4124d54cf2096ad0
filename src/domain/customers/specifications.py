"""Questions about customers and how they pay."""

from domain.customers.customer import Customer
from domain.customers.payment_method import PaymentMethod
from domain.shared.ids import CustomerId
from domain.shared.specification import Contains, Equal, Everything, Spec
from domain.shared.text import check_email


def customers_matching(
    *, text: str | None = None, email: str | None = None, external_id: str | None = None, country: str | None = None
) -> Spec[Customer]:
    """Customers whose name or address contains ``text``, and who have exactly the other values that are given.

    Raises:
        InvalidEmail: ``email`` is no address, in whatever spelling.
    """
    found: Spec[Customer] = Everything()
    if text is not None:
        found &= Contains("name", text) | Contains("email", text)
    canonical = None if email is None else check_email(email)
    for field, value in (("email", canonical), ("external_id", external_id), ("country", country)):
        if value is not None:
            found &= Equal(field, value)
    return found


def methods_of(customer_id: CustomerId) -> Spec[PaymentMethod]:
    """The payment methods of one customer."""
    return Equal("customer_id", customer_id)
