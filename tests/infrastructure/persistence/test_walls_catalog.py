"""The walls as PostgreSQL's own catalog tells of them, and as the roles run into them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.persistence.catalogue import ALLOWED, LINTS, holes
from infrastructure.persistence.connecting import administrator_engine
from tests.infrastructure.persistence.samples import Shop, a_shop
from tests.support.stack import Stack

SEEDED = {
    "tenant table without forced row security": "ALTER TABLE products NO FORCE ROW LEVEL SECURITY",
    "any table without forced row security": "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
    "no policy for all commands with both USING and WITH CHECK": "DROP POLICY tenant ON prices",
    "policy that lets the application past its tenant": "CREATE POLICY open ON products USING (true)",
    "foreign key between tenant tables that may leave the tenant": """
        ALTER TABLE products ADD UNIQUE (id);
        ALTER TABLE prices ADD FOREIGN KEY (product_id) REFERENCES products (id)""",
    "unique index that does not begin with the tenant": "CREATE UNIQUE INDEX ON customers (email)",
    "view that runs with its owner's rights": "CREATE VIEW v AS SELECT * FROM products",
    "materialised view the application can read": """
        CREATE MATERIALIZED VIEW m AS SELECT 1; GRANT SELECT ON m TO stoa_app""",
    "privileged role, owner, or member of another": "CREATE TABLE t (x int); ALTER TABLE t OWNER TO stoa_app",
    "any role that bypasses row security": "CREATE ROLE stoa_seeded BYPASSRLS",
    "owner that can log in": "ALTER ROLE stoa_owner LOGIN",
    "dangerous grant": "GRANT TRUNCATE ON audit_entries TO stoa_app",
    "grant to everybody": "GRANT SELECT ON products TO PUBLIC",
    "SECURITY DEFINER without a pinned search_path": """
        CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'""",
    "SECURITY DEFINER that everybody may call": """
        CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS 'SELECT 1'""",
    "schema the application can create in": "GRANT CREATE ON SCHEMA public TO stoa_app",
    "foreign key without an index that begins with its columns": "DROP INDEX ix_prices_product_id",
    "append-only trigger that a replica would skip": "ALTER TABLE audit_entries ENABLE TRIGGER audit_rows",
}


@pytest.fixture(scope="module")
async def shop(pg_stack: Stack) -> Shop:
    """Sell in an organization of this file's own."""
    return await a_shop(pg_stack)


@pytest.fixture(scope="module")
async def superuser(pg_stack: Stack) -> AsyncIterator[AsyncEngine]:
    """Connect as the one role that no wall stops."""
    engine = administrator_engine(pg_stack.urls.superuser)
    yield engine
    await engine.dispose()


async def test_the_catalog_has_no_hole(superuser: AsyncEngine) -> None:
    """The database itself says that the walls stand."""
    async with superuser.connect() as connection:
        assert await holes(connection) == {}


@pytest.mark.parametrize("lint", LINTS)
async def test_a_seeded_hole_is_found(superuser: AsyncEngine, lint: str) -> None:
    """Each lint really finds the hole it is named after, and says what closes it."""
    async with superuser.connect() as connection:
        for statement in SEEDED[lint].split(";"):
            await connection.execute(text(statement))
        assert (await holes(connection))[lint] != []
        await connection.rollback()
    assert LINTS[lint].remedy


async def test_what_is_allowed_is_still_there(superuser: AsyncEngine) -> None:
    """Each exception is one that a lint would report, and has a reason; no other table is without row security."""
    async with superuser.connect() as connection:
        for (lint, hole), reason in ALLOWED.items():
            found = await connection.execute(text(f"SELECT x::text FROM ({LINTS[lint].sql}) AS t(x)"))
            assert hole in found.scalars().all()
            assert reason.endswith(".")


async def test_the_application_itself_can_look(pg_stack: Stack) -> None:
    """The start of a server asks as its own role, which sees the same holes as the superuser."""
    async with pg_stack.database.engine.connect() as connection:
        assert await holes(connection) == {}


# ---------------------------------------------------------------- what each role may do

