"""How often a payment method was asked about, which is bounded.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    # What was asked before counts for nothing: methods of that time have three rounds from now on.
    op.add_column("payment_methods", sa.Column("verification_rounds", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("payment_methods", "verification_rounds")
