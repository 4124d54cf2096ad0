"""Tables of the catalog context."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from domain.catalog.product import SkuTaken
from domain.shared.errors import DuplicateError
from infrastructure.persistence.models.base import (
    Base,
    SoftDeletableRow,
    TableArgs,
    belongs_to,
    of_organization,
    unique,
)
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
        Index("ix_products_category", "organization_id", "category"),
    )

    name: Mapped[str] = mapped_column(text(200))
    sku: Mapped[str | None] = mapped_column(text(64))
    description: Mapped[str] = mapped_column(text())
    category: Mapped[str | None] = mapped_column(text(100))
    tags: Mapped[str] = mapped_column(JsonText(), info={"items": ("product_tags", "product_id", "tag")})
    # "metadata" is the declarative base's own word.
    metadata_: Mapped[str] = mapped_column("metadata", JsonText())


class ProductTagRow(Base):
    """One tag of a product, to be found by: an index that row security lets be used, unlike any on JSON.

    The repository writes it together with the product's own list.
    """

    __tablename__ = "product_tags"
    __table_args__: TableArgs = (
        ForeignKeyConstraint(
            ["organization_id", "product_id"], ["products.organization_id", "products.id"], ondelete="CASCADE"
        ),
        unique("product_id", "tag", error=DuplicateError),
        Index("ix_product_tags_tag", "organization_id", "tag", "product_id"),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID]
    tag: Mapped[str]


class PriceRow(SoftDeletableRow):
    """What a product costs."""

    __tablename__ = "prices"
    __table_args__: TableArgs = (
        of_organization(),
        belongs_to("products", "product_id"),
        Index("ix_prices_product_id", "organization_id", "product_id"),
        Index("ix_prices_created_at", "organization_id", "created_at", "id"),
        CheckConstraint("unit_amount_minor > 0", name="unit_amount_positive"),
        CheckConstraint("(model = 'per_unit') = (unit_amount_minor is not null)", name="unit_amount_by_model"),
        CheckConstraint("unit_amount_currency = currency", name="one_currency"),
        CheckConstraint(
            "(type = 'recurring') = (\"interval\" is not null and interval_count is not null)", name="period_by_type"
        ),
    )

    product_id: Mapped[UUID]
    currency: Mapped[str] = mapped_column(text(3))
    model: Mapped[str] = mapped_column(text(20))
    unit_amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    unit_amount_currency: Mapped[str | None] = mapped_column(text(3))
    tiers: Mapped[str] = mapped_column(JsonText())
    type: Mapped[str] = mapped_column(text(20))
    interval: Mapped[str | None] = mapped_column(text(10))
    interval_count: Mapped[int | None]
    trial_days: Mapped[int]
    min_quantity: Mapped[int]
    max_quantity: Mapped[int | None]
    nickname: Mapped[str | None] = mapped_column(text(200))
    metadata_: Mapped[str] = mapped_column("metadata", JsonText())
