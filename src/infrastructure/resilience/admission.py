"""Bounded concurrency: so much is under way at once and no more, and what is refused is refused at once."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from application.kernel.dispatcher import Call, IDispatch, Outcome
from application.kernel.limits import Importance, IRoom, Overloaded, importance_of
from application.kernel.use_case import UseCase

_PER_CONNECTION = 4

_SHARES = {Importance.READ: 0.6, Importance.WRITE: 0.8, Importance.MONEY: 1.0}
_LONGEST_PAUSE = 3


def places(connections: int) -> int:
    """Return how many requests are let in for so many database connections: more would only wait for one of them."""
    return _PER_CONNECTION * connections


class Admission(IRoom):
    """Places for what is under way in one event loop.

    Reads are refused once 60 % of the places are taken, by whatever; other writes once 80 % are. The rest is for what
    moves money.
    """

    def __init__(self, places: int, *, shed: Callable[[Importance], None] | None = None) -> None:
        """Begin empty; ``shed`` is told of everything that is refused."""
        self._limits = {importance: max(1, int(places * share)) for importance, share in _SHARES.items()}
        self._shed = shed
        self._in_flight = 0

    @property
    def in_flight(self) -> int:
        """Return how many places are taken."""
        return self._in_flight

    def is_full(self, importance: Importance, *, before: int = 0) -> bool:
        return self._in_flight + before >= self._limits[importance]

    def refusal(self, importance: Importance) -> Overloaded:
        if self._shed is not None:
            self._shed(importance)
        # Not all the same, or those who were refused together would come back together.
        return Overloaded(retry_after=random.randint(1, _LONGEST_PAUSE))  # noqa: S311 - jitter is no secret

    @contextmanager
    def __call__(self, importance: Importance) -> Iterator[None]:
        """Take a place for the length of the block.

        Raises:
            Overloaded: there is none for something of this importance.
        """
        if self.is_full(importance):
            raise self.refusal(importance)
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1


class AdmittedDispatcher:
    """The dispatcher as faces that serve many at once have it: every use-case takes a place while it runs."""

    def __init__(self, dispatcher: IDispatch, admission: Admission, registry: Mapping[str, UseCase]) -> None:
        """Look up what every use-case is worth once."""
        self._dispatcher = dispatcher
        self._admission = admission
        self._importance = {name: importance_of(use_case) for name, use_case in registry.items()}

    async def __call__(self, name: str, command: object, call: Call) -> Outcome:
        """Run one use-case.

        Raises:
            Overloaded: there is no room for it, and nothing was done.
            StoaError: whatever the use-case refuses.
        """
        with self._admission(self._importance[name]):
            return await self._dispatcher(name, command, call)
