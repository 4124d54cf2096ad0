"""Tables of the payments context."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from domain.payments.payment_link import PaymentLinkUsedUp
from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import Base, TableArgs, TenantRow, belongs_to, of_organization, unique
from infrastructure.persistence.types import text


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
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    number: Mapped[str] = mapped_column(text(20))
    payment_link_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    product_id: Mapped[UUID]
    price_id: Mapped[UUID]
    quantity: Mapped[int]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    amount_currency: Mapped[str] = mapped_column(text(3))
    status: Mapped[str] = mapped_column(text(30))
    payment_method_id: Mapped[UUID | None]
    failure_code: Mapped[str | None] = mapped_column(text(80))
    failure_permanent: Mapped[bool]
    processing_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]


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
    payment_method_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(text(20))
    reference: Mapped[str | None] = mapped_column(text(255))
    decline_code: Mapped[str | None] = mapped_column(text(80))
    permanent: Mapped[bool]
    started_at: Mapped[datetime]
    concluded_at: Mapped[datetime | None]
