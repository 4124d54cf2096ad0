"""Tables of the customers context."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.customers.customer import CustomerEmailTaken, ExternalIdTaken
from infrastructure.persistence.models.base import SoftDeletableRow, TableArgs, belongs_to, of_organization
from infrastructure.persistence.types import JsonText, text

ALIVE = sql("deleted_at is null")
_DEFAULT = sql("is_default and deleted_at is null")


class CustomerRow(SoftDeletableRow):
    """Somebody who buys from the organization."""

    __tablename__ = "customers"
    __table_args__: TableArgs = (
        of_organization(),
        Index(
            "uq_customers_email",
            "organization_id",
            "email",
            unique=True,
            postgresql_where=ALIVE,
            sqlite_where=ALIVE,
            info={"error": CustomerEmailTaken},
        ),
        Index(
            "uq_customers_external_id",
            "organization_id",
            "external_id",
            unique=True,
            postgresql_where=ALIVE,
            sqlite_where=ALIVE,
            info={"error": ExternalIdTaken},
        ),
        Index("ix_customers_created_at", "organization_id", "created_at", "id"),
        Index("ix_customers_kyc_status", "organization_id", "kyc_status", "created_at", "id"),
    )

    email: Mapped[str] = mapped_column(text(254))
    name: Mapped[str] = mapped_column(text(200))
    external_id: Mapped[str | None] = mapped_column(text(200))
    country: Mapped[str | None] = mapped_column(text(2))
    # "metadata" is the declarative base's own word.
    metadata_: Mapped[str] = mapped_column("metadata", JsonText())
    kyc_status: Mapped[str] = mapped_column(text(20))
    risk_score: Mapped[int | None]
    kyc_check: Mapped[str | None] = mapped_column(text(36))
    kyc_reason: Mapped[str | None] = mapped_column(text(200))
    kyc_updated_at: Mapped[datetime | None]
    kyc_expires_at: Mapped[datetime | None]


class PaymentMethodRow(SoftDeletableRow):
    """A provider's token for something to pay with; no number of a card is ever here."""

    __tablename__ = "payment_methods"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("customers", "customer_id"),
        Index("ix_payment_methods_customer_id", "organization_id", "customer_id"),
        # Two requests that both set a default cannot both win.
        Index(
            "uq_payment_methods_default",
            "organization_id",
            "customer_id",
            unique=True,
            postgresql_where=_DEFAULT,
            sqlite_where=_DEFAULT,
        ),
    )

    customer_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(text(20))
    provider_token: Mapped[str] = mapped_column(text(255))
    brand: Mapped[str | None] = mapped_column(text(40))
    funding: Mapped[str | None] = mapped_column(text(20))
    last_four: Mapped[str | None] = mapped_column(text(4))
    expiry_month: Mapped[int | None]
    expiry_year: Mapped[int | None]
    bank_name: Mapped[str | None] = mapped_column(text(100))
    country: Mapped[str | None] = mapped_column(text(2))
    network: Mapped[str | None] = mapped_column(text(20))
    address: Mapped[str | None] = mapped_column(text(42))
    billing_name: Mapped[str | None] = mapped_column(text(200))
    is_default: Mapped[bool]
    verification: Mapped[str] = mapped_column(text(20))
    verification_check: Mapped[str | None] = mapped_column(text(36))
    verification_failure: Mapped[str | None] = mapped_column(text(100))
    verification_tries: Mapped[int]
    verification_rounds: Mapped[int]
    deposits_digest: Mapped[str | None] = mapped_column(text(64))
    verified_at: Mapped[datetime | None]
    metadata_: Mapped[str] = mapped_column("metadata", JsonText())
