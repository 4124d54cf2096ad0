"""The breakers of a process, by the name of what they watch: for metrics, for ``/readyz``, and for nobody to forget."""

import time
from collections.abc import Callable, Mapping

from infrastructure.resilience.breaker import FAILURES, REST_SECONDS, Breaker, BreakerState

_BAD_TO_WORSE = (BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN)


class Breakers:
    """Makes breakers and knows their states. Several may share a name, which is then as badly off as the worst."""

    def __init__(self, changed: Callable[[str, BreakerState], None] = lambda _name, _state: None) -> None:
        """Tell ``changed`` every state of every name, the first one included."""
        self._changed = changed
        self._made: dict[str, list[Breaker]] = {}

    @property
    def states(self) -> Mapping[str, BreakerState]:
        """The present state of each name."""
        return {name: _worst(made) for name, made in self._made.items()}

    def new(
        self, name: str, *, counts: tuple[type[BaseException], ...], failures: int = FAILURES,
        rest_seconds: float = REST_SECONDS, monotonic: Callable[[], float] = time.monotonic,
    ) -> Breaker:  # fmt: skip
        """Return one more breaker, whose ``name`` is from a fixed set."""
        breaker = Breaker(
            name, counts=counts, failures=failures, rest_seconds=rest_seconds, monotonic=monotonic, changed=self._tell
        )
        self._made.setdefault(name, []).append(breaker)
        self._tell(name, breaker.state)
        return breaker

    def _tell(self, name: str, _state: BreakerState) -> None:
        self._changed(name, _worst(self._made[name]))


def _worst(made: list[Breaker]) -> BreakerState:
    return max((each.state for each in made), key=_BAD_TO_WORSE.index)
