"""Hosted checkout and provider notices.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import revision_parts, tenancy
from infrastructure.persistence.types import text

revision = "0010"
down_revision = "0009"

FIND_CHECKOUT = """
CREATE FUNCTION stoa_find_checkout(wanted text) RETURNS TABLE (organization_id uuid, subject_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
SELECT l.organization_id, l.subject_id FROM public.lookups l WHERE l.kind = 'checkout' AND l.value = wanted
$$
"""


CHECKOUT_REFERENCES = {
    "payment_link_id": "payment_links",
    "payment_order_id": "payment_orders",
    "customer_id": "customers",
}
TABLES = ("checkouts", "provider_notices")


def upgrade() -> None:
    op.create_table(
        "checkouts",
        *revision_parts.root_columns(),
        sa.Column("digest", text(64), nullable=False),
        sa.Column("payment_link_id", sa.Uuid(), nullable=False),
        sa.Column("payment_order_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("locale", text(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_checkouts"),
        revision_parts.of_organization("checkouts"),
        *(revision_parts.belongs_to("checkouts", target, column) for column, target in CHECKOUT_REFERENCES.items()),
    )
    for column in ("digest", *CHECKOUT_REFERENCES):
        op.create_index(f"ix_checkouts_{column}", "checkouts", ["organization_id", column], unique=False)
    op.create_table(
        "provider_notices",
        *revision_parts.root_columns(),
        sa.Column("source", text(128), nullable=False),
        sa.Column("type", text(80), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_provider_notices"),
    )
    op.create_index(
        "ix_provider_notices_created_at", "provider_notices", ["organization_id", "created_at", "id"], unique=False
    )
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in TABLES:
        for statement in tenancy.policy_statements(table):
            op.execute(statement)
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {tenancy.APP}")
    op.execute(FIND_CHECKOUT)
    for statement in tenancy.for_callers("stoa_find_checkout(text)"):
        op.execute(statement)


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    # The look-ups of what is about to go are behind a wall that holds for their owner too.
    with tenancy.past_the_walls(op, "lookups"):
        op.execute("DELETE FROM lookups WHERE kind IN ('checkout', 'provider_notice')")
    if not is_sqlite:
        op.execute("DROP FUNCTION stoa_find_checkout(text)")
        for statement in (each for table in TABLES for each in tenancy.drop_policies(table)):
            op.execute(statement)
    for table in reversed(TABLES):
        op.drop_table(table)
