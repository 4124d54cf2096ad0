"""Alembic environment: migrates the connection handed over by ``infrastructure.persistence.migrations``."""

from alembic import context
from sqlalchemy import text

from infrastructure.persistence import messages_guard, tenancy
from infrastructure.persistence.models import (  # noqa: F401 - they fill the metadata
    agents,
    books,
    catalog,
    checkout,
    conversations,
    customers,
    identity,
    mandates,
    payments,
    persons,
    playbooks,
    reporting,
    settlements,
    tasks,
    technical,
    wallet_transactions,
    wallet_watches,
    wallets,
    webhooks,
    workflows,
)
from infrastructure.persistence.models.base import Base

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("Run migrations with `stoa db upgrade`; it knows which database and which role.")

if connection.dialect.name == "postgresql":
    # Whoever connects makes the roles; every object after that belongs to the owner role.
    existing = connection.execute(text("SELECT rolname FROM pg_roles")).scalars().all()
    for statement in tenancy.role_statements(existing):
        connection.execute(text(statement))
    connection.execute(text(f"SET ROLE {tenancy.OWNER}"))
    # Whoever waits for a lock on a table makes everybody wait who comes after: rather fail, and be run again.
    connection.execute(text("SET lock_timeout = '3s'"))
    connection.commit()


def _compared(*described: object) -> bool:
    """Leave out what the models cannot say: SQLite's composite keys of counted tables, and indexes on expressions.

    Nor can SQLite set a single column of a composite key to NULL; a trigger does that instead.
    """
    _, name, kind, *_ = described
    composite = kind == "unique_constraint" and str(name).startswith("pk_")
    parent = kind == "foreign_key_constraint" and str(name).endswith("_parent_id")
    forgotten = parent and connection.dialect.name == "sqlite"
    return not (composite or forgotten or (kind == "index" and name in messages_guard.INDEXES))


context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    include_object=_compared,
    compare_type=True,
    compare_server_default=False,
    # A lock is kept to the end of its transaction, so each revision has its own.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
