"""What is asked of people before anybody is known: by address, by a mailed token, by a session's token.

Each is one function of one purpose, run with the rights of a role that logs in nowhere. The attempts to sign in have no
other door at all, because they have to be counted for addresses that nobody has.
"""

from typing import NamedTuple

from domain.identity.sign_in_limits import DOUBLINGS, FIRST_PAUSE, FORGIVEN_AFTER, FREE_ATTEMPTS, LONGEST_PAUSE
from infrastructure.persistence import tenancy

_FOUND = "organization_id uuid, subject_id uuid, user_id uuid"
_FIND = (
    "SELECT l.organization_id, l.subject_id, {person} FROM public.lookups l {join} "
    "WHERE l.kind = '{kind}' AND l.value = wanted"
)
_SESSION = (
    "id uuid, user_id uuid, expires_at timestamptz, last_used_at timestamptz, revoked_at timestamptz, status text, "
    "role text, organization_status text"
)

# The rule of `sign_in_limits.pause_after` as the database applies it, so that no attempt is counted past another.
# One that comes while the door is closed is not counted, and returns no row.
COUNT_ATTEMPT = f"""
INSERT INTO {{schema}}sign_in_attempts AS a (subject, attempts, last_at, locked_until) VALUES ({{wanted}}, 1, {{at}}, 0)
ON CONFLICT (subject) DO UPDATE SET
    attempts = CASE WHEN a.last_at + {FORGIVEN_AFTER} < excluded.last_at THEN 1 ELSE a.attempts + 1 END,
    last_at = excluded.last_at,
    locked_until = CASE
        WHEN a.last_at + {FORGIVEN_AFTER} < excluded.last_at OR a.attempts + 1 < {FREE_ATTEMPTS} THEN 0
        WHEN a.attempts + 1 > {FREE_ATTEMPTS + DOUBLINGS} THEN excluded.last_at + {LONGEST_PAUSE}
        ELSE excluded.last_at + ({FIRST_PAUSE} << (a.attempts + 1 - {FREE_ATTEMPTS})) END
WHERE a.locked_until <= excluded.last_at
RETURNING attempts
"""  # noqa: S608 - made of our own constants only
READ_LOCK = "SELECT a.locked_until FROM {schema}sign_in_attempts a WHERE a.subject = {wanted}"
FORGIVE = "DELETE FROM {schema}sign_in_attempts WHERE subject = {wanted}"
FORGOTTEN = f"last_at + {FORGIVEN_AFTER} < {{at}} AND locked_until <= {{at}}"
# A few forgotten addresses go with every one that is forgiven, so that the table stays small; none is waited for.
_FORGET = f"""
DELETE FROM public.sign_in_attempts WHERE subject IN (SELECT f.subject FROM public.sign_in_attempts f
    WHERE f.last_at + {FORGIVEN_AFTER} < at AND f.locked_until <= at ORDER BY f.last_at LIMIT 10 FOR UPDATE SKIP LOCKED)
"""  # noqa: S608 - as above


class _Function(NamedTuple):
    """A function's arguments and what it returns and does; one that writes is VOLATILE."""

    arguments: str
    returns: str
    query: str
    writes: bool = False

    @property
    def types(self) -> str:
        """Return the types of the arguments, by which a function is named."""
        return ", ".join(argument.split(" ")[1] for argument in self.arguments.split(", "))


def _find(kind: str, table: str | None = None) -> _Function:
    """Return the look-up of one kind of value, which also says whose it is."""
    join = f"JOIN public.{table} t ON t.id = l.subject_id" if table else ""
    query = _FIND.format(kind=kind, join=join, person="t.user_id" if table else "l.subject_id")
    return _Function("wanted text", f"TABLE ({_FOUND})", query)


_FUNCTIONS = {
    "stoa_find_user_email": _find("user_email"),
    "stoa_find_single_use_token": _find("single_use_token", "single_use_tokens"),
    "stoa_find_auth_identity": _find("auth_identity", "auth_identities"),
    "stoa_password_of": _Function(
        "wanted text",
        "TABLE (user_id uuid, email text, hash text, version int)",
        "SELECT c.id, u.email, c.hash, c.version FROM public.lookups l "
        "JOIN public.credentials c ON c.id = l.subject_id JOIN public.users u ON u.id = c.id "
        "WHERE l.kind = 'user_email' AND l.value = wanted",
    ),
    "stoa_authenticate_session": _Function(
        "wanted text, within uuid",
        f"TABLE ({_SESSION})",
        "SELECT s.id, s.user_id, s.expires_at, s.last_used_at, s.revoked_at, u.status, m.role, o.status "
        "FROM public.lookups l JOIN public.sessions s ON s.id = l.subject_id JOIN public.users u ON u.id = s.user_id "
        "LEFT JOIN public.memberships m ON m.organization_id = within AND m.user_id = s.user_id "
        "LEFT JOIN public.organizations o ON o.organization_id = m.organization_id AND o.id = m.organization_id "
        "WHERE l.kind = 'session' AND l.value = wanted",
    ),
    "stoa_count_sign_in": _Function(
        "wanted text, at bigint", "SETOF int", COUNT_ATTEMPT.format(schema="public.", wanted="wanted", at="at"), True
    ),
    "stoa_sign_in_lock": _Function(
        "wanted text", "SETOF bigint", READ_LOCK.format(schema="public.", wanted="wanted")
    ),
    "stoa_forgive_sign_in": _Function(
        "wanted text, at bigint",
        "void",
        FORGIVE.format(schema="public.", wanted="wanted") + ";" + _FORGET,
        True,
    ),
}  # fmt: skip
_CREATE = """
CREATE FUNCTION {name}({arguments}) RETURNS {returns} LANGUAGE sql {volatility} SECURITY DEFINER
SET search_path = pg_catalog AS $$ {query} $$
"""
READ = ("users", "sessions", "single_use_tokens", "auth_identities", "credentials")
"""Tables that the functions read; ``lookups``, ``memberships`` and ``organizations`` are read by others too."""


def create() -> list[str]:
    """Return the statements that make the functions and give them to the application alone."""
    statements = []
    for table in READ:
        statements += tenancy.worker_policy(table, tenancy.AUTH, ["SELECT"])
    statements += tenancy.worker_policy("sign_in_attempts", tenancy.AUTH, ["SELECT", "INSERT", "UPDATE", "DELETE"])
    for name, function in _FUNCTIONS.items():
        volatility = "VOLATILE" if function.writes else "STABLE"
        statements += [
            _CREATE.format(
                name=name, arguments=function.arguments, returns=function.returns, volatility=volatility,
                query=function.query,
            ),
            *tenancy.for_callers(f"{name}({function.types})"),
        ]  # fmt: skip
    return statements


def drop() -> list[str]:
    """Return the statements that undo :func:`create`, but for what goes with the tables."""
    return [f"DROP FUNCTION {name}({function.types})" for name, function in _FUNCTIONS.items()]
