"""What is shown of a customer."""

from dataclasses import dataclass
from datetime import datetime

from application.customers.method_view import PaymentMethodView
from application.kernel.view import View
from domain.customers.customer import Customer
from domain.customers.kyc import KycStatus
from domain.shared.ids import CustomerId


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView(View[Customer]):
    """A customer. `risk_score` is 0 (none) to 100, null until the identity was checked."""

    id: CustomerId
    version: int
    email: str
    name: str
    external_id: str | None
    country: str | None
    metadata: dict[str, str | int | bool]
    kyc_status: KycStatus
    risk_score: int | None
    deleted_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerWithPaymentMethodsView:
    """A customer and how they pay."""

    customer: CustomerView
    payment_methods: list[PaymentMethodView]


@dataclass(frozen=True, slots=True, kw_only=True)
class KycView(View[Customer]):
    """How far a customer's identity check is, and why the latest one ended as it did."""

    id: CustomerId
    version: int
    kyc_status: KycStatus
    risk_score: int | None
    kyc_reason: str | None
    kyc_updated_at: datetime | None
    kyc_expires_at: datetime | None
