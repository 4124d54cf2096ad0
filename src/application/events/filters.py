"""Event filters that name something that exists; a misspelt one would wait for ever."""

from collections.abc import Iterable

from application.events.catalogue import event_types, kinds
from domain.webhooks.event_filters import EVERYTHING, InvalidEventFilter


def known_filter(text: str, *, path: str = "events") -> str:
    """Return the filter: ``*``, ``kind.*`` or a published type.

    Raises:
        InvalidEventFilter: there is no such kind or type.
    """
    kind, _, verb = text.partition(".")
    if text == EVERYTHING or text in event_types() or (verb == "*" and kind in kinds()):
        return text
    raise InvalidEventFilter(path=path)


def known_filters(filters: Iterable[str]) -> list[str]:
    """Return all of them, when all are known."""
    return [known_filter(each) for each in filters]
