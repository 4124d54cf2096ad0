"""Tables of the business: identity, catalog, customers and payments.

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import revision_parts
from infrastructure.persistence.types import JsonText, UtcDateTime, text

revision = "0001"
down_revision = None

TABLES = (
    "organizations",
    "users",
    "memberships",
    "api_keys",
    "products",
    "prices",
    "customers",
    "payment_methods",
    "payment_links",
    "payment_orders",
    "payment_attempts",
)

BASE = (
    ("organization_id", sa.Uuid()),
    ("id", sa.Uuid()),
    ("version", sa.Integer()),
    ("created_at", UtcDateTime()),
    ("created_by", text(80)),
    ("updated_at", UtcDateTime()),
    ("updated_by", text(80)),
)


def _aggregate(name: str, *items: sa.schema.SchemaItem, soft: bool = False) -> None:
    """Create a tenant table: what every aggregate has, and its own columns and constraints."""
    columns = [sa.Column(column, kind, nullable=False) for column, kind in BASE]
    if soft:
        columns += [sa.Column("deleted_at", UtcDateTime()), sa.Column("deleted_by", text(80))]
    keys: list[sa.schema.SchemaItem] = [sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{name}")]
    if name != "organizations":
        keys.append(revision_parts.of_organization(name))
    op.create_table(name, *columns, *items, *keys)


def upgrade() -> None:
    _aggregate(
        "organizations",
        sa.Column("name", text(200), nullable=False),
        sa.Column("slug", text(64), nullable=False),
        sa.Column("default_currency", text(3), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.UniqueConstraint("organization_id", name="uq_organizations_organization_id"),
    )

    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", text(80), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", text(80), nullable=False),
        sa.Column("email", text(254), nullable=False),
        sa.Column("name", text(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )

    _aggregate(
        "memberships",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", text(254), nullable=False),
        sa.Column("role", text(20), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memberships_user_id"),
        sa.UniqueConstraint("organization_id", "user_id", name="uq_memberships_organization_id_user_id"),
    )
    op.create_index("ix_memberships_created_at", "memberships", ["organization_id", "created_at", "id"], unique=False)
    op.create_index("ix_memberships_user_id", "memberships", ["user_id"], unique=False)

    _aggregate(
        "api_keys",
        sa.Column("name", text(200), nullable=False),
        sa.Column("hash", text(64), nullable=False),
        sa.Column("prefix", text(20), nullable=False),
        sa.Column("last_four", text(4), nullable=False),
        sa.Column("scopes", JsonText(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
    )
    op.create_index("ix_api_keys_created_at", "api_keys", ["organization_id", "created_at", "id"], unique=False)

    _aggregate(
        "products",
        sa.Column("name", text(200), nullable=False),
        sa.Column("sku", text(64), nullable=True),
        sa.Column("description", text(), nullable=False),
        sa.Column("metadata", JsonText(), nullable=False),
        soft=True,
    )
    op.create_index("ix_products_created_at", "products", ["organization_id", "created_at", "id"], unique=False)
    op.create_index(
        "uq_products_sku",
        "products",
        ["organization_id", "sku"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
        sqlite_where=sa.text("deleted_at is null"),
    )

    _aggregate(
        "prices",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("unit_amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("unit_amount_currency", text(3), nullable=False),
        sa.Column("type", text(20), nullable=False),
        sa.Column("min_quantity", sa.Integer(), nullable=False),
        sa.Column("max_quantity", sa.Integer(), nullable=True),
        sa.CheckConstraint("unit_amount_minor > 0", name=op.f("ck_prices_unit_amount_positive")),
        revision_parts.belongs_to("prices", "products", "product_id"),
        soft=True,
    )
    op.create_index("ix_prices_created_at", "prices", ["organization_id", "created_at", "id"], unique=False)
    op.create_index("ix_prices_product_id", "prices", ["organization_id", "product_id"], unique=False)

    _aggregate(
        "customers",
        sa.Column("email", text(254), nullable=False),
        sa.Column("name", text(200), nullable=False),
        sa.Column("external_id", text(200), nullable=True),
        sa.Column("country", text(2), nullable=True),
        sa.Column("metadata", JsonText(), nullable=False),
        soft=True,
    )
    op.create_index("ix_customers_created_at", "customers", ["organization_id", "created_at", "id"], unique=False)
    op.create_index(
        "uq_customers_email",
        "customers",
        ["organization_id", "email"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
        sqlite_where=sa.text("deleted_at is null"),
    )
    op.create_index(
        "uq_customers_external_id",
        "customers",
        ["organization_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("deleted_at is null"),
        sqlite_where=sa.text("deleted_at is null"),
    )

    _aggregate(
        "payment_methods",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("type", text(20), nullable=False),
        sa.Column("provider_token", text(255), nullable=False),
        sa.Column("brand", text(40), nullable=True),
        sa.Column("last_four", text(4), nullable=True),
        sa.Column("expiry_month", sa.Integer(), nullable=True),
        sa.Column("expiry_year", sa.Integer(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        revision_parts.belongs_to("payment_methods", "customers", "customer_id"),
        soft=True,
    )
    op.create_index(
        "ix_payment_methods_customer_id", "payment_methods", ["organization_id", "customer_id"], unique=False
    )
    op.create_index(
        "uq_payment_methods_default",
        "payment_methods",
        ["organization_id", "customer_id"],
        unique=True,
        postgresql_where=sa.text("is_default and deleted_at is null"),
        sqlite_where=sa.text("is_default and deleted_at is null"),
    )

    _aggregate(
        "payment_links",
        sa.Column("slug", text(64), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("price_id", sa.Uuid(), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("max_uses is null or uses <= max_uses", name=op.f("ck_payment_links_uses_within_limit")),
        revision_parts.belongs_to("payment_links", "prices", "price_id"),
        revision_parts.belongs_to("payment_links", "products", "product_id"),
    )
    op.create_index(
        "ix_payment_links_created_at", "payment_links", ["organization_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_payment_links_price_id", "payment_links", ["organization_id", "price_id"], unique=False)
    op.create_index("ix_payment_links_product_id", "payment_links", ["organization_id", "product_id"], unique=False)

    _aggregate(
        "payment_orders",
        sa.Column("number", text(20), nullable=False),
        sa.Column("payment_link_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("price_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_currency", text(3), nullable=False),
        sa.Column("status", text(30), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=True),
        sa.Column("failure_code", text(80), nullable=True),
        sa.Column("failure_permanent", sa.Boolean(), nullable=False),
        sa.Column("processing_at", UtcDateTime(), nullable=True),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_orders_amount_positive")),
        revision_parts.belongs_to("payment_orders", "customers", "customer_id"),
        revision_parts.belongs_to("payment_orders", "payment_links", "payment_link_id"),
        revision_parts.belongs_to("payment_orders", "payment_methods", "payment_method_id"),
        revision_parts.belongs_to("payment_orders", "prices", "price_id"),
        revision_parts.belongs_to("payment_orders", "products", "product_id"),
        sa.UniqueConstraint("organization_id", "number", name="uq_payment_orders_organization_id_number"),
    )
    op.create_index(
        "ix_payment_orders_created_at", "payment_orders", ["organization_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_payment_orders_customer_id", "payment_orders", ["organization_id", "customer_id"], unique=False)
    op.create_index(
        "ix_payment_orders_payment_link_id", "payment_orders", ["organization_id", "payment_link_id"], unique=False
    )
    op.create_index(
        "ix_payment_orders_payment_method_id", "payment_orders", ["organization_id", "payment_method_id"], unique=False
    )
    op.create_index("ix_payment_orders_price_id", "payment_orders", ["organization_id", "price_id"], unique=False)
    op.create_index("ix_payment_orders_product_id", "payment_orders", ["organization_id", "product_id"], unique=False)

    op.create_table(
        "payment_attempts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("reference", text(255), nullable=True),
        sa.Column("decline_code", text(80), nullable=True),
        sa.Column("permanent", sa.Boolean(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("concluded_at", UtcDateTime(), nullable=True),
        revision_parts.belongs_to("payment_attempts", "payment_methods", "payment_method_id"),
        revision_parts.belongs_to("payment_attempts", "payment_orders", "payment_order_id"),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_payment_attempts"),
        sa.UniqueConstraint(
            "organization_id",
            "payment_order_id",
            "number",
            name="uq_payment_attempts_organization_id_payment_order_id_number",
        ),
    )
    op.create_index(
        "ix_payment_attempts_payment_method_id",
        "payment_attempts",
        ["organization_id", "payment_method_id"],
        unique=False,
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
