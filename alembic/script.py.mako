"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}

What a database in use can bear is in docs/migrations.md, and `stoa db check` looks.
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import tenancy, types
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
