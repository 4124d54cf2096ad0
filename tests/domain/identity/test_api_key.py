"""API keys open what their maker could open, until they expire or are revoked."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.identity.api_key import (
    MAX_OVERLAP,
    APIKey,
    APIKeyEnded,
    APIKeyExpired,
    APIKeyRevoked,
    APIKeyRotated,
    KeyMaterial,
    ScopesWidened,
)
from domain.shared.errors import InsufficientPermissions, ValidationError
from domain.shared.ids import APIKeyId, OrganizationId

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
MATERIAL = KeyMaterial(hash="digest-of-the-secret", prefix="stoa_sk_", last_four="9xYz")


def issued(scopes: Iterable[str] = ("products:read",), expires_at: datetime | None = None) -> APIKey:
    return APIKey.issue(
        id=APIKeyId(UUID(int=1)),
        organization_id=OrganizationId(UUID(int=2)),
        name="Shop",
        material=MATERIAL,
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


def rotated(
    key: APIKey, *, overlap: timedelta = timedelta(hours=2), grantable: Iterable[str] = ("products:read",)
) -> APIKey:
    return key.rotate(
        id=APIKeyId(UUID(int=9)),
        material=KeyMaterial(hash="another-digest", prefix="stoa_sk_", last_four="0000"),
        grantable=set(grantable),
        overlap=overlap,
        expires_at=None,
        now=NOW,
    )


def test_a_successor_has_the_same_name_scopes_and_line() -> None:
    """Whoever uses the key goes on as before, with another secret."""
    key = issued()
    successor = rotated(key)
    assert (successor.name, successor.scopes, successor.lineage_id) == (key.name, key.scopes, key.id)
    assert (key.replaced_by_id, successor.replaced_by_id) == (successor.id, None)
    assert successor.hash != key.hash


def test_a_rotated_key_works_until_the_overlap_ends() -> None:
    """Both work for a while, then one."""
    key = issued()
    rotated(key, overlap=timedelta(hours=1))
    key.authenticate(LATER - timedelta(microseconds=1))
    with pytest.raises(APIKeyExpired):
        key.authenticate(LATER)


def test_rotating_never_prolongs_a_key() -> None:
    """A key that ends before the overlap does still ends when it was to end."""
    key = issued(expires_at=LATER)
    rotated(key, overlap=timedelta(days=7))
    assert key.expires_at == LATER


def test_a_key_is_rotated_once() -> None:
    """The next one to rotate is its successor, so that a line never forks."""
    key = issued()
    successor = rotated(key)
    with pytest.raises(APIKeyRotated):
        rotated(key)
    assert rotated(successor).lineage_id == key.id


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), MAX_OVERLAP + timedelta(seconds=1)])
def test_an_overlap_has_bounds(overlap: timedelta) -> None:
    """It is neither negative nor longer than a week, and a refused rotation changes nothing."""
    key = issued()
    with pytest.raises(ValidationError):
        rotated(key, overlap=overlap)
    assert (key.version, key.replaced_by_id, key.expires_at) == (1, None, None)


def test_rotating_gives_nobody_a_scope_they_lack() -> None:
    """The new secret has the key's scopes, so whoever is shown it must hold them."""
    with pytest.raises(InsufficientPermissions):
        rotated(issued(), grantable=["api_keys:write"])


def test_an_ended_key_is_neither_rotated_nor_changed() -> None:
    """What opens nothing any more is replaced by a new key and not revived."""
    revoked, expired = issued(), issued(expires_at=LATER)
    revoked.revoke(NOW)
    with pytest.raises(APIKeyEnded):
        rotated(revoked)
    with pytest.raises(APIKeyEnded):
        expired.edit(LATER, name="Shop", scopes=["products:read"])


def test_scopes_are_only_ever_narrowed() -> None:
    """A scope that was taken away does not come back, and one is always left."""
    key = issued(["products:read", "products:write"])
    key.edit(NOW, name="Till", scopes=["products:read"])
    assert (key.name, key.scopes) == ("Till", ["products:read"])
    with pytest.raises(ScopesWidened):
        key.edit(NOW, name="Till", scopes=["products:read", "products:write"])
    with pytest.raises(ValidationError):
        key.edit(NOW, name="Till", scopes=[])
