"""Questions about members."""

from domain.identity.membership import Membership, Role
from domain.shared.specification import Equal, Everything, Spec


def members_with(*, role: Role | None = None) -> Spec[Membership]:
    """Members of a role, or all."""
    return Everything() if role is None else Equal("role", role)
