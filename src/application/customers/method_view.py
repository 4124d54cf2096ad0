"""What is shown of a payment method."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Self

from domain.customers.method_details import CardFunding, PaymentMethodType, WalletNetwork
from domain.customers.payment_method import PaymentMethod
from domain.customers.verification import VerificationStatus
from domain.shared.ids import CustomerId, PaymentMethodId


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethodView:
    """A payment method. The provider's token is never shown.

    A card expires at `expires_at`, the first moment of the month after its last one; `is_expired` and `expires_soon`
    (within thirty days) are as of the answer. `verification_tries_left` is how often the deposits on an account may
    still be named. `verification_failure` is why the last verification failed, also while the method is asked about
    again.
    """

    id: PaymentMethodId
    version: int
    customer_id: CustomerId
    type: PaymentMethodType
    brand: str | None
    funding: CardFunding | None
    last_four: str | None
    expiry_month: int | None
    expiry_year: int | None
    expires_at: datetime | None
    is_expired: bool
    expires_soon: bool
    bank_name: str | None
    country: str | None
    network: WalletNetwork | None
    address: str | None
    billing_name: str | None
    is_default: bool
    verification: VerificationStatus
    verification_failure: str | None
    verification_tries_left: int | None
    verified_at: datetime | None
    metadata: dict[str, str | int | bool]
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def at(cls, now: datetime, method: PaymentMethod) -> Self:
        """Show a method as it is at a moment."""
        values = {field.name: getattr(method, field.name) for field in fields(cls)}
        return cls(**{**values, "is_expired": method.is_expired(now), "expires_soon": method.expires_soon(now)})
