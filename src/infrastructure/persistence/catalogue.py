"""What PostgreSQL's own catalogue says about the walls between tenants: each lint returns the holes of one kind.

Every lint can be asked as the application's role, and all of them at once in one round trip.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_GRANTS = "Take the grant back from the roles that log in."
_DEFINER = "Set its search_path to pg_catalog, and revoke it from PUBLIC."
_WALL = "Run the statements of tenancy.policy_statements() on the table, as its owner."
_VIEW = "Make the view again with (security_invoker = true), or drop it."
INDEX = "foreign key without an index that begins with its columns"


@dataclass(frozen=True, slots=True)
class Lint:
    """A query for holes of one kind, and what closes them."""

    sql: str
    remedy: str


LINTS: Mapping[str, Lint] = {
    "tenant table without forced row security": Lint(
        "SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "AND a.attname = 'organization_id' AND NOT a.attisdropped WHERE c.relkind IN ('r', 'p') "
        "AND c.relnamespace = 'public'::regnamespace "
        "AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
        "ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY.",
    ),
    "any table without forced row security": Lint(
        "SELECT c.oid::regclass FROM pg_class c WHERE c.relkind IN ('r', 'p') "
        "AND c.relnamespace = 'public'::regnamespace AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
        "ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY.",
    ),
    "no policy for all commands with both USING and WITH CHECK": Lint(
        "SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "AND a.attname = 'organization_id' AND NOT a.attisdropped WHERE c.relkind IN ('r', 'p') "
        "AND c.relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_policy p "
        "WHERE p.polrelid = c.oid AND p.polcmd = '*' AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL)",
        _WALL,
    ),
    "policy that lets the application past its tenant": Lint(
        "SELECT p.polrelid::regclass FROM pg_policy p WHERE polname <> 'tenant' "
        "AND (polroles @> ARRAY[0::oid] OR polroles @> ARRAY['stoa_app'::regrole::oid])",
        "Drop the policy: the application has the one named tenant, workers have their own.",
    ),
    "foreign key between tenant tables that may leave the tenant": Lint(
        "SELECT k.conname FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace "
        "AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = k.conrelid AND attname = 'organization_id') "
        "AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = k.confrelid AND attname = 'organization_id') "
        "AND NOT EXISTS (SELECT FROM unnest(k.conkey, k.confkey) u(a, b) "
        "JOIN pg_attribute x ON x.attrelid = k.conrelid AND x.attnum = u.a "
        "JOIN pg_attribute y ON y.attrelid = k.confrelid AND y.attnum = u.b "
        "WHERE x.attname = 'organization_id' AND y.attname = 'organization_id')",
        "Replace it by one on (organization_id, …) that references (organization_id, id).",
    ),
    "unique index that does not begin with the tenant": Lint(
        "SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
        "JOIN pg_attribute a ON a.attrelid = c.oid "
        "AND a.attname = 'organization_id' AND NOT a.attisdropped "
        "WHERE i.indisunique AND NOT i.indisprimary AND c.relnamespace = 'public'::regnamespace "
        "AND i.indkey[0] <> a.attnum",
        "Begin the index with organization_id: otherwise a conflict tells of other tenants' rows.",
    ),
    "view that runs with its owner's rights": Lint(
        "SELECT oid::regclass FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace "
        "AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)",
        _VIEW,
    ),
    "materialised view the application can read": Lint(
        "SELECT oid::regclass FROM pg_class WHERE relkind = 'm' AND relnamespace = 'public'::regnamespace "
        "AND has_table_privilege('stoa_app', oid, 'select')",
        "Revoke it: a materialised view has no row security.",
    ),
    "privileged role, owner, or member of another": Lint(
        "SELECT rolname FROM pg_roles r WHERE rolname IN ('stoa_app', 'stoa_relay', 'stoa_sealer') "
        "AND (rolsuper OR rolbypassrls OR rolcreaterole "
        "OR rolcreatedb OR rolreplication OR EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) "
        "OR EXISTS (SELECT FROM pg_proc WHERE proowner = r.oid) "
        "OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid))",
        "Take from the role what it owns, is a member of, and may do beyond LOGIN.",
    ),
    "any role that bypasses row security": Lint(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'stoa%' AND (rolsuper OR rolbypassrls)",
        "ALTER ROLE … NOSUPERUSER NOBYPASSRLS.",
    ),
    "owner that can log in": Lint(
        "SELECT rolname FROM pg_roles WHERE rolname IN ('stoa_owner', 'stoa_auth') AND rolcanlogin",
        "ALTER ROLE … NOLOGIN.",
    ),
    "dangerous grant": Lint(
        "SELECT DISTINCT c.oid::regclass FROM pg_class c, unnest(ARRAY['stoa_app', 'stoa_relay', 'stoa_sealer']) role "
        "WHERE c.relkind IN ('r', 'p') "
        "AND c.relnamespace = 'public'::regnamespace "
        "AND has_table_privilege(role, c.oid, 'truncate,trigger,references')",
        _GRANTS,
    ),
    "grant to everybody": Lint(
        "SELECT c.oid::regclass FROM pg_class c, aclexplode(c.relacl) g "
        "WHERE c.relnamespace = 'public'::regnamespace AND g.grantee = 0",
        "Revoke it from PUBLIC.",
    ),
    "SECURITY DEFINER without a pinned search_path": Lint(
        "SELECT oid::regprocedure FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace "
        "AND NOT EXISTS (SELECT FROM unnest(proconfig) g WHERE g LIKE 'search_path=%')",
        _DEFINER,
    ),
    "SECURITY DEFINER that everybody may call": Lint(
        "SELECT oid::regprocedure FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace "
        "AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) g WHERE g.grantee = 0))",
        _DEFINER,
    ),
    "schema the application can create in": Lint(
        "SELECT nspname FROM pg_namespace WHERE nspname = 'public' AND has_schema_privilege('stoa_app', oid, 'create')",
        _GRANTS,
    ),
    "append-only trigger that a replica would skip": Lint(
        "SELECT 'audit_entries' WHERE 2 <> (SELECT count(*) FROM pg_trigger "
        "WHERE tgrelid = 'audit_entries'::regclass AND NOT tgisinternal AND tgenabled = 'A')",
        "ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_rows, ENABLE ALWAYS TRIGGER audit_table.",
    ),
    INDEX: Lint(
        "SELECT k.conname FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace "
        "AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indpred IS NULL AND i.indisvalid "
        "AND (string_to_array(i.indkey::text, ' ')::int2[])[1:cardinality(k.conkey)] @> k.conkey)",
        "CREATE INDEX CONCURRENTLY on the key's columns, else deleting what it refers to reads the whole table.",
    ),
}

ALLOWED: Mapping[tuple[str, str], str] = {
    ("any table without forced row security", "alembic_version"): (
        "It holds the schema's revision only, which every role reads at start-up and none but the owner writes."
    ),
}
"""The exceptions that were looked at, each with its reason; anything else a lint returns is a hole."""


async def holes(connection: AsyncConnection) -> dict[str, list[str]]:
    """Return what each lint found that is not allowed, by lint; PostgreSQL only."""
    each = (
        f"SELECT {number} AS lint, hole::text FROM ({lint.sql}) AS t(hole)"  # noqa: S608 - all of it is in this file
        for number, lint in enumerate(LINTS.values())
    )
    names, found = list(LINTS), dict[str, list[str]]()
    for number, hole in await connection.execute(text(" UNION ALL ".join(each))):
        if (names[number], hole) not in ALLOWED:
            found.setdefault(names[number], []).append(hole)
    return found
