"""An organization's settings, and its life from active to closed."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.identity.organization import (
    Organization,
    OrganizationClosed,
    OrganizationEnded,
    OrganizationStatus,
    OrganizationSuspended,
    SlugMismatch,
    refuse_inactive,
)
from domain.identity.organization_settings import (
    MAX_EXPIRY_MINUTES,
    InvalidLocale,
    InvalidOrderExpiry,
    InvalidStatementDescriptor,
    InvalidTimeZone,
    OrganizationSettings,
)
from domain.shared.errors import Forbidden, ValidationError
from domain.shared.ids import OrganizationId
from domain.shared.text import InvalidEmail

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
LATER = datetime(2026, 3, 15, 9, 30, tzinfo=UTC)


def organization() -> Organization:
    made = Organization.create(
        id=OrganizationId(UUID(int=2)), name="Harbour Coffee", slug="harbour", default_currency="EUR", now=NOW
    )
    made.pull_events()
    return made


def verbs(subject: Organization) -> list[str]:
    return [recorded.event.verb for recorded in subject.pull_events()]


@pytest.mark.parametrize(
    ("given", "kept"),
    [("pt", "pt"), ("PT-pt", "pt-PT"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("sr-latn", "sr-Latn")],
)
def test_a_locale_has_one_letter_case(given: str, kept: str) -> None:
    """However it was typed."""
    assert OrganizationSettings(locale=given).locale == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, None), ("harbour  coffee", "HARBOUR COFFEE"), (" cafe 24/7", "CAFE 24/7")],
)
def test_a_statement_descriptor_is_written_as_statements_write(given: str | None, kept: str | None) -> None:
    """In capitals and with single spaces."""
    assert OrganizationSettings(statement_descriptor=given).statement_descriptor == kept


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"time_zone": "Mars/Olympus"}, InvalidTimeZone),
        ({"time_zone": "../etc/passwd"}, InvalidTimeZone),
        ({"time_zone": "europe/lisbon"}, InvalidTimeZone),
        ({"time_zone": ""}, InvalidTimeZone),
        ({"locale": "english"}, InvalidLocale),
        ({"locale": "pt_PT"}, InvalidLocale),
        ({"locale": "ſr"}, InvalidLocale),
        ({"support_email": "nobody"}, InvalidEmail),
        ({"statement_descriptor": "1234567"}, InvalidStatementDescriptor),
        ({"statement_descriptor": "SHOP"}, InvalidStatementDescriptor),
        ({"statement_descriptor": "HARBOUR <COFFEE>"}, InvalidStatementDescriptor),
        ({"statement_descriptor": "A" * 23}, InvalidStatementDescriptor),
        ({"order_expiry_minutes": 4}, InvalidOrderExpiry),
        ({"order_expiry_minutes": MAX_EXPIRY_MINUTES + 1}, InvalidOrderExpiry),
    ],
)
def test_settings_are_checked(settings: dict[str, object], error: type[ValidationError]) -> None:
    """What nobody could use is refused by name."""
    with pytest.raises(error):
        OrganizationSettings(**settings)  # type: ignore[arg-type]  # reason: wrong values are the point


def test_settings_change_in_one_event_that_names_them() -> None:
    """Only what differs is named, and what is the same makes no event at all."""
    subject = organization()
    settings = OrganizationSettings(time_zone="Europe/Lisbon", locale="pt-PT")
    for _ in range(2):
        subject.edit(NOW, name=subject.name, default_currency="EUR", settings=settings, metadata={"tier": "b"})
    assert subject.settings == settings
    assert [recorded.event.changed for recorded in subject.pull_events()] == [  # type: ignore[attr-defined]  # reason: an Updated
        ["time_zone", "locale", "metadata"]
    ]


def test_suspending_stops_and_reactivating_starts_again() -> None:
    """Twice is as once, and the reason is gone with the suspension."""
    subject = organization()
    for _ in range(2):
        subject.suspend(NOW, reason="Chargebacks.")
    assert (subject.status, subject.suspended_reason, verbs(subject)) == ("suspended", "Chargebacks.", ["suspended"])
    for _ in range(2):
        subject.reactivate(LATER)
    assert (subject.status, subject.suspended_reason, verbs(subject)) == ("active", None, ["reactivated"])


def test_a_closed_organization_stays_closed() -> None:
    """It is neither suspended nor reactivated any more, and closing again changes nothing."""
    subject = organization()
    for at in (NOW, LATER):
        subject.close(at, slug="harbour", has_open_payments=at is LATER)
    assert (subject.status, subject.closed_at, verbs(subject)) == (OrganizationStatus.CLOSED, NOW, ["closed"])
    with pytest.raises(OrganizationEnded):
        subject.suspend(NOW, reason="Late.")
    with pytest.raises(OrganizationEnded):
        subject.reactivate(NOW)


def test_closing_asks_for_the_slug() -> None:
    """So that the wrong one of two organizations is not closed by a slip."""
    subject = organization()
    with pytest.raises(SlugMismatch):
        subject.close(NOW, slug="harbor", has_open_payments=False)
    assert subject.status is OrganizationStatus.ACTIVE


@pytest.mark.parametrize(
    ("status", "refusal"),
    [("active", None), ("suspended", OrganizationSuspended), ("closed", OrganizationClosed)],
)
def test_every_status_says_whether_credentials_pass(status: str, refusal: type[Forbidden] | None) -> None:
    """Only those of an active organization do."""
    assert status in list(OrganizationStatus)
    if refusal is None:
        refuse_inactive(status)
    else:
        with pytest.raises(refusal):
            refuse_inactive(status)
