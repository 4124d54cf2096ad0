"""Points in time as text."""

import re
from datetime import UTC, datetime

from domain.shared.errors import ValidationError

# Six decimals are all that a datetime holds; more would be cut silently.
_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)

_FIRST_YEAR, _LAST_YEAR = 2, 9998


class InvalidMoment(ValidationError):
    """The text is no RFC 3339 date and time with an offset."""

    code = "datetime_invalid"
    summary = "Must be an RFC 3339 date and time with an offset and at most 6 decimals, such as 2030-01-31T12:00:00Z."


def parse_moment(text: str) -> datetime:
    """Return the moment in UTC.

    Raises:
        InvalidMoment: naive, a leap second, finer than microseconds, or outside the years 2 to 9998 in UTC.
    """
    if _RFC_3339.fullmatch(text) is None:
        raise InvalidMoment
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidMoment from None
    # The driver takes the first and the last moment there is for minus and plus infinity.
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise InvalidMoment
    return moment
