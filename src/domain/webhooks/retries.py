"""When a webhook is tried again: ten times over about three days, never all at the same moment."""

from datetime import timedelta

PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The pause after the first, the second, … failed try; after the last one there is no other."""

LONGEST_WISH = timedelta(hours=24)
"""A receiver that asks for more patience than this is not obeyed."""

GIVE_UP_AFTER = timedelta(days=3)
FEWEST_FAILURES = 10
"""So long without one success, and so many failures in a row, switch an endpoint off."""


def pause_after(tries: int, chance: float, wish: timedelta | None = None) -> timedelta | None:
    """Return how long to wait after so many tries, or None when there were enough.

    Args:
        tries: from 1.
        chance: a random number from 0 to 1, which moves the pause by a fifth in either direction.
        wish: what the receiver asked for; it makes a pause longer, never shorter.
    """
    if tries > len(PAUSES):
        return None
    usual = PAUSES[tries - 1]
    spread = usual / 5
    pause = usual - spread + 2 * spread * chance
    return pause if wish is None else max(pause, min(wish, LONGEST_WISH))


def has_given_up(failing_for: timedelta, failures: int, *, after: timedelta = GIVE_UP_AFTER) -> bool:
    """Say whether an endpoint has been failing for so long that it is switched off."""
    return failing_for >= after and failures >= FEWEST_FAILURES
