"""When a failed task is tried again: soon at first, ever later after that, and never all at the same moment."""

from datetime import timedelta

FIRST = timedelta(seconds=2)
LONGEST = timedelta(hours=1)


def pause_after(attempts: int, chance: float) -> timedelta:
    """Return how long to wait after so many attempts: doubling from two seconds up to an hour, half of it random.

    Args:
        attempts: from 1.
        chance: a random number from 0 to 1.
    """
    longest = min(LONGEST, FIRST * (1 << min(attempts - 1, 30)))
    return longest / 2 + longest / 2 * chance
