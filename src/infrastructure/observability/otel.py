"""Spans by OpenTelemetry. Imported only where they have somewhere to go: the SDK costs every start a fifth of a second.

Nothing that was typed, sent or stored is in a span: names come from our own declarations, attributes are ids, codes
and counts, and of a failure there is its code, never its text.
"""

import logging
import re
import threading
from asyncio import CancelledError
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from os import environ
from time import time_ns
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags
from starlette.types import Scope

from application.kernel.causality import Cause, caused_by, present_cause, trace_id_of
from domain.shared.errors import StoaError, Unavailable
from infrastructure.observability.spans import NO_FACTS, Facts, Kind, Mark, Spans, Value

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_MOST_LINKS = 128
_SEND_SECONDS, _FAREWELL_SECONDS = 3.0, 2.0
_KINDS = {kind: SpanKind[kind.name] for kind in Kind}


class GivenIds(IdGenerator):
    """Random ids, but for a trace that is to be called after a request and a span after an event."""

    def __init__(self) -> None:
        """Begin with random ones."""
        self._random = RandomIdGenerator()
        self._trace: ContextVar[int | None] = ContextVar("stoa_next_trace", default=None)
        self._span: ContextVar[int | None] = ContextVar("stoa_next_span", default=None)

    @contextmanager
    def named(self, trace_id: str | None = None, span_id: str | None = None) -> Iterator[None]:
        """Give these ids for the length of a block."""
        trace_token = self._trace.set(int(trace_id, 16) if trace_id else None)
        span_token = self._span.set(int(span_id, 16) if span_id else None)
        try:
            yield
        finally:
            self._trace.reset(trace_token)
            self._span.reset(span_token)

    def generate_trace_id(self) -> int:
        return self._trace.get() or self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        return self._span.get() or self._random.generate_span_id()


class OtelSpans(Spans):
    """Spans of the SDK, whose context is our own ``Cause``."""

    is_on = True

    def __init__(self, processor: SpanProcessor) -> None:
        """Hand finished spans to ``processor``."""
        self._ids = GivenIds()
        resource = Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME", "stoa")})
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("stoa")

    @contextmanager
    def request(self, scope: Scope, request_id: str, traceparent: str | None) -> Iterator[None]:
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        attributes: dict[str, Value] = {"http.request.method": method, "stoa.request_id": request_id}
        span = self._start(method, SpanKind.SERVER, Cause(traceparent=traceparent), request_id, facts=attributes)
        with self._open(span, Cause(traceparent=traceparent)):
            yield
            state = scope["state"]
            if "route" in state:
                span.update_name(f"{method} {state['route']}")
                span.set_attribute("http.route", state["route"])
            if "status" in state:
                span.set_attribute("http.response.status_code", state["status"])
                if state["status"] >= 500:
                    span.set_status(StatusCode.ERROR)

    def around(
        self, name: str, kind: Kind, facts: Facts = NO_FACTS, *, cause: Cause | None = None,
        correlation_id: str | None = None, links: Sequence[str | None] = (),
    ) -> AbstractContextManager[Mark]:  # fmt: skip
        cause = cause or present_cause()
        linked = [Link(context) for text in links[:_MOST_LINKS] if (context := _context(text)) is not None]
        return self._open(self._start(name, _KINDS[kind], cause, correlation_id, facts=facts, links=linked), cause)

    def past(self, name: str, kind: Kind, seconds: float, facts: Facts = NO_FACTS, *, failed: bool = False) -> None:
        parent = _context(present_cause().traceparent)
        if parent is None:
            return
        ended = time_ns()
        began = ended - int(seconds * 1e9)
        span = self._tracer.start_span(name, _below(parent), _KINDS[kind], facts, start_time=began)
        if failed:
            span.set_status(StatusCode.ERROR)
        span.end(ended)

    def event(self, event_id: UUID, event_type: str, traceparent: str) -> None:
        context, parent = _context(traceparent), _context(present_cause().traceparent)
        if context is None or parent is None or context.trace_id != parent.trace_id:
            return
        attributes = {"messaging.operation.name": "create", "messaging.message.id": str(event_id)}
        with self._ids.named(span_id=traceparent.split("-")[2]):
            self._tracer.start_span(f"create {event_type}", _below(parent), SpanKind.PRODUCER, attributes).end()

    def close(self) -> None:
        """Send what is left; a collector that is away is not waited for."""
        self._provider.shutdown()

    def _start(
        self, name: str, kind: SpanKind, cause: Cause, correlation_id: str | None, *, facts: Facts,
        links: Sequence[Link] = (),
    ) -> Span:  # fmt: skip
        parent = _context(cause.traceparent)
        if parent is not None:
            return self._tracer.start_span(name, _below(parent), kind, facts, links)
        called = cause.correlation_id or correlation_id
        with self._ids.named(trace_id=None if called is None else trace_id_of(called)):
            return self._tracer.start_span(name, Context(), kind, facts, links)

    @contextmanager
    def _open(self, span: Span, cause: Cause) -> Iterator[Mark]:
        """Make the block a consequence of the span, and end it with the code of what went wrong."""
        try:
            with caused_by(replace(cause, traceparent=_traceparent(span.get_span_context()))):
                yield span.set_attribute
        except BaseException as error:
            span.set_attribute("error.type", _code(error))
            if isinstance(error, Unavailable) or not isinstance(error, StoaError | CancelledError):
                span.set_status(StatusCode.ERROR)
            raise
        finally:
            span.end()


class _Farewell(BatchSpanProcessor):
    """Sends what is left at the end, but keeps nobody waiting for a collector that does not answer."""

    def __init__(self, exporter: SpanExporter) -> None:
        super().__init__(exporter)
        self._exporter = exporter

    def shutdown(self) -> None:
        limit = threading.Timer(_FAREWELL_SECONDS, self._exporter.shutdown)
        limit.daemon = True
        limit.start()
        with suppress(Exception):
            super().shutdown()  # type: ignore[no-untyped-call]  # reason: the library has not annotated it
        limit.cancel()


def open_spans(endpoint: str, headers: Mapping[str, str]) -> OtelSpans:
    """Send spans by OTLP over HTTP to the traces' address below an endpoint."""
    # Says of every single try that it failed; that batches are lost is said as an error.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    address = f"{endpoint.rstrip('/')}/v1/traces"
    exporter = OTLPSpanExporter(endpoint=address, headers=dict(headers) or None, timeout=_SEND_SECONDS)
    return OtelSpans(_Farewell(exporter))


def _context(traceparent: str | None) -> SpanContext | None:
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if found is None:
        return None
    return SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=TraceFlags(int(found[3], 16)))


def _below(parent: SpanContext) -> Context:
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())


def _traceparent(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _code(error: BaseException) -> str:
    return error.code if isinstance(error, StoaError) else type(error).__name__
