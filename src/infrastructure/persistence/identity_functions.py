"""Look-ups of the identity context that are made before the tenant is known, or across a person's tenants.

Each is one function of one purpose, run with the rights of a role that logs in nowhere and reads these tables only.
What it answers across tenants it answers to the person of the transaction alone.
"""

from application.kernel.actor import PLATFORM
from infrastructure.persistence import tenancy

# People ask for themselves, and the platform's operator, who is no person, for anybody.
_ASKING = (
    f"(wanted = {tenancy.CURRENT_PERSON} "
    f"OR {tenancy.CURRENT_PERSON} IS NULL AND {tenancy.CURRENT} = '{PLATFORM}'::uuid)"
)
# What identity asks across tenants: name to (argument type, columns, query); ``wanted`` is the argument.
_FUNCTIONS = {
    "stoa_authenticate_key": (
        "text",
        (
            "organization_id uuid, id uuid, scopes jsonb, expires_at timestamptz, revoked_at timestamptz, "
            "last_used_at timestamptz, status text"
        ),
        (
            "SELECT k.organization_id, k.id, k.scopes, k.expires_at, k.revoked_at, k.last_used_at, o.status "
            "FROM public.lookups l "
            "JOIN public.api_keys k ON k.organization_id = l.organization_id AND k.id = l.subject_id "
            "JOIN public.organizations o ON o.organization_id = k.organization_id AND o.id = k.organization_id "
            "WHERE l.kind = 'api_key' AND l.value = wanted"
        ),
    ),
    "stoa_find_invitation": (
        "text",
        "organization_id uuid, subject_id uuid",
        "SELECT l.organization_id, l.subject_id FROM public.lookups l WHERE l.kind = 'invitation' AND l.value = wanted",
    ),
    "stoa_organizations_of": (
        "uuid",
        "organization_id uuid, membership_id uuid, role text, name text, slug text, status text, joined_at timestamptz",
        (
            "SELECT m.organization_id, m.id, m.role, o.name, o.slug, o.status, m.created_at FROM public.memberships m "
            "JOIN public.organizations o ON o.organization_id = m.organization_id AND o.id = m.organization_id "
            "WHERE m.user_id = wanted AND {asking}"
        ),
    ),
    "stoa_invitations_for": (
        "text",
        "organization_id uuid, id uuid, role text, name text, expires_at timestamptz, created_at timestamptz",
        (
            "SELECT i.organization_id, i.id, i.role, o.name, i.expires_at, i.created_at FROM public.invitations i "
            "JOIN public.organizations o ON o.organization_id = i.organization_id AND o.id = i.organization_id "
            "WHERE i.email = wanted AND i.status = 'pending' AND o.status = 'active' "
            "AND EXISTS (SELECT FROM public.users u WHERE u.id = {person} AND u.email = wanted)"
        ),
    ),
}
_KEYS_OF_AGENTS = (
    "text",
    (
        "organization_id uuid, id uuid, scopes jsonb, expires_at timestamptz, revoked_at timestamptz, "
        "last_used_at timestamptz, agent_id uuid, agent_status text, status text"
    ),
    (
        "SELECT k.organization_id, k.id, k.scopes, k.expires_at, k.revoked_at, k.last_used_at, k.agent_id, a.status, "
        "o.status FROM public.lookups l "
        "JOIN public.api_keys k ON k.organization_id = l.organization_id AND k.id = l.subject_id "
        "JOIN public.organizations o ON o.organization_id = k.organization_id AND o.id = k.organization_id "
        "LEFT JOIN public.agents a ON a.organization_id = k.organization_id AND a.id = k.agent_id "
        "WHERE l.kind = 'api_key' AND l.value = wanted"
    ),
)
_CREATE = """
CREATE FUNCTION {name}(wanted {argument}) RETURNS TABLE ({columns}) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS $$ {query} $$
"""


def create() -> list[str]:
    """Return the statements that make the functions and give them to the application alone.

    ``stoa_authenticate`` did not know of suspended organizations, and goes.
    """
    made = [statement for name, function in _FUNCTIONS.items() for statement in _made(name, *function)]
    return ["DROP FUNCTION stoa_authenticate(text)", *made]


def _made(name: str, argument: str, columns: str, query: str) -> list[str]:
    query = query.format(asking=_ASKING, person=tenancy.CURRENT_PERSON)
    return [
        _CREATE.format(name=name, argument=argument, columns=columns, query=query),
        *tenancy.for_callers(f"{name}({argument})"),
    ]


def drop() -> list[str]:
    """Return the statements that undo :func:`create`."""
    before = [statement for statement in tenancy.lookup_functions() if "stoa_authenticate(" in statement]
    return [*(f"DROP FUNCTION {name}({argument})" for name, (argument, _, _) in _FUNCTIONS.items()), *before]


def know_agents() -> list[str]:
    """Return the statements that have an API key tell whose agent it is; agents have to be there."""
    return ["DROP FUNCTION stoa_authenticate_key(text)", *_made("stoa_authenticate_key", *_KEYS_OF_AGENTS)]


def forget_agents() -> list[str]:
    """Return the statements that undo :func:`know_agents`."""
    before = _made("stoa_authenticate_key", *_FUNCTIONS["stoa_authenticate_key"])
    return ["DROP FUNCTION stoa_authenticate_key(text)", *before]
