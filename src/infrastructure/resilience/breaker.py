"""A circuit breaker: what has failed several times in a row is left alone for a while, and then tried by one call."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from domain.shared.errors import Unavailable

FAILURES = 5
REST_SECONDS = 10.0


class BreakerOpen(Unavailable):
    """The other side failed often enough; ``retry_after`` seconds from now it is tried again."""

    code = "dependency_unavailable"
    summary = "Something Stoa depends on keeps failing and is left alone for a moment; try again later."


class BreakerState(StrEnum):
    """Closed lets every call through, open none, and half open exactly one, whose end decides."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


class Breaker:
    """Watches the calls to one dependency; for one event loop.

    Only errors of the kinds in ``counts`` speak against the dependency. Everything else that a call may end with, an
    answer that is a refusal for instance, shows that it is there. A cancelled call shows nothing.
    """

    def __init__(
        self,
        name: str,
        *,
        counts: tuple[type[BaseException], ...],
        failures: int = FAILURES,
        rest_seconds: float = REST_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        changed: Callable[[str, BreakerState], None] | None = None,
    ) -> None:
        """Begin closed, and open after so many ``failures`` in a row.

        Args:
            name: of the dependency, for metrics; from a fixed set.
            counts: the errors that count as failures.
            failures: how many in a row.
            rest_seconds: how long nothing is let through.
            monotonic: seconds of a clock that never goes back.
            changed: is told every new state.
        """
        self.name = name
        self._counts = counts
        self._failures = failures
        self._rest = rest_seconds
        self._monotonic = monotonic
        self._changed = changed
        self._in_a_row = 0
        self._state = BreakerState.CLOSED
        self._opened_at = 0.0
        # Calls from before the last change of state have no say in the present one.
        self._era = 0

    @property
    def state(self) -> BreakerState:
        """Return the state; an open one stays open until a call asks after its rest."""
        return self._state

    @property
    def is_untroubled(self) -> bool:
        """Whether there is nothing to remember: closed, and the last call did not fail."""
        return self._state is BreakerState.CLOSED and not self._in_a_row

    @property
    def admits(self) -> bool:
        """Whether a call that came now would be let through."""
        return self._state is BreakerState.CLOSED or (self._state is BreakerState.OPEN and self._left() <= 0)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Let one call through, and learn from how it ends.

        Raises:
            BreakerOpen: the call is not to be made.
        """
        self._admit()
        era = self._era
        try:
            yield
        except self._counts:
            self._conclude(era, failed=True)
            raise
        except Exception:
            self._conclude(era, failed=False)
            raise
        except BaseException:
            self._forget(era)
            raise
        self._conclude(era, failed=False)

    def _admit(self) -> None:
        if self._state is BreakerState.CLOSED:
            return
        left = self._left()
        if self._state is BreakerState.HALF_OPEN or left > 0:
            raise BreakerOpen(retry_after=max(1, round(left)))
        self._become(BreakerState.HALF_OPEN)

    def _left(self) -> float:
        return self._opened_at + self._rest - self._monotonic()

    def _conclude(self, era: int, *, failed: bool) -> None:
        if era != self._era:
            return
        self._in_a_row = self._in_a_row + 1 if failed else 0
        if failed and (self._state is BreakerState.HALF_OPEN or self._in_a_row >= self._failures):
            self._opened_at = self._monotonic()
            self._become(BreakerState.OPEN)
        elif self._state is BreakerState.HALF_OPEN:
            self._become(BreakerState.CLOSED)

    def _forget(self, era: int) -> None:
        """Let the next call be the probe that a cancelled one was to be."""
        if era == self._era and self._state is BreakerState.HALF_OPEN:
            self._become(BreakerState.OPEN)

    def _become(self, state: BreakerState) -> None:
        self._state = state
        self._in_a_row = 0
        self._era += 1
        if self._changed is not None:
            self._changed(self.name, state)
