"""Slots of the job worker: what waits for one thing outside never takes the slots of what needs another, or nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from infrastructure.resilience.breaker import Breaker, BreakerState


@dataclass(frozen=True, slots=True)
class Lane:
    """Kinds of jobs that need the same thing outside.

    Attributes:
        kinds: of jobs.
        slots: how many of them may be under way at once in one process.
        breaker: of the thing outside; while it is open, no job is claimed only to be refused.
    """

    kinds: frozenset[str]
    slots: int
    breaker: Breaker | None = None

    def room(self, under_way: int) -> int:
        """Return how many jobs may be claimed; one is enough to find out whether the thing outside is back."""
        room = self.slots - under_way
        if self.breaker is None or self.breaker.state is BreakerState.CLOSED:
            return room
        return min(room, 1) if self.breaker.admits else 0


def lanes_of(kinds: Iterable[str], outside: Sequence[Lane], slots: int) -> tuple[Lane, ...]:
    """Return the lanes of ``kinds``: those given, and one with so many ``slots`` for all that need nothing outside."""
    wanted = frozenset(kinds)
    lanes = [replace(lane, kinds=lane.kinds & wanted) for lane in outside]
    inside = Lane(wanted.difference(*(lane.kinds for lane in outside)), slots)
    return tuple(lane for lane in (*lanes, inside) if lane.kinds)
