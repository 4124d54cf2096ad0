"""What the present work is a consequence of; it travels with the task and not through every signature.

A job runs as a consequence of the request that scheduled it, and a request may be part of somebody else's trace.
The journal reads it when it writes events, and the job table when it takes a job.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

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


def trace_id_of(correlation_id: str) -> str:
    """Return a request's UUID as a W3C trace id; any other text is hashed to one."""
    try:
        trace = UUID(correlation_id).int
    except ValueError:
        trace = 0
    # A trace id of zeros is invalid by the standard.
    return f"{trace:032x}" if trace else hashlib.blake2b(correlation_id.encode(), digest_size=16).hexdigest()


def traceparent_of(event_id: UUID, correlation_id: str, continued: str | None = None) -> str:
    """Return an event's own trace context: in the trace that it continues, or in one that joins what a request caused.

    Its span is called after the event, so that whoever notes the event's making and whoever continues from it agree.
    """
    span = event_id.hex[-16:]
    if continued is not None:
        version, trace, _, flags = continued.split("-")
        return f"{version}-{trace}-{span}-{flags}"
    return f"00-{trace_id_of(correlation_id)}-{span}-01"
