"""What tracing is told. Without a place to send spans nothing of OpenTelemetry's SDK is even imported.

A span's context travels in the present ``Cause``, as a W3C trace context: across tasks with the task, and across the
outbox, the broker and the job table as text. So whoever continues a trace needs no library for it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import Enum
from typing import ClassVar
from uuid import UUID

from starlette.types import Scope

from application.kernel.causality import Cause, begin, caused_by

type Value = str | int | bool
type Facts = Mapping[str, Value]
type Mark = Callable[[str, Value], None]
"""Adds an attribute to the open span: names, codes, counts and ids, never what somebody typed."""


NO_FACTS: Facts = {}


class Kind(Enum):
    """What a span is to its trace."""

    INTERNAL = "internal"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class Spans(ABC):
    """Opens spans around work, and notes what is over already."""

    is_on: ClassVar[bool]

    @abstractmethod
    def request(self, scope: Scope, request_id: str, traceparent: str | None) -> AbstractContextManager[object]:
        """Open the span of an HTTP request; one that comes with no trace has its request id for one."""

    @abstractmethod
    def around(
        self, name: str, kind: Kind, facts: Facts = NO_FACTS, *, cause: Cause | None = None,
        correlation_id: str | None = None, links: Sequence[str | None] = (),
    ) -> AbstractContextManager[Mark]:  # fmt: skip
        """Open a span below the present one, or below that of ``cause``, whose consequence the block is then.

        Args:
            name: from a fixed set.
            kind: what the span is.
            facts: its attributes, as with ``Mark``.
            cause: what the work is a consequence of, if it is not that of the present task.
            correlation_id: what a new trace is named after where there is none to continue.
            links: trace contexts of what is worked on together.
        """

    @abstractmethod
    def past(self, name: str, kind: Kind, seconds: float, facts: Facts = NO_FACTS, *, failed: bool = False) -> None:
        """Note what has just ended, below the present span; outside of any it is not noted."""

    @abstractmethod
    def event(self, event_id: UUID, event_type: str, traceparent: str) -> None:
        """Note that an event came to be, as the span that its own trace context names."""

    @abstractmethod
    def close(self) -> None:
        """Send what is left, within seconds."""


def _unmarked(name: str, value: Value) -> None:
    """Take no note."""


@contextmanager
def _caused(cause: Cause) -> Iterator[Mark]:
    with caused_by(cause):
        yield _unmarked


class NoSpans(Spans):
    """Keeps track of causes, which events need, and of nothing else."""

    is_on = False

    def request(self, scope: Scope, request_id: str, traceparent: str | None) -> AbstractContextManager[object]:  # noqa: ARG002 - the port's signature
        begin(Cause(traceparent=traceparent))
        return _NOTHING

    def around(
        self, name: str, kind: Kind, facts: Facts = NO_FACTS, *, cause: Cause | None = None,  # noqa: ARG002 - the port's signature
        correlation_id: str | None = None, links: Sequence[str | None] = (),  # noqa: ARG002 - the port's signature
    ) -> AbstractContextManager[Mark]:  # fmt: skip
        return _UNMARKED if cause is None else _caused(cause)

    def past(self, name: str, kind: Kind, seconds: float, facts: Facts = NO_FACTS, *, failed: bool = False) -> None:
        """Note nothing."""

    def event(self, event_id: UUID, event_type: str, traceparent: str) -> None:
        """Note nothing."""

    def close(self) -> None:
        """Have nothing to send."""


_NOTHING: AbstractContextManager[None] = nullcontext()
_UNMARKED: AbstractContextManager[Mark] = nullcontext(_unmarked)
NO_SPANS = NoSpans()
