"""One log for Stoa and its libraries: structured, without secrets, and one line per record."""

import logging
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from application.kernel.causality import present_cause, trace_id_of
from infrastructure.security.redaction import redact

# What moves the cursor, starts a line or turns the reading direction, in whatever a record holds.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_TRACEBACKS = ("exception", "stack")
# These bring handlers of their own, which would print every record a second time and unredacted.
_TAKEN_OVER = ("uvicorn", "uvicorn.error", "uvicorn.access", "sqlalchemy", "alembic", "asyncio", "stoa")
# What these say at info is said better by us, or of no use to whoever runs Stoa.
_CHATTY = ("alembic", "mcp", "uvicorn.error")
# At info and below, SQLAlchemy logs statements with their parameters, and the others addresses that may hold keys.
_NEVER_BELOW_WARNING = (
    "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "aiosqlite", "httpx2", "web3", *_CHATTY
)  # fmt: skip


def configure_logging(level: str, *, json: bool, stream: TextIO | None = None) -> None:
    """Send everything to standard error, as JSON or coloured for a person; may be called again.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        json: one JSON object per line; else columns for a terminal.
        stream: where to write in place of standard error.
    """
    target = sys.stderr if stream is None else stream
    shared: list[Processor] = [
        *_CIRCUMSTANCES,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.processors.StackInfoRenderer(),
        # Tracebacks become text before the redaction; renderers of their own would show local variables.
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
        _redact,
    ]
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(target, json=json)],
        )
    )
    _configure_standard_logging(handler, level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _renderers(target: TextIO, *, json: bool) -> list[Processor]:
    if json:
        return [structlog.processors.JSONRenderer(default=str)]
    return [_escape, structlog.dev.ConsoleRenderer(colors=target.isatty())]


def _configure_standard_logging(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    for old in root.handlers[:]:
        # Our own from an earlier call, or basicConfig's. Special handlers, such as a test runner's, stay.
        if type(old) is logging.StreamHandler:
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _TAKEN_OVER:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    for name in _NEVER_BELOW_WARNING:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


def _add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add what leads from a line to its trace, and from a worker's line to the request behind it."""
    cause = present_cause()
    request_id = event.get("request_id")
    if cause.correlation_id is not None:
        event["correlation_id"] = cause.correlation_id
    if cause.traceparent is not None:
        event["trace_id"] = cause.traceparent.split("-")[1]
    elif cause.correlation_id is not None or isinstance(request_id, str):
        event["trace_id"] = trace_id_of(cause.correlation_id or str(request_id))
    return event


_CIRCUMSTANCES: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    _add_trace,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
]


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # structlog's own luggage, and uvicorn's second copy of the message with escape sequences in it.
    luggage = {name: event.pop(name) for name in [*event] if name.startswith("_")}
    event.pop("color_message", None)
    return redact(event) | luggage


def _escape(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Make forged lines and colours visible; every line of a traceback is indented, so none looks like a record."""
    return {name: _safe(name, value) if isinstance(value, str) else value for name, value in event.items()}


def _safe(name: str, text: str) -> str:
    if name in _TRACEBACKS:
        return "\n".join("    " + _safe("", line) for line in text.split("\n"))
    return _UNSAFE.sub(lambda match: ascii(match[0])[1:-1], text)
