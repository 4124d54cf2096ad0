"""The number that people call a payment order by."""

from datetime import datetime


def order_number(day: datetime, n: int) -> str:
    """Write the day's n-th number, from 1: ``20260314-000001``, and wider after the 999,999th."""
    if n < 1:
        raise ValueError("numbers start at 1")
    return f"{day:%Y%m%d}-{n:06d}"
