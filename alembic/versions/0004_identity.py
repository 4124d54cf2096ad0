"""People sign in: sessions, single-use tokens, auth identities, invitations, key rotation.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from application.kernel.actor import PLATFORM
from infrastructure.persistence import first_scopes, identity_functions, person_functions, revision_parts, tenancy
from infrastructure.persistence.lookups import stored_value
from infrastructure.persistence.types import JsonText, UtcDateTime, text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _upgrade_organizations()
    _upgrade_persons()


def downgrade() -> None:
    _downgrade_persons()
    _downgrade_organizations()


# -- organizations and what belongs to them --------------------------------------------------------


def _upgrade_organizations() -> None:
    with op.batch_alter_table("organizations") as organizations:
        for column in (
            sa.Column("time_zone", text(64), nullable=False, server_default="UTC"),
            sa.Column("locale", text(20), nullable=False, server_default="en"),
            sa.Column("support_email", text(254), nullable=True),
            sa.Column("statement_descriptor", text(22), nullable=True),
            sa.Column("order_expiry_minutes", sa.Integer(), nullable=False, server_default="1440"),
            sa.Column("metadata", JsonText(), nullable=False, server_default="{}"),
            sa.Column("suspended_reason", text(500), nullable=True),
            sa.Column("closed_at", UtcDateTime(), nullable=True),
        ):
            organizations.add_column(column)
    with op.batch_alter_table("api_keys") as api_keys:
        api_keys.add_column(sa.Column("lineage_id", sa.Uuid(), nullable=True))
        api_keys.add_column(sa.Column("replaced_by_id", sa.Uuid(), nullable=True))
    # A key that was never rotated is the first and only one of its line.
    _past_the_walls("api_keys", "UPDATE api_keys SET lineage_id = id")
    with op.batch_alter_table("api_keys") as api_keys:
        api_keys.alter_column("lineage_id", existing_type=sa.Uuid(), nullable=False)
    op.create_index("ix_memberships_email", "memberships", ["organization_id", "email", "id"])
    op.create_index("ix_api_keys_lineage_id", "api_keys", ["organization_id", "lineage_id", "id"])
    _create_invitations()
    for name, columns in AUDIT_INDEXES.items():
        op.create_index(name, "audit_entries", columns)
    if op.get_bind().dialect.name == "postgresql":
        _wall_organizations()


AUDIT_INDEXES = {
    "ix_audit_entries_occurred_at": ["organization_id", "occurred_at", "id"],
    "ix_audit_entries_actor": ["organization_id", "actor", "occurred_at", "id"],
    "ix_audit_entries_action": ["organization_id", "action", "occurred_at", "id"],
    "ix_audit_entries_subject_id": ["organization_id", "subject_id", "occurred_at", "id"],
    "ix_audit_entries_request_id": ["organization_id", "request_id", "occurred_at", "id"],
}


def _past_the_walls(table: str, statement: str) -> None:
    with tenancy.past_the_walls(op, table):
        op.execute(statement)


def _create_invitations() -> None:
    pending = sa.text("status = 'pending'")
    op.create_table(
        "invitations",
        *revision_parts.root_columns(),
        sa.Column("email", text(254), nullable=False),
        sa.Column("role", text(20), nullable=False),
        sa.Column("status", text(20), nullable=False),
        sa.Column("sent_count", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("hash", text(64), nullable=False),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_invitations"),
        revision_parts.of_organization("invitations"),
    )
    op.create_index("ix_invitations_created_at", "invitations", ["organization_id", "created_at", "id"])
    op.create_index("ix_invitations_email", "invitations", ["email"])
    op.create_index(
        "uq_invitations_pending", "invitations", ["organization_id", "email"], unique=True,
        postgresql_where=pending, sqlite_where=pending,
    )  # fmt: skip


def _wall_organizations() -> None:
    for statement in tenancy.policy_statements("invitations"):
        op.execute(statement)
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON invitations TO {tenancy.APP}")
    for table in ("organizations", "memberships", "invitations"):
        for statement in tenancy.worker_policy(table, tenancy.AUTH, ["SELECT"]):
            op.execute(statement)
    for statement in identity_functions.create():
        op.execute(statement)


def _downgrade_organizations() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in identity_functions.drop():
            op.execute(statement)
        for table in ("organizations", "memberships"):
            op.execute(f"DROP POLICY {tenancy.AUTH}_select ON {table}")
            op.execute(f"REVOKE SELECT ON {table} FROM {tenancy.AUTH}")  # noqa: S608 - both names are ours
    for name in AUDIT_INDEXES:
        op.drop_index(name, "audit_entries")
    op.drop_table("invitations")
    _past_the_walls("lookups", "DELETE FROM lookups WHERE kind = 'invitation'")
    _past_the_walls("api_keys", first_scopes.keep(postgres=op.get_bind().dialect.name == "postgresql"))
    op.drop_index("ix_memberships_email", "memberships")
    op.drop_index("ix_api_keys_lineage_id", "api_keys")
    with op.batch_alter_table("api_keys") as api_keys:
        api_keys.drop_column("replaced_by_id")
        api_keys.drop_column("lineage_id")
    with op.batch_alter_table("organizations") as organizations:
        for column in (
            "closed_at", "suspended_reason", "metadata", "order_expiry_minutes", "statement_descriptor",
            "support_email", "locale", "time_zone",
        ):  # fmt: skip
            organizations.drop_column(column)


# -- people ----------------------------------------------------------------------------------------

PERSONAL = {"credentials": "id", "sessions": "user_id", "auth_identities": "user_id", "single_use_tokens": "user_id"}


def _upgrade_persons() -> None:
    with op.batch_alter_table("users") as users:
        for column in (
            sa.Column("username", text(32), nullable=True),
            sa.Column("wallet_address", text(42), nullable=True),
            sa.Column("preferences", JsonText(), nullable=False, server_default="{}"),
            sa.Column("status", text(20), nullable=False, server_default="active"),
            sa.Column("email_verified_at", UtcDateTime(), nullable=True),
            sa.Column("last_login_at", UtcDateTime(), nullable=True),
        ):
            users.add_column(column)
        users.create_unique_constraint("uq_users_username", ["username"])
        users.create_unique_constraint("uq_users_wallet_address", ["wallet_address"])
    op.create_index("ix_users_created_at", "users", ["created_at", "id"])
    _create_personal_tables()
    op.create_table(
        "sign_in_attempts",
        sa.Column("subject", text(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_sign_in_attempts"),
    )
    op.create_index("ix_sign_in_attempts_last_at", "sign_in_attempts", ["last_at"])
    _make_known_people_findable()
    if op.get_bind().dialect.name == "postgresql":
        _wall_persons()


def _personal(name: str, *items: sa.schema.SchemaItem, of: str = "user_id") -> None:
    """Create a table of people: what every aggregate has, whose it is, and its own columns and constraints."""
    columns: list[sa.schema.SchemaItem] = [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", text(80), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("updated_by", text(80), nullable=False),
    ]
    if of != "id":
        columns.append(sa.Column(of, sa.Uuid(), nullable=False))
    keys = (
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.ForeignKeyConstraint([of], ["users.id"], name=f"fk_{name}_{of}"),
    )
    op.create_table(name, *columns, *items, *keys)


def _create_personal_tables() -> None:
    _personal("credentials", sa.Column("hash", text(255), nullable=False), of="id")
    _personal(
        "sessions",
        sa.Column("name", text(200), nullable=True),
        sa.Column("hash", text(64), nullable=False),
        sa.Column("prefix", text(20), nullable=False),
        sa.Column("last_four", text(4), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id", "created_at", "id"])
    _personal(
        "auth_identities",
        sa.Column("provider", text(20), nullable=False),
        sa.Column("subject", text(255), nullable=False),
        sa.UniqueConstraint("provider", "subject", name="uq_auth_identities_subject"),
    )
    op.create_index("ix_auth_identities_user_id", "auth_identities", ["user_id", "created_at", "id"])
    _personal(
        "single_use_tokens",
        sa.Column("purpose", text(20), nullable=False),
        sa.Column("hash", text(64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.UniqueConstraint("user_id", "purpose", name="uq_single_use_tokens_purpose"),
    )


def _make_known_people_findable() -> None:
    """Enter the addresses of the people there are; in batches, for there may be many."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        # Under the platform the walls show every user, and take their look-ups.
        op.execute(f"SET LOCAL app.organization_id = '{PLATFORM}'")
    users = sa.table("users", sa.column("id", sa.Uuid()), sa.column("email", sa.String()))
    lookups = sa.table(
        "lookups", sa.column("kind", sa.String()), sa.column("value", sa.String()),
        sa.column("organization_id", sa.Uuid()), sa.column("subject_id", sa.Uuid()),
    )  # fmt: skip
    known = bind.execute(sa.select(users.c.id, users.c.email)).all()
    for start in range(0, len(known), 1_000):
        op.bulk_insert(
            lookups,
            [
                {
                    "kind": "user_email", "value": stored_value("user_email", email),
                    "organization_id": PLATFORM, "subject_id": id_,
                }
                for id_, email in known[start : start + 1_000]
            ],
        )  # fmt: skip
    if bind.dialect.name == "postgresql":
        op.execute("SET LOCAL app.organization_id = ''")


