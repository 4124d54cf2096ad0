"""Which events an endpoint wants: ``*``, all of a kind (``customer.*``) or one type (``customer.created``)."""

import re
from collections.abc import Iterable

from domain.shared.errors import ValidationError

MOST = 100
EVERYTHING = "*"
_FILTER = re.compile(r"\*|[a-z][a-z0-9_]{0,39}\.(?:\*|[a-z][a-z0-9_]{0,39})")


class InvalidEventFilter(ValidationError):
    """Not ``*``, ``kind.*`` or the type of an event that exists."""

    code = "event_filter_invalid"
    summary = "An event filter is *, a kind followed by .*, or the type of an event that exists."


def check_filters(filters: Iterable[str]) -> list[str]:
    """Return the filters sorted and without repetitions; ``*`` alone says what it says with others beside it.

    Raises:
        InvalidEventFilter: one is malformed, or there is none.
    """
    wanted = sorted(set(filters))
    if not 0 < len(wanted) <= MOST or any(_FILTER.fullmatch(each) is None for each in wanted):
        raise InvalidEventFilter(path="events")
    return [EVERYTHING] if EVERYTHING in wanted else wanted


def matches(filters: Iterable[str], event_type: str) -> bool:
    """Say whether an event of this type is wanted; the relay asks the same question in SQL."""
    kind = event_type.partition(".")[0]
    return not {EVERYTHING, f"{kind}.*", event_type}.isdisjoint(filters)
