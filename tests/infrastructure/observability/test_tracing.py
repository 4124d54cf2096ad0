"""One trace from the request to the last worker, over a real collector; and without one, nothing at all."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from application.kernel.causality import Cause, caused_by, present_cause, traceparent_of
from domain.shared.errors import NotFound, Unavailable
from infrastructure.events.publishers import InMemoryEventPublisher
from infrastructure.observability.otel import open_spans
from infrastructure.observability.spans import NO_SPANS, Kind
from infrastructure.settings import load_settings
from infrastructure.settings_rules import SettingsError
from infrastructure.settings_tracing import destination
from tests.support.collector import Collector, collecting
from tests.support.databases import TestDatabases
from tests.support.system import System, open_system

ROOT = Path(__file__).resolve().parents[3]
THEIRS = "4bf92f3577b34da6a3ce929d0e0e4736"
NAME, EMAIL = "Canary Mara Lind", "canary-mara@example.org"
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5


@pytest.fixture(scope="module")
async def purchase(
    test_databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[System, Collector, UUID]]:
    """Have a customer's identity checked over HTTP, by the worker, twice: once within somebody else's trace."""
    request = uuid4()
    with collecting() as collector:
        folder = tmp_path_factory.mktemp("traced")
        async with open_system(
            test_databases.postgres(), folder, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url
        ) as system:  # fmt: skip
            post = system.client.post
            for headers in ({"x-request-id": str(request)}, {"traceparent": f"00-{THEIRS}-00f067aa0ba902b7-01"}):
                given = {"name": NAME, "email": f"{uuid4().hex}-{EMAIL}", "country": "FR"}
                customer = (await post("/v1/customers", json=given)).json()["id"]
                started = await post(f"/v1/customers/{customer}/kyc/start", json={}, headers=headers)
                assert started.is_success, started.text
            assert await system.work() == 2
            system.container.spans().close()
            yield system, collector, request


def published(system: System, event_type: str) -> list[dict[str, object]]:
    """Return what was published of a type, oldest first, with the trace context that went along."""
    publisher = system.container.publisher()
    assert isinstance(publisher, InMemoryEventPublisher)
    return [{**json.loads(e.payload), "traceparent": e.traceparent} for e in publisher.of_type(event_type)]


def test_a_request_is_the_root_of_everything_that_it_caused(
    purchase: tuple[System, Collector, UUID],
) -> None:
    """Request, use-case, statements, event, job and the job's use-case are one trace, each below what caused it."""
    _, collector, request = purchase
    spans = {span.name: span for span in collector.spans if span.trace == request.hex}
    http, use_case = spans["POST /v1/customers/{id}/kyc/start"], spans["customers.start_kyc"]
    assert (http.kind, http.parent, http.attributes["http.response.status_code"]) == (SERVER, "", 200)
    assert use_case.parent == http.id
    below = {span.name for span in collector.below(use_case)}
    assert {"select customers", "transaction commit"} <= below
    [made] = [span for span in collector.below(use_case) if span.kind == PRODUCER]
    assert made.name.startswith("create customer.kyc_")
    job = spans["job customers.check_kyc"]
    assert (job.kind, job.parent) == (CONSUMER, made.id)
    assert [span.name for span in collector.below(job) if span.attributes.get("stoa.use_case")]
    statements = [span for span in spans.values() if "stoa.statement.fingerprint" in span.attributes]
    assert {span.kind for span in statements} == {CLIENT}
    assert statements[0].attributes["db.system.name"] == "postgresql"


def test_events_and_the_worker_continue_what_came_in(purchase: tuple[System, Collector, UUID]) -> None:
    """A caller's trace goes on through the event, its headers' context and the job; correlation and cause are kept."""
    system, collector, request = purchase
    assert {span.name for span in collector.spans if span.trace == THEIRS} >= {
        "POST /v1/customers/{id}/kyc/start", "customers.start_kyc", "job customers.check_kyc",
    }  # fmt: skip
    [entry] = [span for span in collector.spans if span.trace == THEIRS and span.kind == SERVER]
    assert entry.parent == "00f067aa0ba902b7"
    [started] = [span for span in collector.spans if span.trace == request.hex and span.kind == PRODUCER][:1]
    kind = started.name.removeprefix("create ")
    first = next(event for event in published(system, kind) if event["correlation_id"] == str(request))
    assert first["traceparent"] == f"00-{request.hex}-{started.id}-01"
    later = [
        event
        for verb in ("customer.kyc_updated", "customer.updated", kind)
        for event in published(system, verb)
        if event["causation_id"] == first["event_id"]
    ]
    assert later
    assert {event["correlation_id"] for event in later} == {str(request)}
    assert {str(event["traceparent"]).split("-")[1] for event in later} == {request.hex}


def test_publishing_names_every_event_of_a_batch(purchase: tuple[System, Collector, UUID]) -> None:
    """The relay's span links to the making of the events that it hands to the broker."""
    _, collector, _ = purchase
    made = {span.id for span in collector.spans if span.kind == PRODUCER and span.name.startswith("create ")}
    linked = {link for span in collector.spans if span.name == "publish events" for link in span.links}
    assert made
    assert made <= linked


