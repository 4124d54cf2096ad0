"""The walls between tenants and between people: the clause every repository starts from, and PostgreSQL's policies."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Table, Uuid, bindparam, exists

from application.kernel.actor import PLATFORM

TENANT, PERSON = "tenant", "person"
"""Parameters of every walled statement; ``info[PERSON]`` of a table names its column of people."""

NOBODY = UUID(int=0)
"""The person of a transaction that has none."""

ASIDE = "aside"
"""Marks, in a table's ``info``, what is written apart from every unit of work and in no tenant's name."""

OWNER, APP, RELAY, SEALER, AUTH = "stoa_owner", "stoa_app", "stoa_relay", "stoa_sealer", "stoa_auth"

# The sub-select is evaluated once per statement and not once per row; nullif because the setting
# reverts to '' and not to NULL after a transaction that had set it.
CURRENT = "(select nullif(current_setting('app.organization_id', true), '')::uuid)"
CURRENT_PERSON = "(select nullif(current_setting('app.user_id', true), '')::uuid)"
TENANT_POLICY = f"organization_id = {CURRENT}"


def wall(table: Table) -> ColumnElement[bool]:
    """Return the clause that keeps a statement inside the current organization, or with the current person.

    What belongs to one person shows to that person only. A user shows to themselves, through a membership of the
    organization, and to the platform's operator, who is the platform and no person.
    """
    current = bindparam(TENANT, type_=Uuid())
    if "organization_id" in table.c:
        return table.c.organization_id == current
    person = bindparam(PERSON, NOBODY, type_=Uuid())
    if PERSON in table.info:
        own: ColumnElement[bool] = table.c[table.info[PERSON]] == person
        return own
    members = table.metadata.tables["memberships"]
    member = exists().where(members.c.user_id == table.c.id, members.c.organization_id == current)
    platform = bindparam("platform", PLATFORM, type_=Uuid())
    operator = (current == platform) & (person == bindparam("nobody", NOBODY, type_=Uuid()))
    return (table.c.id == person) | member | operator


def policy_statements(table: str) -> list[str]:
    """Return the statements that wall one tenant table: enabled, forced, one policy for reads and writes."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant ON {table} USING ({TENANT_POLICY}) WITH CHECK ({TENANT_POLICY})",
    ]


def worker_policy(table: str, role: str, commands: Sequence[str]) -> list[str]:
    """Return the statements that let a worker role see all tenants of its own table, for these commands only."""
    statements = []
    for command in commands:
        check = "WITH CHECK (true)" if command == "INSERT" else "USING (true)"
        statements.append(f"CREATE POLICY {role}_{command.lower()} ON {table} FOR {command} TO {role} {check}")
    statements.append(f"GRANT {', '.join(commands)} ON {table} TO {role}")
    return statements


def users_policies() -> list[str]:
    """Return the statements that show a user only through a membership of the current organization."""
    member = f"exists (select from memberships m where m.user_id = users.id and m.organization_id = {CURRENT})"
    visible = f"{CURRENT} = '{PLATFORM}'::uuid or {member}"
    return [
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE users FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant ON users USING ({visible}) WITH CHECK ({visible})",
    ]


def person_policy(table: str, column: str) -> list[str]:
    """Return the statements that show a row to its person alone; ``column`` says whose it is."""
    own = f"{column} = {CURRENT_PERSON}"
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant ON {table} USING ({own}) WITH CHECK ({own})",
    ]


def people_policy() -> str:
    """Return the statement that shows users as :func:`wall` does, and lets nobody write another person."""
    member = f"exists (select from memberships m where m.user_id = users.id and m.organization_id = {CURRENT})"
    operator = f"({CURRENT} = '{PLATFORM}'::uuid and {CURRENT_PERSON} is null)"
    own = f"id = {CURRENT_PERSON}"
    return f"CREATE POLICY tenant ON users USING ({own} or {operator} or {member}) WITH CHECK ({own} or {operator})"


def answers_policy() -> str:
    """Return the statement that keeps a person's answered requests apart from everybody else's."""
    own = f"organization_id in ({CURRENT}, {CURRENT_PERSON})"
    return f"CREATE POLICY tenant ON idempotency_records USING ({own}) WITH CHECK ({own})"


