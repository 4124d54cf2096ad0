"""What the present work is a consequence of; it travels with the task and not through every signature.

A job runs as a consequence of the request that scheduled it, and a request may be part of somebody else's trace.
The journal reads it when it writes events, and the job table when it takes a job.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from domain.shared.ids import EventId


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Where the present work comes from; each part is None when there is no such thing.

    Attributes:
        correlation_id: the request id that everything caused by one request shares.
        causation_id: the event that this is a consequence of.
        traceparent: a W3C trace context to continue.
    """

    correlation_id: str | None = None
    causation_id: EventId | None = None
    traceparent: str | None = None


_NONE = Cause()
_cause: ContextVar[Cause] = ContextVar("stoa_cause", default=_NONE)


def present_cause() -> Cause:
    """Return what the running task is a consequence of."""
    return _cause.get()


def begin(cause: Cause) -> None:
    """Say it for the rest of the running task, as a server does at the beginning of a request."""
    _cause.set(cause)


@contextmanager
def caused_by(cause: Cause) -> Iterator[None]:
    """Say it for the length of a block."""
    token = _cause.set(cause)
    try:
        yield
    finally:
        _cause.reset(token)
