"""API keys open what their maker could open, until they expire or are revoked."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.identity.api_key import APIKey, APIKeyExpired, APIKeyRevoked
from domain.shared.errors import InsufficientPermissions, ValidationError
from domain.shared.ids import APIKeyId, OrganizationId

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def issued(scopes: Iterable[str] = ("products:read",), expires_at: datetime | None = None) -> APIKey:
    return APIKey.issue(
        id=APIKeyId(UUID(int=1)),
        organization_id=OrganizationId(UUID(int=2)),
        name="Shop",
        hash="digest-of-the-secret",
        prefix="stoa_sk_",
        last_four="9xYz",
        scopes=scopes,
        grantable={"products:read", "products:write"},
        expires_at=expires_at,
        now=NOW,
    )


def test_a_key_gets_each_scope_once_and_in_order() -> None:
    """However the scopes were listed, the key holds them in one canonical form."""
    assert issued(["products:write", "products:read", "products:read"]).scopes == ["products:read", "products:write"]


def test_nobody_grants_what_they_do_not_hold() -> None:
    """The first scope out of reach is named."""
    with pytest.raises(InsufficientPermissions) as refused:
        issued(["products:read", "platform:operate"])
    assert refused.value.details == {"scope": "platform:operate"}


@pytest.mark.parametrize(("scopes", "expires_at"), [((), None), (("products:read",), NOW)])
def test_a_key_that_could_open_nothing_is_not_issued(scopes: tuple[str, ...], expires_at: datetime | None) -> None:
    """No scope, or no time: both are mistakes of the caller."""
    with pytest.raises(ValidationError):
        issued(scopes, expires_at)


def test_a_key_opens_until_the_moment_it_expires() -> None:
    """The moment of expiry itself is too late."""
    key = issued(expires_at=LATER)
    key.authenticate(LATER - timedelta(microseconds=1))
    with pytest.raises(APIKeyExpired):
        key.authenticate(LATER)


def test_revoking_is_final_and_repeatable() -> None:
    """The second time nothing changes, and the first time stays on record."""
    key = issued()
    key.pull_events()
    key.revoke(NOW)
    key.revoke(LATER)
    assert (key.revoked_at, key.version) == (NOW, 2)
    assert [recorded.event.verb for recorded in key.pull_events()] == ["revoked"]
    with pytest.raises(APIKeyRevoked):
        key.authenticate(NOW)


def test_the_hash_is_shown_nowhere() -> None:
    """Neither the representation nor an event holds it."""
    key = issued()
    assert "digest" not in repr(key)
    assert "digest" not in repr(key.pull_events())
