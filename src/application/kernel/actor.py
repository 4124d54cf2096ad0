"""Who is calling, and what the caller may do."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.shared.errors import Forbidden, InsufficientPermissions, Unauthenticated
from domain.shared.ids import AgentId, OrganizationId, SessionId, UserId, uuid7


class NotTheAgent(Forbidden):
    """An agent does for itself what it does, and for no other agent."""

    code = "not_the_agent"
    summary = "An agent can do this for itself only."


# Use-cases above tenants (create an organization, register a user) keep their idempotency keys and
# audit entries under this reserved identity, so that no table needs a nullable tenant.
PLATFORM = OrganizationId(uuid7(0, 0))

# A caller without credentials belongs nowhere until a public look-up says where.
NOWHERE = OrganizationId(UUID(int=0))


class Scope(StrEnum):
    """A permission, ``resource:action``. ``platform:operate`` is never given to an API key."""

    ORGANIZATIONS_READ = "organizations:read"
    ORGANIZATIONS_WRITE = "organizations:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    INVITATIONS_READ = "invitations:read"
    INVITATIONS_WRITE = "invitations:write"
    USERS_READ = "users:read"
    ACCOUNT_READ = "account:read"
    ACCOUNT_WRITE = "account:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    API_KEYS_READ = "api_keys:read"
    API_KEYS_WRITE = "api_keys:write"
    PRODUCTS_READ = "products:read"
    PRODUCTS_WRITE = "products:write"
    PRICES_READ = "prices:read"
    PRICES_WRITE = "prices:write"
    PAYMENT_LINKS_READ = "payment_links:read"
    PAYMENT_LINKS_WRITE = "payment_links:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    CUSTOMERS_PURGE = "customers:purge"
    PAYMENT_METHODS_READ = "payment_methods:read"
    PAYMENT_METHODS_WRITE = "payment_methods:write"
    PAYMENT_ORDERS_READ = "payment_orders:read"
    PAYMENT_ORDERS_WRITE = "payment_orders:write"
    REFUNDS_READ = "refunds:read"
    REFUNDS_WRITE = "refunds:write"
    BOOKS_READ = "books:read"
    EVENTS_READ = "events:read"
    EVENTS_WRITE = "events:write"
    WEBHOOK_ENDPOINTS_READ = "webhook_endpoints:read"
    WEBHOOK_ENDPOINTS_WRITE = "webhook_endpoints:write"
    WEBHOOK_DELIVERIES_READ = "webhook_deliveries:read"
    WEBHOOK_DELIVERIES_WRITE = "webhook_deliveries:write"
    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    AGENTS_WORK = "agents:work"
    AGENTS_KEYS = "agents:keys"
    TOOLS_READ = "tools:read"
    TOOLS_WRITE = "tools:write"
    TOOLS_WORK = "tools:work"
    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    WORKFLOWS_READ = "workflows:read"
    WORKFLOWS_WRITE = "workflows:write"
    PLAYBOOKS_READ = "playbooks:read"
    PLAYBOOKS_WRITE = "playbooks:write"
    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    CONVERSATIONS_PURGE = "conversations:purge"
    MANDATES_READ = "mandates:read"
    MANDATES_WRITE = "mandates:write"
    TASKS_WORK = "tasks:work"
    SETTLEMENTS_READ = "settlements:read"
    SETTLEMENTS_WRITE = "settlements:write"
    APPROVALS_READ = "approvals:read"
    APPROVALS_WRITE = "approvals:write"
    WALLETS_READ = "wallets:read"
    WALLETS_WRITE = "wallets:write"
    WALLETS_SEND = "wallets:send"
    SEARCH_READ = "search:read"
    AUDIT_READ = "audit:read"
    PLATFORM_OPERATE = "platform:operate"


# What a person may do about themselves: a session has them, an API key never does.
PERSONAL_SCOPES = frozenset({Scope.ACCOUNT_READ, Scope.ACCOUNT_WRITE, Scope.SESSIONS_READ, Scope.SESSIONS_WRITE})
TENANT_SCOPES = frozenset(Scope) - {Scope.PLATFORM_OPERATE} - PERSONAL_SCOPES

# What an agent's key may have: reading and doing business, and never who is let in, what agents are and may spend.
AGENT_SCOPES = frozenset(
    {
        *(Scope.ORGANIZATIONS_READ, Scope.PRODUCTS_READ, Scope.PRODUCTS_WRITE, Scope.PRICES_READ, Scope.PRICES_WRITE),
        *(Scope.PAYMENT_LINKS_READ, Scope.PAYMENT_LINKS_WRITE, Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE),
        *(Scope.PAYMENT_METHODS_READ, Scope.PAYMENT_METHODS_WRITE, Scope.PAYMENT_ORDERS_READ),
        *(Scope.PAYMENT_ORDERS_WRITE, Scope.REFUNDS_READ, Scope.BOOKS_READ, Scope.EVENTS_READ),
        *(Scope.AGENTS_READ, Scope.AGENTS_WORK, Scope.TOOLS_READ, Scope.TOOLS_WORK),
        *(Scope.TASKS_READ, Scope.TASKS_WRITE, Scope.TASKS_WORK, Scope.WORKFLOWS_READ, Scope.WORKFLOWS_WRITE),
        *(Scope.PLAYBOOKS_READ, Scope.PLAYBOOKS_WRITE, Scope.CONVERSATIONS_READ, Scope.CONVERSATIONS_WRITE),
        *(Scope.MANDATES_READ, Scope.APPROVALS_READ, Scope.SEARCH_READ, Scope.WALLETS_READ, Scope.SETTLEMENTS_READ),
    }
)


class ActorKind(StrEnum):
    """How the caller proved who it is."""

    API_KEY = "api_key"
    USER = "user"
    OPERATOR = "operator"
    WORKER = "worker"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A caller bound to one organization. ``id`` is its public text (``key_…``, ``agt_…``, ``usr_…``, ``operator``).

    ``user_id`` is the person behind a session; who acts for themselves and names no organization acts in PLATFORM.
    ``session_id`` is the session they use. ``agent_id`` is the agent that a key belongs to, None for all others.
    ``expires_at`` is when an API key ends, None for one that does not, and for all others.
    """

    kind: ActorKind
    id: str
    organization_id: OrganizationId
    scopes: frozenset[Scope]
    user_id: UserId | None = None
    session_id: SessionId | None = None
    agent_id: AgentId | None = None
    expires_at: datetime | None = None

    @property
    def person(self) -> UserId:
        """Return the signed-in person.

        Raises:
            InsufficientPermissions: nobody is signed in; the caller is a key or a machine.
        """
        if self.user_id is None:
            raise InsufficientPermissions("Only a signed-in person can do this.")
        return self.user_id

    def act_as(self, agent_id: AgentId) -> None:
        """Let the caller do what is an agent's own business; others than agents do it for any of them.

        Raises:
            NotTheAgent: the caller is another agent.
        """
        if self.agent_id not in (None, agent_id):
            raise NotTheAgent

    def require(self, scope: Scope | None) -> None:
        """Let the call pass or refuse it; ``None`` is for public use-cases.

        Raises:
            Unauthenticated: nobody is behind the call.
            InsufficientPermissions: the caller lacks the scope.
        """
        if scope is None or scope in self.scopes:
            return
        if self.kind is ActorKind.PUBLIC:
            raise Unauthenticated
        raise InsufficientPermissions(scope=scope.value)


def operator(organization_id: OrganizationId = PLATFORM) -> Actor:
    """Return the person at the machine itself, who may do everything."""
    return Actor(kind=ActorKind.OPERATOR, id="operator", organization_id=organization_id, scopes=frozenset(Scope))


def worker(organization_id: OrganizationId) -> Actor:
    """Return Stoa's own background worker, acting for one organization."""
    return Actor(kind=ActorKind.WORKER, id="worker", organization_id=organization_id, scopes=frozenset(Scope))


PUBLIC_ACTOR = Actor(kind=ActorKind.PUBLIC, id="public", organization_id=NOWHERE, scopes=frozenset())
