"""What a member may do: the scopes of every role."""

from collections.abc import Mapping

from application.kernel.actor import TENANT_SCOPES, Scope
from domain.identity.membership import Role

# Handing the organization over, suspending and closing it.
_OF_OWNERS = frozenset({Scope.ORGANIZATIONS_WRITE})
# Who is let in, with which keys, where events go, taking, giving and sending money, forgetting people, and
# what agents may spend.
_OF_ADMINS = frozenset(
    {
        *(Scope.MEMBERS_WRITE, Scope.INVITATIONS_WRITE, Scope.API_KEYS_WRITE),
        *(Scope.WEBHOOK_ENDPOINTS_WRITE, Scope.EVENTS_WRITE, Scope.REFUNDS_WRITE, Scope.CUSTOMERS_PURGE),
        *(Scope.MANDATES_WRITE, Scope.APPROVALS_WRITE, Scope.AGENTS_KEYS, Scope.CONVERSATIONS_PURGE),
        *(Scope.WALLETS_SEND, Scope.SETTLEMENTS_WRITE),
    }
)

SCOPES: Mapping[Role, frozenset[Scope]] = {
    Role.OWNER: TENANT_SCOPES,
    Role.ADMIN: TENANT_SCOPES - _OF_OWNERS,
    Role.MEMBER: TENANT_SCOPES - _OF_OWNERS - _OF_ADMINS,
    Role.VIEWER: frozenset(scope for scope in TENANT_SCOPES if scope.value.endswith(":read")),
}
"""Each role has what the next one has and more, so that nobody gains by being given less."""


def scopes_of(role: Role) -> frozenset[Scope]:
    """Return what a member of this role may do in the organization; personal scopes come on top."""
    return SCOPES[role]
