"""``stoa report performance``, against a real process's exposition over a real socket."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from threading import Thread

import pytest

from infrastructure.observability.metrics import Metrics
from interfaces.cli.performance import quantile
from tests.interfaces.cli.fakes import FakeOperations, invoke


def busy() -> bytes:
    """Return the exposition of a process that has worked."""
    metrics = Metrics()
    for n in range(100):
        metrics.observe_use_case("products.list", "http", "ok", 0.004 if n < 90 else 0.2)
    metrics.observe_use_case("products.get", "http", "not_found", 0.001)
    for sql, seconds in (("SELECT a FROM products", 0.5), ("SELECT b FROM orders", 0.001)):
        tally = metrics.statements.of(sql)
        tally.count, tally.seconds = 1, seconds
    metrics.methods.add("SqlProductRepository", "get", "not_found", 0.002)
    metrics.methods.add("SqlProductRepository", "get", "ok", 0.002)
    metrics.transactions("database", "commit").observe(0.02)
    metrics.set_pool("database", idle=3, in_use=7)
    metrics.observe_published(5, 0.3)
    metrics.observe_job("payments.charge", "provider_unavailable", 0.3)
    return metrics.render()


@pytest.fixture
def process() -> Iterator[str]:
    """Serve metrics, and below ``/other`` something else; return the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer."""
            body = busy() if self.path == "/metrics" else b"up 1\n"
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_report_says_what_took_the_time(process: str) -> None:
    """Each section begins with what matters most; percentiles come from the buckets and failures from the codes."""
    result = invoke(FakeOperations(), "report", "performance", "--url", process, "-o", "json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    first, second = told["use_cases"]
    assert (first["use_case"], first["calls"], first["errors"]) == ("products.list", 100, 0)
    assert first["p50_us"] < 5_000
    assert 100_000 < first["p95_us"] <= first["p99_us"] <= 250_000
    assert (second["use_case"], second["calls"], second["errors"]) == ("products.get", 1, 1)
    assert [row["statement"] for row in told["statements"]] == ["select products", "select orders"]
    assert told["statements"][0]["mean_us"] == 500_000
    [method] = told["repositories"]
    assert (method["method"], method["calls"], method["failures"], method["mean_us"]) == ("get", 2, 1, 2_000)
    assert {row["of"]: row["value"] for row in told["pool"]}["pool=database state=in_use"] == "7"
    assert told["outbox"][0]["published"] == 5
    assert told["outbox"][0]["lag_p99_us"] > 100_000
    assert (told["jobs"][0]["job"], told["jobs"][0]["failures"]) == ("payments.charge", 1)
    assert told["transactions"][0]["end"] == "commit"


def test_a_person_gets_tables(process: str) -> None:
    """One for each section, at most as many rows as asked for; where they are about is no data."""
    result = invoke(FakeOperations(), "report", "performance", "--url", process, "-o", "table", "--limit", "1")
    assert result.exit_code == 0
    assert "products.list" in result.stdout
    assert "products.get" not in result.stdout
    assert "Use cases" in result.stderr


@pytest.mark.parametrize(("path", "code"), [("/other", 6), ("", 0)])
def test_what_is_not_stoa_is_unavailable(process: str, path: str, code: int) -> None:
    """Something else that answers there is no report of zeros."""
    assert invoke(FakeOperations(), "report", "performance", "--url", process + path).exit_code == code


@pytest.mark.parametrize(("url", "code"), [("http://127.0.0.1:9", 6), ("ftp://127.0.0.1", 2), ("nonsense", 2)])
def test_nobody_there_is_unavailable_and_no_address_is_usage(url: str, code: int) -> None:
    """One line on standard error, and nothing on standard output."""
    result = invoke(FakeOperations(), "report", "performance", "--url", url)
    assert (result.exit_code, result.stdout) == (code, "")
    assert "Error" in result.stderr


def test_the_process_of_these_settings_is_the_default(process: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it listens is said by the settings that it was started with."""
    monkeypatch.setenv("STOA_HOST", "0.0.0.0")  # noqa: S104 - nobody listens, it is where not to connect to
    monkeypatch.setenv("STOA_PORT", process.rpartition(":")[2])
    assert invoke(FakeOperations(), "report", "performance").exit_code == 0


@pytest.mark.parametrize(
    ("buckets", "share", "found"),
    [
        ([(1.0, 10.0), (2.0, 20.0), (inf, 20.0)], 0.5, 1.0),
        ([(1.0, 10.0), (2.0, 20.0), (inf, 20.0)], 0.75, 1.5),
        ([(1.0, 0.0), (inf, 4.0)], 0.99, 1.0),
        ([(1.0, 0.0), (inf, 0.0)], 0.5, None),
        ([], 0.5, None),
    ],
)
def test_a_percentile_is_what_prometheus_would_say(
    buckets: list[tuple[float, float]], share: float, found: float | None
) -> None:
    """Evenly spread within a bucket, its lower bound where there is no upper one, and nothing from nothing."""
    assert quantile(buckets, share) == found
