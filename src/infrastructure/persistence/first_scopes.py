"""The scopes of the first release: what a key may have in a schema older than 0004."""

KNOWN_SCOPES = (
    "organizations:read", "organizations:write", "members:read", "api_keys:read", "api_keys:write", "products:read",
    "products:write", "prices:read", "prices:write", "payment_links:read", "payment_links:write", "customers:read",
    "customers:write", "payment_methods:read", "payment_methods:write", "payment_orders:read", "payment_orders:write",
    "audit:read",
)  # fmt: skip
"""The scopes of 0003, which refuses to read a key that has any other."""


def keep(*, postgres: bool) -> str:
    """Return the statement that takes every later scope from the keys, for a downgrade."""
    known = ", ".join(f"'{scope}'" for scope in KNOWN_SCOPES)
    if postgres:
        each = "jsonb_array_elements_text(scopes) WITH ORDINALITY s (scope, n)"
        listed = "coalesce(jsonb_agg(s.scope ORDER BY s.n), '[]')"
        kept = f"SELECT {listed} FROM {each} WHERE s.scope IN ({known})"  # noqa: S608 - ours
    else:
        kept = f"SELECT json_group_array(value) FROM json_each(scopes) WHERE value IN ({known})"  # noqa: S608 - ours
    return f"UPDATE api_keys SET scopes = ({kept})"  # noqa: S608 - made of our own constants
