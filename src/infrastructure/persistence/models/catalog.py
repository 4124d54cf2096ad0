"""Tables of the catalog context."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.catalog.product import SkuTaken
from infrastructure.persistence.models.base import SoftDeletableRow, TableArgs, belongs_to, of_organization
from infrastructure.persistence.types import JsonText, text

_ALIVE = sql("deleted_at is null")


class ProductRow(SoftDeletableRow):
    """Something that is sold."""

    __tablename__ = "products"
    __table_args__: TableArgs = (
        of_organization(),
        Index(
            "uq_products_sku",
            "organization_id",
            "sku",
            unique=True,
            postgresql_where=_ALIVE,
            sqlite_where=_ALIVE,
            info={"error": SkuTaken},
        ),
        Index("ix_products_created_at", "organization_id", "created_at", "id"),
    )

    name: Mapped[str] = mapped_column(text(200))
    sku: Mapped[str | None] = mapped_column(text(64))
    description: Mapped[str] = mapped_column(text())
    # "metadata" is the declarative base's own word.
    metadata_: Mapped[str] = mapped_column("metadata", JsonText())


class PriceRow(SoftDeletableRow):
    """What a product costs."""

    __tablename__ = "prices"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("products", "product_id"),
        Index("ix_prices_product_id", "organization_id", "product_id"),
        Index("ix_prices_created_at", "organization_id", "created_at", "id"),
        CheckConstraint("unit_amount_minor > 0", name="unit_amount_positive"),
    )

    product_id: Mapped[UUID]
    unit_amount_minor: Mapped[int] = mapped_column(BigInteger)
    unit_amount_currency: Mapped[str] = mapped_column(text(3))
    type: Mapped[str] = mapped_column(text(20))
    min_quantity: Mapped[int]
    max_quantity: Mapped[int | None]
