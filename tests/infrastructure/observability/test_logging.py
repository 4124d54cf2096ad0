"""The log: one safe line per record, whoever writes it."""

import json
import logging
import warnings
from collections.abc import Iterator
from io import StringIO
from uuid import UUID

import pytest
import structlog

from application.kernel.causality import Cause, caused_by, trace_id_of
from infrastructure.observability.logging import configure_logging
from infrastructure.security.redaction import REDACTED


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave logging as it was found."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def log() -> StringIO:
    """What a production process writes."""
    stream = StringIO()
    configure_logging("info", json=True, stream=stream)
    return stream


@pytest.fixture
def console() -> StringIO:
    """What a developer sees."""
    stream = StringIO()
    configure_logging("info", json=False, stream=stream)
    return stream


def fail(message: str) -> None:
    raise RuntimeError(message)


def records(stream: StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_carries_its_context(log: StringIO) -> None:
    """What is bound once for a request is in each of its records."""
    structlog.contextvars.bind_contextvars(request_id="r1")
    structlog.get_logger("stoa.test").info("order_paid", order=UUID(int=1), amount=1250)
    [record] = records(log)
    assert str(record.pop("timestamp")).endswith("Z")
    assert record == {
        "event": "order_paid",
        "logger": "stoa.test",
        "level": "info",
        "request_id": "r1",
        "trace_id": trace_id_of("r1"),
        "order": str(UUID(int=1)),
        "amount": 1250,
    }


@pytest.mark.parametrize(
    "name", ["uvicorn", "uvicorn.error", "uvicorn.access", "sqlalchemy.pool", "alembic.runtime", "x"]
)
def test_libraries_write_the_same_log(log: StringIO, name: str) -> None:
    """The standard library's records become structured once, with handlers of their own taken away."""
    logging.getLogger(name).warning("took %d ms", 5, extra={"color_message": "\x1b[1mred", "password": "hunter2"})
    [record] = records(log)
    assert (record["event"], record["logger"], record["level"]) == ("took 5 ms", name, "warning")
    assert record["password"] == REDACTED
    assert "color_message" not in record


@pytest.mark.parametrize("stream", ["log", "console"])
def test_secrets_never_reach_the_log(request: pytest.FixtureRequest, stream: str) -> None:
    """By name, by shape, in messages, in context and in tracebacks, from us and from libraries."""
    out: StringIO = request.getfixturevalue(stream)
    structlog.contextvars.bind_contextvars(authorization="Bearer hunter2")
    logger = structlog.get_logger("stoa.test")
    logger.warning("password=hunter2", provider_token="hunter2", nested={"cvv": "hunter2"})
    logging.getLogger("x").warning("postgresql://me:%s@db", "hunter2")
    try:
        fail("cannot connect to postgresql://me:" + "hun" + "ter2@db")
    except RuntimeError:
        logger.exception("failed")
        logging.getLogger("x").exception("failed")
    assert "RuntimeError" in out.getvalue()
    assert "hunter2" not in out.getvalue()


def test_a_record_is_one_line_of_json(log: StringIO) -> None:
    """Newlines and escape sequences in data cannot forge a record."""
    structlog.get_logger("stoa.test").info("name\n{}", name="Ada\r\n\x1b[31m\u2028{}", raw="\ud800")
    logging.getLogger("x").warning("line\nline")
    assert len(records(log)) == 2
    assert log.getvalue().isascii()
    assert "\x1b" not in log.getvalue()


def test_the_console_escapes_what_could_forge_a_line(console: StringIO) -> None:
    """Visible escapes in place of control characters; tracebacks are indented."""
    structlog.get_logger("stoa.test").info("name\nforged", name="Ada\r\n\x1b[31m\u202e\ud800", deep={"a\n": ["b\n"]})
    [line] = console.getvalue().splitlines()
    assert r"name\nforged" in line
    assert r"Ada\r\n\x1b[31m\u202e\ud800" in line
    try:
        fail("first\nforged")
    except RuntimeError:
        structlog.get_logger("stoa.test").exception("failed")
    assert not [line for line in console.getvalue().splitlines() if line.startswith(("forged", "Traceback"))]


def test_records_below_the_level_are_dropped(log: StringIO) -> None:
    """And SQLAlchemy's statements with their parameters stay out at every level."""
    structlog.get_logger("stoa.test").debug("quiet")
    logging.getLogger("x").debug("quiet")
    configure_logging("debug", json=True, stream=log)
    logging.getLogger("sqlalchemy.engine.Engine").info("SELECT secret")
    assert log.getvalue() == ""
    structlog.get_logger("stoa.test").debug("loud")
    assert [record["event"] for record in records(log)] == ["loud"]


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to data."""
    configure_logging("info", json=True)
    structlog.get_logger("stoa.test").info("hello")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err.splitlines()[0])["event"] == "hello"


async def test_the_asynchronous_methods_write_the_same_records(log: StringIO) -> None:
    """Context of the task that logs is kept."""
    structlog.contextvars.bind_contextvars(request_id="r2")
    await structlog.get_logger("stoa.events").ainfo("event_published", event_id="evt_1")
    [record] = records(log)
    assert (record["event"], record["request_id"], record["logger"]) == ("event_published", "r2", "stoa.events")


def test_a_line_leads_to_its_trace(log: StringIO) -> None:
    """A request's own id is its trace, a caller's trace wins, and a worker's line names the request behind it."""
    request, theirs = "0199f9a5-5a0e-7c3c-8d3e-2f6a5f4f3b21", "4bf92f3577b34da6a3ce929d0e0e4736"
    logger = structlog.get_logger("stoa.test")
    structlog.contextvars.bind_contextvars(request_id=request)
    logger.info("own")
    with caused_by(Cause(traceparent=f"00-{theirs}-00f067aa0ba902b7-01")):
        logger.info("continued")
    structlog.contextvars.clear_contextvars()
    with caused_by(Cause(correlation_id=request)):
        logger.info("job")
    logger.info("nobody's")
    traces = [(record["event"], record.get("trace_id"), record.get("correlation_id")) for record in records(log)]
    assert traces == [
        ("own", request.replace("-", ""), None),
        ("continued", theirs, None),
        ("job", request.replace("-", ""), request),
        ("nobody's", None, None),
    ]
