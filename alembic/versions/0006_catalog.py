"""Categories, tags, recurring and tiered prices; what payment links tell the buyer.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import tenancy
from infrastructure.persistence.types import JsonText, text

revision = "0006"
down_revision = "0005"

RULES = (
    ("unit_amount_by_model", "(model = 'per_unit') = (unit_amount_minor is not null)"),
    ("one_currency", "unit_amount_currency = currency"),
    ("period_by_type", "(type = 'recurring') = (\"interval\" is not null and interval_count is not null)"),
)
NEW_OF_PRICES = (
    "currency", "model", "tiers", "interval", "interval_count", "trial_days", "nickname", "metadata",
)  # fmt: skip
NEW_OF_LINKS = ("title", "description", "success_url")


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _write_prices(statement: str) -> None:
    with tenancy.past_the_walls(op, "prices"):
        op.execute(statement)


def upgrade() -> None:
    _products()
    _prices()
    op.add_column("payment_links", sa.Column("title", text(200)))
    op.add_column("payment_links", sa.Column("description", text(), nullable=False, server_default=""))
    op.add_column("payment_links", sa.Column("success_url", text(2000)))


def _products() -> None:
    op.add_column("products", sa.Column("category", text(100)))
    op.add_column("products", sa.Column("tags", JsonText(), nullable=False, server_default=sa.text("'[]'")))
    op.create_index("ix_products_category", "products", ["organization_id", "category"])
    op.create_table(
        "product_tags",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("tag", text(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_product_tags"),
        sa.ForeignKeyConstraint(
            ["organization_id", "product_id"],
            ["products.organization_id", "products.id"],
            name="fk_product_tags_organization_id_product_id",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "organization_id", "product_id", "tag", name="uq_product_tags_organization_id_product_id_tag"
        ),
    )
    op.create_index("ix_product_tags_tag", "product_tags", ["organization_id", "tag", "product_id"])
    if _is_postgres():
        for statement in tenancy.policy_statements("product_tags"):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON product_tags TO {tenancy.APP}")


def _prices() -> None:
    op.add_column("prices", sa.Column("currency", text(3)))
    op.add_column("prices", sa.Column("model", text(20), nullable=False, server_default="per_unit"))
    op.add_column("prices", sa.Column("tiers", JsonText(), nullable=False, server_default=sa.text("'[]'")))
    op.add_column("prices", sa.Column("interval", text(10)))
    op.add_column("prices", sa.Column("interval_count", sa.Integer()))
    op.add_column("prices", sa.Column("trial_days", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("prices", sa.Column("nickname", text(200)))
    op.add_column("prices", sa.Column("metadata", JsonText(), nullable=False, server_default=sa.text("'{}'")))
    _write_prices("UPDATE prices SET currency = unit_amount_currency")
    with op.batch_alter_table("prices") as prices:
        prices.alter_column("currency", existing_type=text(3), nullable=False)
        prices.alter_column("unit_amount_minor", existing_type=sa.BigInteger(), nullable=True)
        prices.alter_column("unit_amount_currency", existing_type=text(3), nullable=True)
        for name, rule in RULES:
            prices.create_check_constraint(op.f(f"ck_prices_{name}"), rule)


def downgrade() -> None:
    for column in NEW_OF_LINKS:
        op.drop_column("payment_links", column)
    # What the older schema cannot say is kept out of sale, at an amount that nobody can mistake for a price.
    _write_prices(
        "UPDATE prices SET unit_amount_minor = coalesce(unit_amount_minor, 1), unit_amount_currency = currency, "
        "deleted_by = CASE WHEN model = 'per_unit' AND type = 'one_time' THEN deleted_by "
        "ELSE coalesce(deleted_by, 'migration') END, "
        "deleted_at = CASE WHEN model = 'per_unit' AND type = 'one_time' THEN deleted_at "
        "ELSE coalesce(deleted_at, updated_at) END, type = 'one_time', model = 'per_unit', "
        '"interval" = NULL, interval_count = NULL'
    )
    with op.batch_alter_table("prices") as prices:
        for name, _ in RULES:
            prices.drop_constraint(op.f(f"ck_prices_{name}"), type_="check")
        prices.alter_column("unit_amount_minor", existing_type=sa.BigInteger(), nullable=False)
        prices.alter_column("unit_amount_currency", existing_type=text(3), nullable=False)
        for column in NEW_OF_PRICES:
            prices.drop_column(column)
    if _is_postgres():
        op.execute(f"REVOKE ALL ON product_tags FROM {tenancy.APP}")
        for statement in tenancy.drop_policies("product_tags"):
            op.execute(statement)
    op.drop_table("product_tags")
    op.drop_index("ix_products_category", "products")
    op.drop_column("products", "tags")
    op.drop_column("products", "category")
