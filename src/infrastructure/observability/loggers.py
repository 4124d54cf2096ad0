"""Lines with loggers of their own: what the outside answered, where money moved, what agents do, and who was refused.

Each function takes facts and no objects, so that nothing is in a line that is not an argument here: ids, codes, amounts
and durations. Names, addresses, tokens and texts are not among them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

import structlog
from structlog.contextvars import bind_contextvars, unbind_contextvars

from domain.shared.errors import Forbidden, RateLimited, StoaError, Unauthenticated
from domain.shared.money import Money
from infrastructure.observability.metrics import Metrics
from infrastructure.observability.spans import NO_SPANS, Kind, Spans

_outbound = structlog.get_logger("stoa.outbound")
_payments = structlog.get_logger("stoa.payments")
_agents = structlog.get_logger("stoa.agents")
_security = structlog.get_logger("stoa.security")
_agent: ContextVar[str | None] = ContextVar("stoa_agent", default=None)


class Outbound:
    """Around every call of something outside: a count, a span, and a line when it failed."""

    def __init__(self, metrics: Metrics | None = None, spans: Spans = NO_SPANS) -> None:
        """Count in ``metrics``."""
        self._metrics = metrics or Metrics()
        self._spans = spans

    @contextmanager
    def call(self, service: str, operation: str) -> Iterator[None]:
        """Time the block, which asks a service for one thing."""
        started, code = perf_counter(), "failed"
        try:
            with self._spans.around(f"{service} {operation}", Kind.CLIENT, {"stoa.outbound.service": service}):
                yield
            code = "ok"
        except Exception as error:
            code = error.code if isinstance(error, StoaError) else type(error).__name__
            raise
        finally:
            seconds = perf_counter() - started
            self._metrics.outbound.add(service, operation, code, seconds)
            line = {"service": service, "operation": operation, "code": code, "ms": round(seconds * 1000, 1)}
            (_outbound.debug if code == "ok" else _outbound.warning)("outbound_call", **line)


def payment_answered(
    operation: str, *, provider: str, key: str, amount: Money, status: str, decline_code: str | None = None
) -> None:  # fmt: skip
    """Note what a provider said of a charge or a refund; ``key`` is what the attempt is called there and here."""
    _payments.info(
        "payment_answered", operation=operation, provider=provider, attempt=key, amount_minor=amount.minor,
        currency=amount.currency, status=status, decline_code=decline_code,
    )  # fmt: skip


def name_caller(actor: str, *, is_agent: bool) -> None:
    """Have every further line of this request say who called; calls of agents have lines of their own."""
    bind_contextvars(actor=actor)
    _agent.set(actor if is_agent else None)


def forget_caller() -> None:
    """Have further lines say nothing of a caller before the next one is known."""
    unbind_contextvars("actor")
    _agent.set(None)


def call_of_agent(use_case: str, code: str, seconds: float) -> None:
    """Note what an agent did, or was refused; others' calls are not noted here."""
    if _agent.get() is not None:
        _agents.info("agent_call", use_case=use_case, code=code, ms=round(seconds * 1000, 1))


def access_refused(use_case: str, face: str, code: str) -> None:
    """Note that somebody was not let in: no credential or a wrong one, no right, or too often."""
    _security.info("access_refused", use_case=use_case, face=face, code=code)


def refusals() -> frozenset[str]:
    """Return the codes of errors that are about who calls, and not about what for."""
    found, kinds = set[str](), [Unauthenticated, Forbidden, RateLimited]
    while kinds:
        kind = kinds.pop()
        found.add(kind.code)
        kinds += kind.__subclasses__()
    return frozenset(found)