def test_no_span_holds_what_was_typed(purchase: tuple[System, Collector, UUID]) -> None:
    """Neither names nor addresses nor the key are in anything that went to the collector, and ids in no name."""
    system, collector, _ = purchase
    sent = b"".join(collector.bodies)
    assert [canary for canary in (NAME, EMAIL, system.key) if canary.encode() in sent] == []
    assert [span.name for span in collector.spans if "cus_" in span.name] == []
    assert b"customers.start_kyc" in sent


def test_what_went_wrong_is_its_code() -> None:
    """A refusal is no failure of ours; a failure is one, and neither says more than its code."""
    with collecting() as collector:
        spans = open_spans(collector.url, {"Authorization": "token"})
        for error in (NotFound("what-was-typed"), Unavailable(what="was-typed"), ValueError("what-was-typed")):
            with pytest.raises(type(error)), spans.around("work", Kind.INTERNAL):
                raise error
        spans.close()
    told = [(span.attributes["error.type"], span.failed) for span in collector.spans]
    assert told == [("not_found", False), ("unavailable", True), ("ValueError", True)]
    assert b"was-typed" not in b"".join(collector.bodies)
    assert {headers["authorization"] for headers in collector.headers} == {"token"}


def test_an_absent_collector_keeps_nobody() -> None:
    """Work goes on, and so does the end of the process."""
    spans = open_spans("http://127.0.0.1:9", {})
    with spans.around("work", Kind.INTERNAL, cause=Cause(correlation_id=str(uuid4()))) as mark:
        mark("done", True)
        assert present_cause().traceparent is not None
    spans.close()


def test_without_spans_a_cause_is_passed_on_all_the_same() -> None:
    """Events need to know what they are a consequence of, whether anybody traces or not."""
    cause = Cause(correlation_id="r", traceparent=traceparent_of(uuid4(), "r"))
    with NO_SPANS.around("job", Kind.CONSUMER, cause=cause) as mark:
        mark("any", 1)
        assert present_cause() == cause
    with caused_by(cause), NO_SPANS.around("work", Kind.INTERNAL):
        assert present_cause() == cause


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ({}, None),
        ({"LOGFIRE_TOKEN": "pylf_v1_eu_abc"}, "https://logfire-eu.pydantic.dev"),
        ({"LOGFIRE_TOKEN": "an-older-token"}, "https://logfire-api.pydantic.dev"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, "http://collector:4318"),
    ],
)
def test_a_token_or_an_address_says_where_spans_go(given: dict[str, str], endpoint: str | None) -> None:
    """Neither is the default, and then they go nowhere; the token is in a header, never in an address."""
    found = destination(load_settings(given))
    assert (None if found is None else found.endpoint) == endpoint
    assert found is None or dict(found.headers) in ({}, {"Authorization": given.get("LOGFIRE_TOKEN")})


@pytest.mark.parametrize(
    "given",
    [
        {"LOGFIRE_TOKEN": "t", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:hunter2@collector:4318"},
    ],
)
def test_a_contradiction_about_tracing_stops_the_start(given: dict[str, str]) -> None:
    """Two places, no address, or a secret in one: the line names the setting and repeats no value."""
    with pytest.raises(SettingsError, match=r"^OTEL_EXPORTER_OTLP_ENDPOINT: ") as refused:
        load_settings(given)
    assert "hunter2" not in str(refused.value)


PROGRAM = """
import sys
if sys.argv[1] == "uninstalled":
    sys.modules["opentelemetry.sdk"] = None
from infrastructure.container import Container
from infrastructure.locations import locate
from infrastructure.settings import load_settings
from infrastructure.settings_rules import SettingsError
import interfaces.http.main

given = {"STOA_DATABASE_URL": "sqlite:///x.db"}
if sys.argv[1] != "off":
    given["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
settings = load_settings(given)
container = Container(settings=settings, locations=locate(settings))
container.dispatcher(), container.jobs(), container.relay()
heavy = ("opentelemetry.sdk", "opentelemetry.exporter", "google.protobuf", "logfire")
print([name for name in sys.modules if name.startswith(heavy) and sys.modules[name] is not None][:3])
"""


def run(how: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Build everything in a process of its own."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("STOA_", "PG", "OTEL_"))}
    environment["PYTHONPATH"] = str(ROOT / "src")
    command = [sys.executable, "-c", PROGRAM, how]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_without_a_place_for_spans_nothing_of_tracing_is_imported(tmp_path: Path) -> None:
    """The SDK costs a start a fifth of a second, which only those pay who use it; the same look finds it there."""
    assert run("off", tmp_path).stdout == "[]\n"
    assert "opentelemetry" in run("on", tmp_path).stdout


def test_without_the_extra_a_place_for_spans_stops_the_start(tmp_path: Path) -> None:
    """Whoever wants spans and has not installed what sends them is told at once, and by the setting's name."""
    done = run("uninstalled", tmp_path)
    assert done.returncode != 0
    assert "OTEL_EXPORTER_OTLP_ENDPOINT: needs the extra `tracing`" in done.stderr
