"""Walls: row security, grants, look-up functions and the append-only audit.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

from infrastructure.persistence import audit_guard, tenancy

revision = "0003"
down_revision = "0002"

BUSINESS = (
    "organizations", "memberships", "api_keys", "products", "prices", "customers", "payment_methods",
    "payment_links", "payment_orders", "payment_attempts",
)  # fmt: skip
TECHNICAL = {
    "idempotency_records": "SELECT, INSERT, UPDATE (response)",
    "outbox": "INSERT",
    "audit_heads": "SELECT",
    "jobs": "SELECT, INSERT, UPDATE, DELETE",
    "counters": "SELECT, INSERT, UPDATE",
    "lookups": "SELECT, INSERT, DELETE",
}
ENTRY_COLUMNS = (
    "organization_id, id, actor, action, operation, subject_type, subject_id, subject_version, changes, request_id"
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for statement in audit_guard.SQLITE:
            op.execute(statement)
        return
    for table in (*BUSINESS, *TECHNICAL, "audit_entries"):
        _run(tenancy.policy_statements(table))
    _run(tenancy.users_policies())
    for table in (*BUSINESS, "users"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {tenancy.APP}")
    for table, privileges in TECHNICAL.items():
        op.execute(f"GRANT {privileges} ON {table} TO {tenancy.APP}")
    # The application can neither choose when an entry was written nor seal it.
    op.execute(f"GRANT SELECT, INSERT ({ENTRY_COLUMNS}) ON audit_entries TO {tenancy.APP}")
    _workers()
    _lookups()
    _run(audit_guard.POSTGRES)
    op.execute(f"GRANT SELECT ON alembic_version TO {tenancy.APP}, {tenancy.RELAY}, {tenancy.SEALER}")


def _workers() -> None:
    _run(tenancy.worker_policy("outbox", tenancy.RELAY, ["SELECT", "DELETE"]))
    _run(tenancy.worker_policy("jobs", tenancy.RELAY, ["SELECT", "UPDATE", "DELETE"]))
    _run(tenancy.worker_policy("outbox", tenancy.SEALER, ["INSERT"]))
    _run(tenancy.worker_policy("audit_entries", tenancy.SEALER, ["SELECT"]))
    _run(tenancy.worker_policy("audit_heads", tenancy.SEALER, ["SELECT", "INSERT", "UPDATE"]))
    op.execute(f"CREATE POLICY {tenancy.SEALER}_update ON audit_entries FOR UPDATE TO {tenancy.SEALER} USING (true)")
    op.execute(f"GRANT UPDATE (seq, hash) ON audit_entries TO {tenancy.SEALER}")


def _lookups() -> None:
    """What is found before the tenant is known goes through one function of one purpose each."""
    for table in ("lookups", "api_keys"):
        _run(tenancy.worker_policy(table, tenancy.AUTH, ["SELECT"]))
    _run(tenancy.lookup_functions())


def _run(statements: list[str]) -> None:
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for statement in audit_guard.SQLITE_DROP:
            op.execute(statement)
        return
    _run(audit_guard.POSTGRES_DROP)
    _run(tenancy.drop_lookup_functions())
    roles = f"{tenancy.APP}, {tenancy.RELAY}, {tenancy.SEALER}, {tenancy.AUTH}"
    for table in (*BUSINESS, *TECHNICAL, "audit_entries", "users"):
        op.execute(f"REVOKE ALL ON {table} FROM {roles}")
        _run(tenancy.drop_policies(table))
    op.execute(f"REVOKE ALL ON alembic_version FROM {roles}")
