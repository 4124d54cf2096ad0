"""One record per use-case call: a metric always, a log line when somebody may want to know."""

import structlog

from infrastructure.observability.loggers import access_refused, call_of_agent, refusals
from infrastructure.observability.metrics import Metrics
from infrastructure.observability.watch import SLOW_SECONDS

_OURS = frozenset({"internal", "internal_error"})
_log = structlog.get_logger("stoa.calls")


class Calls:
    """Told of every call by every face. The request id is bound by the face and appears in the line."""

    def __init__(self, metrics: Metrics, *, slow_seconds: float = SLOW_SECONDS) -> None:
        """Count in ``metrics``, and warn of what takes ``slow_seconds`` or more."""
        self._metrics = metrics
        self._slow_seconds = slow_seconds
        self._refusals = refusals()

    def observe(self, use_case: str, face: str, code: str, seconds: float) -> None:
        """Note one call; ``code`` is ``ok`` or the error's."""
        self._metrics.observe_use_case(use_case, face, code, seconds)
        call_of_agent(use_case, code, seconds)
        if code in self._refusals:
            access_refused(use_case, face, code)
        line = {"use_case": use_case, "face": face, "code": code, "ms": round(seconds * 1000, 1)}
        if code in _OURS:
            _log.error("call_failed", **line)
        elif seconds >= self._slow_seconds:
            _log.warning("call_slow", **line)
        else:
            _log.debug("call", **line)
