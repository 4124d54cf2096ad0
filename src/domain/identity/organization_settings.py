"""How an organization works: a small set of choices, each with one canonical form."""

import re
import zoneinfo
from functools import cache

from attrs import field, frozen

from domain.shared.errors import ValidationError
from domain.shared.text import check_email

MIN_EXPIRY_MINUTES = 5
MAX_EXPIRY_MINUTES = 60 * 24 * 30

_LOCALE = re.compile(r"(?P<language>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|\d{3}))?")
_DESCRIPTOR = re.compile(r"[A-Z0-9 .,&/+-]{5,22}")


class InvalidTimeZone(ValidationError):
    """The text names no time zone of the IANA database."""

    code = "time_zone_invalid"
    summary = "A time zone is a name of the IANA database such as Europe/Lisbon."


class InvalidLocale(ValidationError):
    """The text is no language tag."""

    code = "locale_invalid"
    summary = "A locale is a language tag such as en, pt-PT or zh-Hant-TW."


class InvalidStatementDescriptor(ValidationError):
    """The text cannot stand on a card statement."""

    code = "statement_descriptor_invalid"
    summary = (
        "A statement descriptor has 5 to 22 letters A-Z, digits, spaces and . , & / + -, with at least one letter."
    )


class InvalidOrderExpiry(ValidationError):
    """Orders cannot stay open for that long, or for that short a time."""

    code = "order_expiry_invalid"
    summary = f"Orders stay open for {MIN_EXPIRY_MINUTES} to {MAX_EXPIRY_MINUTES} minutes."


@cache
def _time_zones() -> frozenset[str]:
    """Read the names once: the database is hundreds of small files."""
    return frozenset(zoneinfo.available_timezones())


def check_time_zone(value: str) -> str:
    """Return the name of a time zone as the IANA database writes it.

    Raises:
        InvalidTimeZone: the database has no such name.
    """
    if value not in _time_zones():
        raise InvalidTimeZone(path="time_zone")
    return value


def check_locale(value: str) -> str:
    """Return a language tag in its usual letter case: ``pt-PT``, ``zh-Hant-TW``.

    Raises:
        InvalidLocale: it is no language with an optional script and region.
    """
    found = _LOCALE.fullmatch(value.lower()) if value.isascii() else None
    if found is None:
        raise InvalidLocale(path="locale")
    script, region = found["script"], found["region"]
    return "-".join(part for part in (found["language"], script and script.title(), region and region.upper()) if part)


def check_statement_descriptor(value: str | None) -> str | None:
    """Return what buyers will read on their statement, in upper case and with single spaces.

    Raises:
        InvalidStatementDescriptor: networks would refuse it.
    """
    if value is None:
        return None
    descriptor = re.sub(" +", " ", value.upper()).strip(" ")
    if _DESCRIPTOR.fullmatch(descriptor) is None or not re.search("[A-Z]", descriptor):
        raise InvalidStatementDescriptor(path="statement_descriptor")
    return descriptor


def _check_support_email(value: str | None) -> str | None:
    return None if value is None else check_email(value)


def _check_order_expiry(value: int) -> int:
    if not MIN_EXPIRY_MINUTES <= value <= MAX_EXPIRY_MINUTES:
        raise InvalidOrderExpiry(path="order_expiry_minutes")
    return value


@frozen(kw_only=True)
class OrganizationSettings:
    """Choices in canonical form.

    Attributes:
        time_zone: whose midnight ends the organization's days, a name of the IANA database.
        locale: the language tag of pages and mails.
        support_email: where buyers write to; None shows no address.
        statement_descriptor: what buyers read on their card statement; None leaves it to the provider.
        order_expiry_minutes: how long an order waits for its payment.

    Raises:
        InvalidTimeZone, InvalidLocale, InvalidEmail, InvalidStatementDescriptor, InvalidOrderExpiry: by field.
    """

    time_zone: str = field(default="UTC", converter=check_time_zone)
    locale: str = field(default="en", converter=check_locale)
    support_email: str | None = field(default=None, converter=_check_support_email)
    statement_descriptor: str | None = field(default=None, converter=check_statement_descriptor)
    order_expiry_minutes: int = field(default=60 * 24, converter=_check_order_expiry)
