"""Tables of the payments context."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.payments.payment_link import PaymentLinkUsedUp
from domain.payments.payment_order_errors import RefundExceedsCaptured
from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import Base, TableArgs, TenantRow, belongs_to, of_organization, unique
from infrastructure.persistence.types import JsonText, text

_IN_FLIGHT = "status in ('processing', 'settlement_pending', 'unknown')"

MONEY_WITHIN_BOUNDS = (
    "refunded_minor >= 0 and refund_pending_minor >= 0 and fee_minor >= 0"
    " and refunded_minor + refund_pending_minor <= captured_minor and captured_minor <= amount_minor"
)


def _partial(name: str, *columns: str, where: str) -> Index:
    """Return an index over some rows only, for both databases."""
    return Index(name, "organization_id", *columns, postgresql_where=sql(where), sqlite_where=sql(where))


class PaymentLinkRow(TenantRow):
    """A public address that opens orders."""

    __tablename__ = "payment_links"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("products", "product_id"),
        belongs_to("prices", "price_id"),
        Index("ix_payment_links_product_id", "organization_id", "product_id"),
        Index("ix_payment_links_price_id", "organization_id", "price_id"),
        Index("ix_payment_links_created_at", "organization_id", "created_at", "id"),
        # The last wall behind the row lock: no race can sell a use twice.
        CheckConstraint(
            "max_uses is null or uses <= max_uses", name="uses_within_limit", info={"error": PaymentLinkUsedUp}
        ),
    )

    slug: Mapped[str] = mapped_column(text(64))
    product_id: Mapped[UUID]
    price_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(text(20))
    max_uses: Mapped[int | None]
    uses: Mapped[int]
    expires_at: Mapped[datetime | None]
    title: Mapped[str | None] = mapped_column(text(200))
    description: Mapped[str] = mapped_column(text())
    success_url: Mapped[str | None] = mapped_column(text(2000))


class PaymentOrderRow(TenantRow):
    """One purchase."""

    __tablename__ = "payment_orders"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("payment_links", "payment_link_id"),
        belongs_to("customers", "customer_id"),
        belongs_to("products", "product_id"),
        belongs_to("prices", "price_id"),
        belongs_to("payment_methods", "payment_method_id"),
        unique("number", error=DuplicateError),
        Index("ix_payment_orders_payment_link_id", "organization_id", "payment_link_id"),
        Index("ix_payment_orders_customer_id", "organization_id", "customer_id"),
        Index("ix_payment_orders_product_id", "organization_id", "product_id"),
        Index("ix_payment_orders_price_id", "organization_id", "price_id"),
        Index("ix_payment_orders_payment_method_id", "organization_id", "payment_method_id"),
        Index("ix_payment_orders_created_at", "organization_id", "created_at", "id"),
        _partial("ix_payment_orders_next_retry_at", "next_retry_at", "id", where="next_retry_at is not null"),
        _partial("ix_payment_orders_attention_at", "attention_at", where="attention_at is not null"),
        _partial("ix_payment_orders_in_flight", "processing_at", where=_IN_FLIGHT),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        # The last wall behind the row lock and the aggregate.
        CheckConstraint(MONEY_WITHIN_BOUNDS, name="money_within_bounds", info={"error": RefundExceedsCaptured}),
    )

    number: Mapped[str] = mapped_column(text(20))
    payment_link_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    product_id: Mapped[UUID]
    price_id: Mapped[UUID]
    quantity: Mapped[int]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    amount_currency: Mapped[str] = mapped_column(text(3))
    captured_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    fee_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    refund_pending_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    refunded_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    status: Mapped[str] = mapped_column(text(30))
    payment_method_id: Mapped[UUID | None]
    failure_code: Mapped[str | None] = mapped_column(text(80))
    failure_permanent: Mapped[bool]
    kyc_status: Mapped[str] = mapped_column(text(20), server_default="not_started")
    risk_score: Mapped[int | None]
    metadata_: Mapped[str] = mapped_column("metadata", JsonText(), server_default="{}")
    expires_at: Mapped[datetime | None]
    next_retry_at: Mapped[datetime | None]
    attention_at: Mapped[datetime | None]
    processing_at: Mapped[datetime | None]
    unknown_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    expired_at: Mapped[datetime | None]
    refunded_at: Mapped[datetime | None]
    mandated: Mapped[bool] = mapped_column(server_default=sql("false"))
    approval_required: Mapped[bool] = mapped_column(server_default=sql("false"))


class PaymentAttemptRow(Base):
    """One try to collect an order's amount."""

    __tablename__ = "payment_attempts"
    __table_args__: TableArgs = (
        belongs_to("payment_orders", "payment_order_id"),
        belongs_to("payment_methods", "payment_method_id"),
        unique("payment_order_id", "number", error=DuplicateError),
        Index("ix_payment_attempts_payment_method_id", "organization_id", "payment_method_id"),
        {"info": {"unmapped": ("organization_id", "payment_order_id")}},
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_order_id: Mapped[UUID]
    number: Mapped[int]
    payment_method_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(text(20))
    provider: Mapped[str | None] = mapped_column(text(40))
    reference: Mapped[str | None] = mapped_column(text(255))
    decline_code: Mapped[str | None] = mapped_column(text(80))
    permanent: Mapped[bool]
    fee_minor: Mapped[int | None] = mapped_column(BigInteger)
    surplus: Mapped[bool] = mapped_column(server_default=sql("false"))
    lookups: Mapped[int] = mapped_column(server_default="0")
    started_at: Mapped[datetime]
    concluded_at: Mapped[datetime | None]


class RefundRow(TenantRow):
    """Collected money on its way back."""

    __tablename__ = "refunds"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("payment_orders", "payment_order_id"),
        belongs_to("payment_attempts", "attempt_id"),
        Index("ix_refunds_payment_order_id", "organization_id", "payment_order_id"),
        Index("ix_refunds_attempt_id", "organization_id", "attempt_id"),
        Index("ix_refunds_created_at", "organization_id", "created_at", "id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    payment_order_id: Mapped[UUID]
    attempt_id: Mapped[UUID]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    amount_currency: Mapped[str] = mapped_column(text(3))
    reason: Mapped[str] = mapped_column(text(500))
    surplus: Mapped[bool]
    status: Mapped[str] = mapped_column(text(20))
    charge_reference: Mapped[str] = mapped_column(text(255))
    provider: Mapped[str | None] = mapped_column(text(40))
    reference: Mapped[str | None] = mapped_column(text(255))
    failure_code: Mapped[str | None] = mapped_column(text(80))
    lookups: Mapped[int]
    attention_at: Mapped[datetime | None]
    processing_at: Mapped[datetime | None]
    unknown_at: Mapped[datetime | None]
    succeeded_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