ENTRY = "id, actor, action, operation, subject_type, subject_id, subject_version, changes, request_id, organization_id"
ENTRY_VALUES = "gen_random_uuid(), 'a', 'b', 'created', 'c', 'd', 1, '{{}}', 'r', '{org}'"
REFUSED_TO_APP = [
    "UPDATE audit_entries SET actor = 'somebody else'",
    "UPDATE audit_entries SET seq = 1, hash = 'x'",
    "DELETE FROM audit_entries",
    "TRUNCATE audit_entries",
    f"INSERT INTO audit_entries ({ENTRY}, occurred_at) VALUES ({ENTRY_VALUES}, now())",
    f"INSERT INTO audit_entries ({ENTRY}, seq) VALUES ({ENTRY_VALUES}, 1)",
    f"INSERT INTO audit_entries ({ENTRY}, hash) VALUES ({ENTRY_VALUES}, 'x')",
    f"INSERT INTO audit_entries ({ENTRY}, entry_no) VALUES ({ENTRY_VALUES}, 1)",
    "SELECT * FROM outbox",
    "UPDATE outbox SET payload = ''",
    "DELETE FROM outbox",
    "UPDATE lookups SET subject_id = gen_random_uuid()",
    "UPDATE idempotency_records SET fingerprint = 'x'",
    "DELETE FROM idempotency_records",
    "INSERT INTO audit_heads (organization_id, seq, hash, sealed_at) VALUES ('{org}', 1, 'x', now())",
    "UPDATE audit_heads SET hash = 'x'",
    "SET ROLE stoa_owner",
    "SET SESSION AUTHORIZATION postgres",
    "SET session_replication_role = replica",
    "ALTER TABLE products DISABLE ROW LEVEL SECURITY",
    "DROP POLICY tenant ON products",
    "CREATE TABLE mine (x int)",
    "CREATE TRIGGER t BEFORE UPDATE ON products EXECUTE FUNCTION stoa_audit_guard()",
    "COPY products FROM PROGRAM 'true'",
    "SELECT pg_read_file('/etc/hostname')",
    "UPDATE alembic_version SET version_num = '9999'",
    "SELECT rolpassword FROM pg_authid",
]


@contextmanager
def refused() -> Iterator[None]:
    """Expect PostgreSQL to say that this is not allowed, and nothing else."""
    with pytest.raises(asyncpg.PostgresError) as caught:
        yield
    assert caught.value.sqlstate in {"42501", "428C9"}, caught.value


async def as_role(url: str, organization_id: object, sql: str) -> list[asyncpg.Record]:
    """Run one statement as a role under a tenant, and undo it."""
    connection = await asyncpg.connect(url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(f"SET LOCAL app.organization_id = '{organization_id}'")
            return await connection.fetch(sql)
        finally:
            await transaction.rollback()
    finally:
        await connection.close()


@pytest.mark.parametrize("sql", REFUSED_TO_APP)
async def test_the_application_is_refused(shop: Shop, sql: str) -> None:
    """What the application's role has no business with is refused by the database, tenant or not."""
    org = shop.actor.organization_id
    with refused():
        await as_role(shop.stack.urls.app, org, sql.replace("{{", "{").replace("}}", "}").replace("{org}", str(org)))


async def test_the_owner_itself_cannot_rewrite_the_audit(shop: Shop) -> None:
    """The triggers stop owner and superuser too, even where replicas skip triggers."""
    changes = ["UPDATE audit_entries SET actor = 'x'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"]
    for replica in ("", "SET LOCAL session_replication_role = replica; "):
        for change in changes:
            with refused():
                connection = await asyncpg.connect(shop.stack.urls.superuser)
                try:
                    await connection.execute(f"BEGIN; {replica}{change}; ROLLBACK")
                finally:
                    await connection.close()


async def test_another_tenant_is_not_there(shop: Shop) -> None:
    """Under another tenant, or none, not one row of any table shows or changes, look-ups included."""
    foreigner = await a_shop(shop.stack)
    ours, theirs = shop.actor.organization_id, foreigner.actor.organization_id
    for table in ("products", "lookups", "audit_entries", "memberships", "idempotency_records", "jobs", "counters"):
        found = await as_role(shop.stack.urls.app, theirs, f"SELECT organization_id FROM {table}")
        assert {row[0] for row in found} <= {theirs}
    assert await as_role(shop.stack.urls.app, theirs, f"SELECT * FROM lookups WHERE organization_id = '{ours}'") == []
    assert (
        await as_role(shop.stack.urls.app, theirs, f"DELETE FROM lookups WHERE organization_id = '{ours}' RETURNING 1")
        == []
    )
    assert (
        await as_role(
            shop.stack.urls.app, theirs, f"UPDATE products SET name = 'x' WHERE organization_id = '{ours}' RETURNING 1"
        )
        == []
    )
    assert await as_role(shop.stack.urls.app, "", "SELECT * FROM products") == []
    with refused():
        await as_role(
            shop.stack.urls.app, theirs,
            f"INSERT INTO lookups (kind, value, organization_id, subject_id) VALUES ('k', 'v', '{ours}', '{ours}')",
        )  # fmt: skip
    with refused():
        await as_role(shop.stack.urls.app, theirs, f"UPDATE products SET organization_id = '{ours}'")


async def test_a_user_shows_through_a_membership_only(shop: Shop) -> None:
    """Users stand above tenants, and yet nobody sees a person who is not a member."""
    foreigner = await shop.stack.organization()
    mine = await as_role(shop.stack.urls.app, shop.actor.organization_id, "SELECT id FROM users")
    theirs = await as_role(shop.stack.urls.app, foreigner.organization_id, "SELECT id FROM users")
    assert len(mine) == len(theirs) == 1
    assert mine != theirs
    assert await as_role(shop.stack.urls.app, "", "SELECT id FROM users") == []
