"""The walls as PostgreSQL's own catalog tells of them, and as the roles run into them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from infrastructure.persistence.connecting import administrator_engine
from tests.infrastructure.persistence.samples import Shop, a_shop
from tests.support.stack import Stack

# What each query would return is a hole in the walls; there is no list of exceptions.
LINTS = {
    "tenant table without forced row security": """
        SELECT c.oid::regclass FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
            AND NOT (c.relrowsecurity AND c.relforcerowsecurity)""",
    "any business table without forced row security": """
        SELECT c.oid::regclass FROM pg_class c WHERE c.relkind IN ('r', 'p')
            AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'
            AND NOT (c.relrowsecurity AND c.relforcerowsecurity)""",
    "no policy for all commands with both USING and WITH CHECK": """
        SELECT c.oid::regclass FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT EXISTS (
            SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*'
                AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL)""",
    "policy that lets the application past its tenant": """
        SELECT p.polrelid::regclass FROM pg_policy p WHERE polname <> 'tenant'
            AND (polroles @> ARRAY[0::oid] OR polroles @> ARRAY['stoa_app'::regrole::oid])""",
    "foreign key between tenant tables that may leave the tenant": """
        SELECT k.conname FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
            AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = k.conrelid AND attname = 'organization_id')
            AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = k.confrelid AND attname = 'organization_id')
            AND NOT EXISTS (
                SELECT FROM unnest(k.conkey, k.confkey) u(a, b)
                JOIN pg_attribute x ON x.attrelid = k.conrelid AND x.attnum = u.a
                JOIN pg_attribute y ON y.attrelid = k.confrelid AND y.attnum = u.b
                WHERE x.attname = 'organization_id' AND y.attname = 'organization_id')""",
    "unique index that does not begin with the tenant": """
        SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'
        WHERE i.indisunique AND NOT i.indisprimary AND c.relnamespace = 'public'::regnamespace
            AND i.indkey[0] <> a.attnum""",
    "view that runs with its owner's rights": """
        SELECT oid::regclass FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace
            AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)""",
    "materialised view the application can read": """
        SELECT oid::regclass FROM pg_class WHERE relkind = 'm' AND relnamespace = 'public'::regnamespace
            AND has_table_privilege('stoa_app', oid, 'select')""",
    "privileged role, owner, or member of another": """
        SELECT rolname FROM pg_roles r WHERE rolname IN ('stoa_app', 'stoa_relay', 'stoa_sealer') AND (
            rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
            OR EXISTS (SELECT FROM pg_class WHERE relowner = r.oid)
            OR EXISTS (SELECT FROM pg_proc WHERE proowner = r.oid)
            OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid))""",
    "any role that bypasses row security": """
        SELECT rolname FROM pg_roles WHERE rolname LIKE 'stoa%' AND (rolsuper OR rolbypassrls)""",
    "owner that can log in": """
        SELECT rolname FROM pg_roles WHERE rolname IN ('stoa_owner', 'stoa_auth') AND rolcanlogin""",
    "dangerous grant": """
        SELECT c.oid::regclass FROM pg_class c, unnest(ARRAY['stoa_app', 'stoa_relay', 'stoa_sealer']) role
        WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
            AND has_table_privilege(role, c.oid, 'truncate,trigger,references')""",
    "grant to everybody": """
        SELECT c.oid::regclass FROM pg_class c, aclexplode(c.relacl) g
        WHERE c.relnamespace = 'public'::regnamespace AND g.grantee = 0""",
    "SECURITY DEFINER without a pinned search_path": """
        SELECT oid::regprocedure FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT FROM unnest(proconfig) g WHERE g LIKE 'search_path=%')""",
    "SECURITY DEFINER that everybody may call": """
        SELECT oid::regprocedure FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
            AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) g WHERE g.grantee = 0))""",
    "schema the application can create in": """
        SELECT nspname FROM pg_namespace
        WHERE nspname = 'public' AND has_schema_privilege('stoa_app', oid, 'create')""",
    "foreign key without an index that begins with its columns": """
        SELECT k.conname FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
            AND NOT EXISTS (
                SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indpred IS NULL
                    AND (string_to_array(i.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)] @> k.conkey)""",
    "append-only trigger that a replica would skip": """
        SELECT 'audit_entries' WHERE 2 <> (SELECT count(*) FROM pg_trigger
            WHERE tgrelid = 'audit_entries'::regclass AND NOT tgisinternal AND tgenabled = 'A')""",
}  # fmt: skip

SEEDED = {
    "tenant table without forced row security": "ALTER TABLE products NO FORCE ROW LEVEL SECURITY",
    "any business table without forced row security": "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
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


@pytest.mark.parametrize("lint", LINTS)
async def test_the_catalog_has_no_hole(superuser: AsyncEngine, lint: str) -> None:
    """The database itself says that the walls stand."""
    async with superuser.connect() as connection:
        assert (await connection.execute(text(LINTS[lint]))).all() == []


@pytest.mark.parametrize("lint", LINTS)
async def test_a_seeded_hole_is_found(superuser: AsyncEngine, lint: str) -> None:
    """Each query really finds the hole it is named after."""
    async with superuser.connect() as connection:
        for statement in SEEDED[lint].split(";"):
            await connection.execute(text(statement))
        assert (await connection.execute(text(LINTS[lint]))).all() != []
        await connection.rollback()


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
