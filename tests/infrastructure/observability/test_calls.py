"""The line of every call: what it says, and at which level somebody reads it."""

import pytest
from structlog.testing import capture_logs

from infrastructure.observability.calls import Calls
from infrastructure.observability.metrics import Metrics
from infrastructure.observability.watch import SLOW_SECONDS


@pytest.mark.parametrize(
    ("code", "seconds", "event", "level"),
    [
        ("ok", 0.0123, "call", "debug"),
        ("not_found", 0.0123, "call", "debug"),
        ("ok", SLOW_SECONDS - 0.001, "call", "debug"),
        ("ok", SLOW_SECONDS, "call_slow", "warning"),
        ("version_stale", 2.5, "call_slow", "warning"),
        ("internal", 0.0123, "call_failed", "error"),
        ("internal_error", 2.5, "call_failed", "error"),
    ],
)
def test_a_call_is_one_line(code: str, seconds: float, event: str, level: str) -> None:
    """Use-case, face, code and milliseconds; slow ones warn, and our own failures are errors however long they took."""
    with capture_logs() as lines:
        Calls(Metrics()).observe("products.create", "http", code, seconds)
    assert lines == [
        {
            "event": event,
            "log_level": level,
            "use_case": "products.create",
            "face": "http",
            "code": code,
            "ms": round(seconds * 1000, 1),
        }
    ]


def test_slow_is_a_second() -> None:
    """What is called slow is longer than any answer a person waits for gladly."""
    assert SLOW_SECONDS == 1.0


def test_a_call_is_counted_whatever_its_line_says() -> None:
    """The metric stands for calls of every level."""
    metrics = Metrics()
    calls = Calls(metrics)
    with capture_logs():
        for code, seconds in (("ok", 0.01), ("ok", 3.0), ("internal", 0.01)):
            calls.observe("products.create", "mcp", code, seconds)
    shown = metrics.render().decode()
    counted = [line for line in shown.splitlines() if "products.create" in line and "_count" in line]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in counted) == 3
