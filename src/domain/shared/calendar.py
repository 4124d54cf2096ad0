"""Days as people in a time zone count them, and the moments at which they begin.

A day is the time between two beginnings, so the days of a zone neither overlap nor leave a gap: one at which the clock
is put forward has 23 hours, one at which it is put back has 25, and a day that a zone leaves out is empty.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.shared.errors import ValidationError


class InvalidTimeZone(ValidationError):
    """The name is in no time zone database."""

    code = "time_zone_invalid"
    summary = "The time zone must be an IANA name such as Europe/Berlin."


class InvalidDate(ValidationError):
    """The text is no date."""

    code = "date_invalid"
    summary = "A date is written YYYY-MM-DD."


def check_zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name.

    Raises:
        InvalidTimeZone: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # Names such as "../x", "Europe" or one with a NUL fail in ways of their own.
        raise InvalidTimeZone(path="time_zone") from None


def check_date(text: str, path: str) -> date:
    """Return the date of an ISO text of ten characters; ``path`` names the field in the error.

    Raises:
        InvalidDate: it is none, or its neighbours lie outside of the calendar.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidDate(path=path) from None
    # Python also reads weeks and dates without hyphens.
    if day.isoformat() != text or not date.min + _MARGIN <= day <= date.max - _MARGIN:
        raise InvalidDate(path=path)
    return day


_MARGIN = timedelta(days=367)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day, in UTC.

    A midnight that the clock jumps over is the moment of the jump; of a midnight that comes twice it is the first.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when a day begins and when the next one does."""
    return day_start(day, zone), day_start(day + timedelta(days=1), zone)


def days_between(first: date, last: date) -> Sequence[date]:
    """Return every day from the first to the last, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
