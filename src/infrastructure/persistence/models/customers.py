"""Tables of the customers context."""

from uuid import UUID

from sqlalchemy import Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.customers.customer import CustomerEmailTaken, ExternalIdTaken
from infrastructure.persistence.models.base import SoftDeletableRow, TableArgs, belongs_to, of_organization
from infrastructure.persistence.types import JsonText, text

_ALIVE = sql("deleted_at is null")
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
            postgresql_where=_ALIVE,
            sqlite_where=_ALIVE,
            info={"error": CustomerEmailTaken},
        ),
        Index(
            "uq_customers_external_id",
            "organization_id",
            "external_id",
            unique=True,
            postgresql_where=_ALIVE,
            sqlite_where=_ALIVE,
            info={"error": ExternalIdTaken},
        ),
        Index("ix_customers_created_at", "organization_id", "created_at", "id"),
    )

    email: Mapped[str] = mapped_column(text(254))
    name: Mapped[str] = mapped_column(text(200))
    external_id: Mapped[str | None] = mapped_column(text(200))
    country: Mapped[str | None] = mapped_column(text(2))
    # "metadata" is the declarative base's own word.
    metadata_: Mapped[str] = mapped_column("metadata", JsonText())


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
    last_four: Mapped[str | None] = mapped_column(text(4))
    expiry_month: Mapped[int | None]
    expiry_year: Mapped[int | None]
    is_default: Mapped[bool]
