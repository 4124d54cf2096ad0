"""How long payments take: a histogram of fixed bins, from which percentiles are read.

Bins are narrow enough that a percentile is wrong by at most 5 % (by half a millisecond below ten), and few enough that
a year of them is added up in a moment. They are part of stored data: changing them means counting everything again.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta

_LONGEST_MS = 30 * 24 * 3600 * 1000


def _bounds() -> tuple[int, ...]:
    bounds = [1]
    while bounds[-1] < _LONGEST_MS:
        bounds.append(bounds[-1] + max(1, bounds[-1] // 10))
    return tuple(bounds)


BOUNDS_MS = _bounds()
"""Where bins begin, in milliseconds: bin 0 lies below the first bound, the last one has no end."""


def bin_of(start: datetime, end: datetime) -> int:
    """Return the bin of a duration; one that seems to run backwards took no time."""
    return bisect_right(BOUNDS_MS, (end - start) // timedelta(milliseconds=1))


def middle_ms(at: int) -> int:
    """Return the duration that stands for a bin, in milliseconds; of the last one it is the least."""
    if at == 0:
        return 0
    if at == len(BOUNDS_MS):
        return BOUNDS_MS[-1]
    return (BOUNDS_MS[at - 1] + BOUNDS_MS[at]) // 2


def percentile_ms(counts: Mapping[int, int], percent: int) -> int | None:
    """Return the least duration that so many percent took no longer than, by nearest rank; None of nothing."""
    total = sum(counts.values())
    rank, seen = -(-total * percent // 100), 0
    for at, count in sorted(counts.items()):
        seen += count
        if seen >= rank > 0:
            return middle_ms(at)
    return None