_DROP_EVERY_POLICY = """
DO $$ DECLARE p name; BEGIN
    FOR p IN SELECT polname FROM pg_policy WHERE polrelid = '{table}'::regclass LOOP
        EXECUTE format('DROP POLICY %I ON {table}', p);
    END LOOP;
END $$
"""


def drop_policies(table: str) -> list[str]:
    """Return the statements that take every policy off a table, for a downgrade."""
    return [
        _DROP_EVERY_POLICY.format(table=table),
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    ]


class Operations(Protocol):
    """What of a migration's operations is needed here."""

    def get_bind(self) -> Connection: ...
    def execute(self, sqltext: str) -> None: ...


@contextmanager
def past_the_walls(op: Operations, *tables: str) -> Iterator[None]:
    """Let a migration change the rows of every tenant: forced row security would hide them all from the owner too."""
    walled = tables if op.get_bind().dialect.name == "postgresql" else ()
    for table in walled:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in walled:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def for_callers(signature: str) -> list[str]:
    """Return the statements by which a function acts as an owner who sees what it needs, for the application alone."""
    return [
        f"ALTER FUNCTION {signature} OWNER TO {AUTH}",
        f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {signature} TO {APP}",
    ]


_FOUND = "organization_id uuid, subject_id uuid"
_FIND = """
SELECT l.organization_id, l.subject_id FROM public.lookups l WHERE l.kind = '{kind}' AND l.value = wanted
"""
_KEY = """
organization_id uuid, id uuid, scopes jsonb, expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz
"""
_AUTHENTICATE = """
SELECT k.organization_id, k.id, k.scopes, k.expires_at, k.revoked_at, k.last_used_at FROM public.lookups l
JOIN public.api_keys k ON k.organization_id = l.organization_id AND k.id = l.subject_id
WHERE l.kind = 'api_key' AND l.value = wanted
"""
_FUNCTIONS = {
    "stoa_find_organization": (_FOUND, _FIND.format(kind="organization")),
    "stoa_find_payment_link": (_FOUND, _FIND.format(kind="payment_link")),
    "stoa_authenticate": (_KEY, _AUTHENTICATE),
}
_CREATE = """
CREATE FUNCTION {name}(wanted text) RETURNS TABLE ({columns}) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS $$ {query} $$
"""


def lookup_functions() -> list[str]:
    """Return the statements that make the look-ups before the tenant is known.

    Their owner logs in nowhere, bypasses nothing and has a policy of its own on exactly the tables they read.
    """
    statements = []
    for name, (columns, query) in _FUNCTIONS.items():
        statements += [
            _CREATE.format(name=name, columns=columns, query=query),
            *for_callers(f"{name}(text)"),
        ]
    return statements


def drop_lookup_functions() -> list[str]:
    """Return the statements that undo :func:`lookup_functions`."""
    return [f"DROP FUNCTION {name}(text)" for name in _FUNCTIONS]


TIMEOUTS = {
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    "transaction_timeout": "15s",
}


def role_statements(existing: Sequence[str]) -> list[str]:
    """Return the statements an administrator runs once: the roles, and the time each may take.

    Time limits belong to the role and not to the connection, so that they hold behind a connection pooler too.
    """
    statements = []
    for role, attributes in (
        (OWNER, "NOLOGIN"),
        (AUTH, "NOLOGIN"),
        (APP, "LOGIN"),
        (RELAY, "LOGIN"),
        (SEALER, "LOGIN"),
    ):
        if role not in existing:
            statements.append(f"CREATE ROLE {role} {attributes}")
        if attributes == "LOGIN":
            statements += [f"ALTER ROLE {role} SET {name} = '{value}'" for name, value in TIMEOUTS.items()]
            # Compiling a short statement to machine code takes longer than running it.
            statements.append(f"ALTER ROLE {role} SET jit = 'off'")
    statements += [
        f"GRANT {OWNER} TO CURRENT_USER",
        f"GRANT {AUTH} TO {OWNER}",
        f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER}, {AUTH}",
        f"GRANT USAGE ON SCHEMA public TO {APP}, {RELAY}, {SEALER}",
    ]
    return statements
