"""Numbering a sender's transactions, which a chain executes in their order and without gaps."""

from collections.abc import Sequence


def lowest_free(taken: Sequence[int], first: int) -> int:
    """Return the first number from ``first`` on that is not in ``taken``, which is ascending and starts there."""
    for expected, number in enumerate(taken, start=first):
        if number != expected:
            return expected
    return first + len(taken)
