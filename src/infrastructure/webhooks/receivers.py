"""A circuit breaker for every receiver of webhooks that fails.

There is one for each endpoint and none for a host: what one tenant's endpoint does must not hold up another's at the
same address. While a breaker is open its endpoint's deliveries are simply not claimed. They keep their place and their
tries, and the endpoint's failures are only those of requests that were made.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from domain.shared.ids import WebhookEndpointId
from infrastructure.resilience.breaker import Breaker, BreakerState
from infrastructure.webhooks.sender import Answer

FAILURES = 5
REST_SECONDS = 30.0
_FORGET_SECONDS = 3600.0
_SWEEP_SECONDS = 60.0
_NOBODY_THERE = frozenset({"timeout", "connection_failed", "tls_failed", "protocol_error"})
_ITS_OWN = 500  # the first status that says that the failure is the receiver's


class _Failed(Exception):
    """The receiver is not there, or not well."""


@dataclass(slots=True)
class _Receiver:
    breaker: Breaker
    asked_at: float = 0.0
    under_way: int = 0


class Receivers:
    """The breakers of one worker, kept for as long as their endpoints fail and are asked."""

    def __init__(
        self, opened: Callable[[int], None] = lambda _open: None, *, failures: int = FAILURES,
        rest_seconds: float = REST_SECONDS, monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Tell ``opened`` how many are open, whenever that may have changed."""
        self._opened = opened
        self._failures = failures
        self._rest = rest_seconds
        self._monotonic = monotonic
        self._known: dict[WebhookEndpointId, _Receiver] = {}
        self._swept_at = monotonic()

    def resting(self) -> list[WebhookEndpointId]:
        """Return the endpoints that are to be left alone now."""
        self._forget()
        return [endpoint for endpoint, each in self._known.items() if not each.breaker.admits]

    async def ask(self, endpoint: WebhookEndpointId, send: Callable[[], Awaitable[Answer]]) -> Answer:
        """Send a request to an endpoint, and learn from the answer.

        Raises:
            BreakerOpen: nothing was sent.
        """
        asked = self._known.setdefault(endpoint, _Receiver(self._new_breaker()))
        before = asked.breaker.state
        asked.asked_at = self._monotonic()
        asked.under_way += 1
        try:
            with suppress(_Failed), asked.breaker.watch():
                answer = await send()
                if _is_failure(answer):
                    raise _Failed
            return answer
        finally:
            asked.under_way -= 1
            if asked.breaker.is_untroubled and not asked.under_way:
                self._known.pop(endpoint, None)
            if asked.breaker.state is not before:
                self._count()

    def _new_breaker(self) -> Breaker:
        return Breaker(
            "webhook_receiver", counts=(_Failed,), failures=self._failures, rest_seconds=self._rest,
            monotonic=self._monotonic,
        )  # fmt: skip

    def _forget(self) -> None:
        """Drop, now and then, who has not been asked for long: an endpoint that was disabled is not asked again."""
        now = self._monotonic()
        if now - self._swept_at < _SWEEP_SECONDS:
            return
        self._swept_at = now
        kept = {
            endpoint: each for endpoint, each in self._known.items()
            if each.under_way or each.asked_at > now - _FORGET_SECONDS
        }  # fmt: skip
        if len(kept) < len(self._known):
            self._known = kept
            self._count()

    def _count(self) -> None:
        self._opened(sum(each.breaker.state is not BreakerState.CLOSED for each in self._known.values()))


def _is_failure(answer: Answer) -> bool:
    """Say whether nobody is there. A refusal is an answer, and so is the wish to be asked later (429, 503 with it)."""
    if answer.status_code is None:
        return answer.error in _NOBODY_THERE
    return answer.status_code >= _ITS_OWN and answer.retry_after is None
