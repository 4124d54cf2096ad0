"""Organizations, users and members."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.identity.membership import MemberAddedEvent, Membership, Role
from domain.identity.organization import Organization, OrganizationStatus
from domain.identity.specifications import members_with
from domain.identity.user import User
from domain.shared.errors import StaleVersion
from domain.shared.ids import MembershipId, OrganizationId, UserId
from domain.shared.money import InvalidCurrency
from domain.shared.text import InvalidEmail, InvalidSlug, InvalidText

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
ORGANIZATION = OrganizationId(UUID(int=1))
PLATFORM = OrganizationId(UUID(int=9))


def founded(name: str = "Harbour", slug: str = "harbour", default_currency: str = "EUR") -> Organization:
    return Organization.create(id=ORGANIZATION, name=name, slug=slug, default_currency=default_currency, now=NOW)


def registered(email: str = "ines@harbour.example", name: str = "Inês") -> User:
    return User.register(id=UserId(UUID(int=2)), organization_id=PLATFORM, email=email, name=name, now=NOW)


def test_an_organization_belongs_to_itself() -> None:
    """The tenant column of a tenant's own row names that row."""
    organization = founded(slug=" Harbour-Coffee ")
    assert organization.organization_id == organization.id == ORGANIZATION
    assert (organization.slug, organization.status) == ("harbour-coffee", OrganizationStatus.ACTIVE)
    assert [recorded.event.verb for recorded in organization.pull_events()] == ["created"]


@pytest.mark.parametrize(
    ("name", "slug", "currency", "error"),
    [
        ("<b>", "harbour", "EUR", InvalidText),
        ("Harbour", "a b", "EUR", InvalidSlug),
        ("Harbour", "harbour", "eur", InvalidCurrency),
    ],
)
def test_an_organization_is_not_founded_on_bad_values(
    name: str, slug: str, currency: str, error: type[Exception]
) -> None:
    """Each value is checked by its own rule."""
    with pytest.raises(error):
        founded(name, slug, currency)


def test_editing_records_what_really_changed() -> None:
    """Setting the same name again is no change, and makes no version."""
    organization = founded()
    organization.pull_events()
    organization.edit(NOW, name=" Harbour ", default_currency="EUR", settings=organization.settings, metadata={})
    assert (organization.version, organization.pull_events()) == (1, [])
    organization.edit(NOW, name="Harbour", default_currency="SEK", settings=organization.settings, metadata={})
    assert (organization.version, organization.default_currency) == (2, "SEK")
    with pytest.raises(StaleVersion):
        organization.expect_version(1)


def test_a_user_is_known_by_the_canonical_address() -> None:
    """Two spellings of one address are one person, who stands above tenants."""
    user = registered(" Ines@Harbour.Example ")
    assert (user.email, user.organization_id) == ("ines@harbour.example", PLATFORM)
    with pytest.raises(InvalidEmail):
        registered("nobody")


def test_a_member_is_a_user_with_a_role() -> None:
    """The membership copies the address, and its event names the person by id only."""
    member = Membership.add(
        registered(), id=MembershipId(UUID(int=3)), organization_id=ORGANIZATION, role=Role.ADMIN, now=NOW
    )
    assert member.email == "ines@harbour.example"
    assert [recorded.event for recorded in member.pull_events()] == [
        MemberAddedEvent(user_id=UserId(UUID(int=2)), role="admin")
    ]
    assert members_with().is_satisfied_by(member)
    assert members_with(role=Role.ADMIN).is_satisfied_by(member)
    assert not members_with(role=Role.OWNER).is_satisfied_by(member)
