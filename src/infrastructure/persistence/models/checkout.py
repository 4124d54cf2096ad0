"""Tables behind the hosted checkout."""

from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from infrastructure.persistence.models.base import TableArgs, TenantRow, belongs_to, of_organization
from infrastructure.persistence.types import text


class CheckoutRow(TenantRow):
    """One buyer's way through the page of a link; found by its digest through the look-up table."""

    __tablename__ = "checkouts"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("payment_links", "payment_link_id"),
        belongs_to("payment_orders", "payment_order_id"),
        belongs_to("customers", "customer_id"),
        Index("ix_checkouts_digest", "organization_id", "digest"),
        Index("ix_checkouts_payment_link_id", "organization_id", "payment_link_id"),
        Index("ix_checkouts_payment_order_id", "organization_id", "payment_order_id"),
        Index("ix_checkouts_customer_id", "organization_id", "customer_id"),
    )

    digest: Mapped[str] = mapped_column(text(64))
    payment_link_id: Mapped[UUID]
    payment_order_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    locale: Mapped[str] = mapped_column(text(10))
    attempts: Mapped[int]
    fingerprint: Mapped[str | None] = mapped_column(text(64))


class ProviderNoticeRow(TenantRow):
    """What a payment provider told us. It may belong to the platform, which is no row of organizations."""

    __tablename__ = "provider_notices"
    __table_args__: TableArgs = (Index("ix_provider_notices_created_at", "organization_id", "created_at", "id"),)

    source: Mapped[str] = mapped_column(text(128))
    type: Mapped[str] = mapped_column(text(80))
    status: Mapped[str] = mapped_column(text(20))
