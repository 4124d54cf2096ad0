"""Questions about users: functions named after what operators ask for, combined with ``&``, ``|`` and ``~``."""

from collections.abc import Collection, Mapping
from datetime import datetime

from domain.identity.user import User, UserStatus
from domain.shared.like import like_escape
from domain.shared.specification import (
    Contains,
    Equal,
    Everything,
    GreaterOrEqual,
    ILike,
    In,
    IsNotNull,
    IsNull,
    JsonContains,
    LessThan,
    Spec,
    StartsWith,
)
from domain.shared.specification_values import JsonScalar

# ruff: noqa: N802 - specifications bear the names the business knows


def ActiveUsersSpec() -> Spec[User]:
    """Who may sign in."""
    return Equal("status", UserStatus.ACTIVE)


def SuspendedUsersSpec() -> Spec[User]:
    """Who is kept out."""
    return Equal("status", UserStatus.SUSPENDED)


def UserSearchSpec(text: str) -> Spec[User]:
    """The text occurs in the name, the address or the username, whatever the case of its ASCII letters."""
    return Contains("name", text) | Contains("email", text) | Contains("username", text)


def VerifiedUsersSpec() -> Spec[User]:
    """Whose address is known to be theirs."""
    return IsNotNull("email_verified_at")


def UnverifiedUsersSpec(registered_before: datetime | None = None) -> Spec[User]:
    """Whose address nobody has answered from yet; with a moment, only who was registered before it."""
    unverified: Spec[User] = IsNull("email_verified_at")
    return unverified if registered_before is None else unverified & LessThan("created_at", registered_before)


def UsersOfDomainSpec(domain: str) -> Spec[User]:
    """Whose address ends with ``@`` and exactly this domain."""
    return ILike("email", f"%@{like_escape(domain)}")


def UsersWithUsernamePrefixSpec(prefix: str) -> Spec[User]:
    """Whose username begins so; usernames are in lower case."""
    return StartsWith("username", prefix.lower())


def UsersWithWalletSpec() -> Spec[User]:
    """Who named a primary wallet."""
    return IsNotNull("wallet_address")


def UsersRegisteredBetweenSpec(since: datetime | None, until: datetime | None) -> Spec[User]:
    """Who was registered from a moment on and before another; None leaves an end open."""
    found: Spec[User] = Everything()
    if since is not None:
        found &= GreaterOrEqual("created_at", since)
    return found if until is None else found & LessThan("created_at", until)


def NeverSignedInUsersSpec() -> Spec[User]:
    """Who never signed in."""
    return IsNull("last_login_at")


def SeenSinceUsersSpec(moment: datetime) -> Spec[User]:
    """Who signed in at a moment or later."""
    return GreaterOrEqual("last_login_at", moment)


def InactiveUsersSpec(since: datetime) -> Spec[User]:
    """Who signed in before a moment and not again, or never."""
    return ~SeenSinceUsersSpec(since)


def UsersWithPreferencesSpec(pairs: Mapping[str, JsonScalar]) -> Spec[User]:
    """Whose preferences have every one of the pairs."""
    return JsonContains("preferences", pairs)


def UsersAmongSpec(emails: Collection[str]) -> Spec[User]:
    """Whose canonical address is one of these."""
    return In("email", tuple(emails))


def users_matching(query: str) -> Spec[User]:
    """Whose name or address holds a text, in any case; usernames are nobody's business but their owners'."""
    return Contains("name", query) | Contains("email", query)


def users_with(*, status: UserStatus | None = None, verified: bool | None = None) -> Spec[User]:
    """Combine the filters that are given."""
    spec: Spec[User] = Everything()
    if status is not None:
        spec &= Equal("status", status)
    if verified is not None:
        spec &= VerifiedUsersSpec() if verified else UnverifiedUsersSpec()
    return spec
