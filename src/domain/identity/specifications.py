"""Questions about members, invitations and keys."""

from datetime import datetime

from domain.identity.api_key import APIKey
from domain.identity.invitation import Invitation, InvitationStatus
from domain.identity.membership import Membership, Role
from domain.shared.ids import AgentId, APIKeyId
from domain.shared.specification import (
    Equal,
    Everything,
    GreaterThan,
    IsNotNull,
    IsNull,
    LessOrEqual,
    LessThan,
    Spec,
)
from domain.shared.specification_values import Now


def members_with(*, role: Role | None = None, email: str | None = None) -> Spec[Membership]:
    """Members of a role, with an address, or all."""
    found: Spec[Membership] = Everything()
    if role is not None:
        found &= Equal("role", role)
    return found if email is None else found & Equal("email", email)


def invitations_open(now: datetime) -> Spec[Invitation]:
    """Invitations that can still be accepted."""
    return Equal("status", InvitationStatus.PENDING) & GreaterThan("expires_at", Now.of(now))


def invitations_expired(now: datetime) -> Spec[Invitation]:
    """Invitations that nobody took in time, whether or not somebody noticed."""
    lapsed = Equal("status", InvitationStatus.PENDING) & LessOrEqual("expires_at", Now.of(now))
    return Equal("status", InvitationStatus.EXPIRED) | lapsed


def invitations_matching(
    *, status: InvitationStatus | None = None, email: str | None = None, now: datetime
) -> Spec[Invitation]:
    """Invitations that have this status at this moment, to this address."""
    found: Spec[Invitation] = Everything() if email is None else Equal("email", email)
    match status:
        case None:
            return found
        case InvitationStatus.PENDING:
            return found & invitations_open(now)
        case InvitationStatus.EXPIRED:
            return found & invitations_expired(now)
    return found & Equal("status", status)


def keys_active(now: datetime) -> Spec[APIKey]:
    """Keys that open something."""
    return IsNull("revoked_at") & (IsNull("expires_at") | GreaterThan("expires_at", Now.of(now)))


def keys_unused_since(moment: datetime) -> Spec[APIKey]:
    """Keys made before the moment and not used since: what is worth revoking."""
    return LessThan("created_at", moment) & (IsNull("last_used_at") | LessThan("last_used_at", moment))


def keys_of_agent(agent_id: AgentId) -> Spec[APIKey]:
    """The keys of one agent that were not taken back."""
    return Equal("agent_id", agent_id) & IsNull("revoked_at")


def keys_expiring_before(moment: datetime) -> Spec[APIKey]:
    """Keys whose time is over before the moment, also those whose time is over already."""
    return IsNotNull("expires_at") & LessThan("expires_at", moment)


def keys_matching(
    *,
    active: bool | None = None,
    expires_before: datetime | None = None,
    unused_since: datetime | None = None,
    lineage_id: APIKeyId | None = None,
    now: datetime,
) -> Spec[APIKey]:
    """Keys for which everything that is given holds at this moment."""
    found: Spec[APIKey] = Everything()
    if active is not None:
        found &= keys_active(now) if active else ~keys_active(now)
    if expires_before is not None:
        found &= keys_expiring_before(expires_before)
    if unused_since is not None:
        found &= keys_unused_since(unused_since)
    return found if lineage_id is None else found & Equal("lineage_id", lineage_id)
