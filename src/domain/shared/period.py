"""Periods that figures are of."""

from datetime import datetime, timedelta
from typing import Self

from attrs import frozen

from domain.shared.errors import ValidationError

LONGEST = timedelta(days=366)


class InvalidPeriod(ValidationError):
    """The end does not lie behind the beginning, or too far."""

    code = "period_invalid"
    summary = "The period must end after it begins, and not too long after."


@frozen(kw_only=True)
class Period:
    """``since`` belongs to it, ``until`` does not."""

    since: datetime
    until: datetime

    @classmethod
    def of(cls, since: datetime, until: datetime) -> Self:
        """Return the period that was asked for.

        Raises:
            InvalidPeriod: it does not begin before it ends, or is longer than ``LONGEST``.
        """
        if not timedelta() < until - since <= LONGEST:
            raise InvalidPeriod(path="since")
        return cls(since=since, until=until)
