"""Customers know their KYC state, payment methods their kind's details and their verification.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence.types import JsonText, UtcDateTime, text

revision = "0005"
down_revision = "0004"


def _customers() -> list[sa.Column[object]]:
    return [
        sa.Column("kyc_status", text(20), nullable=False, server_default="not_started"),
        sa.Column("risk_score", sa.Integer(), nullable=True),
        sa.Column("kyc_check", text(36), nullable=True),
        sa.Column("kyc_reason", text(200), nullable=True),
        sa.Column("kyc_updated_at", UtcDateTime(), nullable=True),
        sa.Column("kyc_expires_at", UtcDateTime(), nullable=True),
    ]


def _payment_methods() -> list[sa.Column[object]]:
    return [
        sa.Column("funding", text(20), nullable=True),
        sa.Column("bank_name", text(100), nullable=True),
        sa.Column("country", text(2), nullable=True),
        sa.Column("network", text(20), nullable=True),
        sa.Column("address", text(42), nullable=True),
        sa.Column("billing_name", text(200), nullable=True),
        sa.Column("verification", text(20), nullable=False, server_default="unverified"),
        sa.Column("verification_check", text(36), nullable=True),
        sa.Column("verification_failure", text(100), nullable=True),
        sa.Column("verification_tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("deposits_digest", text(64), nullable=True),
        sa.Column("verified_at", UtcDateTime(), nullable=True),
        sa.Column("metadata", JsonText(), nullable=False, server_default="{}"),
    ]


def upgrade() -> None:
    for table, columns in (("customers", _customers()), ("payment_methods", _payment_methods())):
        for column in columns:
            op.add_column(table, column)
    op.create_index("ix_customers_kyc_status", "customers", ["organization_id", "kyc_status", "created_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_customers_kyc_status", "customers")
    for table, columns in (("payment_methods", _payment_methods()), ("customers", _customers())):
        for column in reversed(columns):
            op.drop_column(table, column.name)
