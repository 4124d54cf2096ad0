"""What a checkout was submitted with, so that its reference cannot stand for another purchase.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence.types import text

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    # Checkouts of before have none: what their buyers sent is not known any more, and is not compared.
    op.add_column("checkouts", sa.Column("fingerprint", text(64), nullable=True))


def downgrade() -> None:
    op.drop_column("checkouts", "fingerprint")