def _wall_persons() -> None:
    for table, column in PERSONAL.items():
        _run(tenancy.person_policy(table, column))
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {tenancy.APP}")
    op.execute("ALTER TABLE sign_in_attempts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE sign_in_attempts FORCE ROW LEVEL SECURITY")
    for table, policy in (("users", tenancy.people_policy()), ("idempotency_records", tenancy.answers_policy())):
        op.execute(f"DROP POLICY tenant ON {table}")
        op.execute(policy)
    _run(person_functions.create())


def _downgrade_persons() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _run(person_functions.drop())
        op.execute(f"DROP POLICY {tenancy.AUTH}_select ON users")
        op.execute(f"REVOKE SELECT ON users FROM {tenancy.AUTH}")  # noqa: S608 - no value, a role of ours
        _run(tenancy.drop_policies("users"))
        _run(tenancy.users_policies())
        _run(tenancy.drop_policies("idempotency_records"))
        _run(tenancy.policy_statements("idempotency_records"))
    _past_the_walls(
        "lookups", "DELETE FROM lookups WHERE kind IN ('user_email', 'session', 'single_use_token', 'auth_identity')"
    )
    # Answers that were kept for one person belong to no organization.
    _past_the_walls(
        "idempotency_records", "DELETE FROM idempotency_records WHERE organization_id IN (SELECT id FROM users)"
    )
    for table in ("sign_in_attempts", *reversed(PERSONAL)):
        op.drop_table(table)
    op.drop_index("ix_users_created_at", "users")
    with op.batch_alter_table("users") as users:
        users.drop_constraint("uq_users_username", type_="unique")
        users.drop_constraint("uq_users_wallet_address", type_="unique")
        for column in ("last_login_at", "email_verified_at", "status", "preferences", "wallet_address", "username"):
            users.drop_column(column)


def _run(statements: list[str]) -> None:
    for statement in statements:
        op.execute(statement)
