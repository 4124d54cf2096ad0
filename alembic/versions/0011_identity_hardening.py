"""Sign-ups wait for the worker, mails are counted, tokens live side by side, and wallets are claims.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

from infrastructure.persistence import mail_limits, tenancy
from infrastructure.persistence.types import UtcDateTime, text

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    with op.batch_alter_table("users") as users:
        users.drop_constraint("uq_users_wallet_address", type_="unique")
    op.create_index("ix_users_wallet_address", "users", ["wallet_address", "id"])
    with op.batch_alter_table("single_use_tokens") as tokens:
        tokens.drop_constraint("uq_single_use_tokens_purpose", type_="unique")
    op.create_index("ix_single_use_tokens_user_id", "single_use_tokens", ["user_id", "purpose", "id"])
    _create_tables()
    if op.get_bind().dialect.name == "postgresql":
        _run(tenancy.person_policy("sign_ups", "id"))
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON sign_ups TO {tenancy.APP}")
        _run(mail_limits.create())


def _create_tables() -> None:
    op.create_table(
        "sign_ups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", text(80), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", text(80), nullable=False),
        sa.Column("email", text(254), nullable=False),
        sa.Column("name", text(200), nullable=False),
        sa.Column("hash", text(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_ups"),
    )
    op.create_table(
        "mail_limits",
        sa.Column("subject", text(64), nullable=False),
        *(sa.Column(f"at_{n}", sa.BigInteger(), nullable=False) for n in range(1, 6)),
        sa.PrimaryKeyConstraint("subject", name="pk_mail_limits"),
    )
    op.create_index("ix_mail_limits_at_1", "mail_limits", ["at_1"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _run(mail_limits.drop())
    op.drop_table("mail_limits")
    op.drop_table("sign_ups")
    # What the constraints before allowed once only: the first claim of a wallet stays, and the latest token.
    _past_the_walls(
        "users",
        "UPDATE users SET wallet_address = NULL WHERE EXISTS (SELECT 1 FROM users f "
        "WHERE f.wallet_address = users.wallet_address AND f.id < users.id)",
    )
    _past_the_walls(
        "single_use_tokens",
        "DELETE FROM single_use_tokens WHERE EXISTS (SELECT 1 FROM single_use_tokens n "
        "WHERE n.user_id = single_use_tokens.user_id AND n.purpose = single_use_tokens.purpose "
        "AND n.id > single_use_tokens.id)",
    )
    _past_the_walls(
        "single_use_tokens, lookups",
        "DELETE FROM lookups WHERE kind = 'single_use_token' AND subject_id NOT IN (SELECT id FROM single_use_tokens)",
    )
    op.drop_index("ix_single_use_tokens_user_id", "single_use_tokens")
    with op.batch_alter_table("single_use_tokens") as tokens:
        tokens.create_unique_constraint("uq_single_use_tokens_purpose", ["user_id", "purpose"])
    op.drop_index("ix_users_wallet_address", "users")
    with op.batch_alter_table("users") as users:
        users.create_unique_constraint("uq_users_wallet_address", ["wallet_address"])


def _past_the_walls(tables: str, statement: str) -> None:
    with tenancy.past_the_walls(op, *tables.split(", ")):
        op.execute(statement)


def _run(statements: list[str]) -> None:
    for statement in statements:
        op.execute(statement)
