"""A collector of spans: a real HTTP server that takes OTLP, and what it was told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One span, as it went over the wire."""

    name: str
    kind: int
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    failed: bool
    attributes: Mapping[str, str | int | bool]


@dataclass(slots=True)
class Collector:
    """What came in."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Keep one request."""
        assert path == "/v1/traces"
        with self.lock:
            self.bodies.append(body)
            self.headers.append(headers)

    @property
    def spans(self) -> list[Seen]:
        """Return every span."""
        found = []
        for body in self.bodies:
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    found += [_seen(span) for span in scope.spans]
        return found

    def named(self, name: str) -> Seen:
        """Return the only span of a name."""
        [span] = [span for span in self.spans if span.name == name]
        return span

    def below(self, parent: Seen) -> list[Seen]:
        """Return the spans right below another one."""
        return [span for span in self.spans if span.parent == parent.id]


def _seen(span: object) -> Seen:
    # reason: the generated message classes carry no types.
    given = {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}  # type: ignore[attr-defined]
    return Seen(
        name=span.name, kind=span.kind, trace=span.trace_id.hex(), id=span.span_id.hex(),  # type: ignore[attr-defined]
        parent=span.parent_span_id.hex(), links=tuple(link.span_id.hex() for link in span.links),  # type: ignore[attr-defined]
        failed=span.status.code == 2, attributes=given,  # type: ignore[attr-defined]
    )  # fmt: skip


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector on a port of its own."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take spans."""
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
