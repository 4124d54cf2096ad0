"""What a mandate allows: its limits, and what they leave."""

from collections.abc import Iterator

from attrs import define, frozen

from domain.mandates.errors import InvalidMandate
from domain.mandates.mandate_hold import Windows
from domain.shared.entity import Entity
from domain.shared.money import Money

MOST_NAMED = 100
"""So many products, and so many payment links, a mandate can name."""

LARGEST_TOTAL = 10**18
"""What a mandate without a limit in total may spend in minor units, so that its counters stay within 64 bits."""


@frozen(kw_only=True)
class MandateLimits:
    """How much the agent may spend: in one payment, on one day (UTC), in any thirty days, and in all."""

    per_payment: Money | None = None
    per_day: Money | None = None
    per_30_days: Money | None = None
    total: Money | None = None
    approval_threshold: Money | None = None

    def check(self, currency: str) -> "MandateLimits":
        """Return the limits if they are some.

        Raises:
            InvalidMandate: there is none, one is not above zero, or in another currency.
        """
        limits = (self.per_payment, self.per_day, self.per_30_days, self.total)
        if all(limit is None for limit in limits):
            raise InvalidMandate
        for limit in limits:
            if limit is not None and not (limit.is_positive and limit.minor <= LARGEST_TOTAL):
                raise InvalidMandate(f"A limit is above zero and at most {LARGEST_TOTAL} minor units.")
        threshold = self.approval_threshold
        if threshold is not None and threshold.is_negative:
            raise InvalidMandate("The approval threshold is not negative.", path="approval_threshold")
        if any(each is not None and each.currency != currency for each in (*limits, threshold)):
            raise InvalidMandate("Limits are in the mandate's currency.")
        return self


@define(kw_only=True, eq=False)
class MandateMoney(Entity):
    """The half of a mandate that counts: its limits and counters, all in minor units of its one currency."""

    currency: str
    per_payment_minor: int | None = None
    per_day_minor: int | None = None
    per_30_days_minor: int | None = None
    total_minor: int | None = None
    approval_threshold_minor: int | None = None
    reserved_minor: int = 0
    spent_minor: int = 0

    @property
    def per_payment(self) -> Money | None:
        return self._money(self.per_payment_minor)

    @property
    def per_day(self) -> Money | None:
        return self._money(self.per_day_minor)

    @property
    def per_30_days(self) -> Money | None:
        return self._money(self.per_30_days_minor)

    @property
    def total(self) -> Money | None:
        return self._money(self.total_minor)

    @property
    def approval_threshold(self) -> Money | None:
        """Above it a person has to approve; None when the agent decides alone."""
        return self._money(self.approval_threshold_minor)

    @property
    def reserved(self) -> Money:
        """What is set aside for payments whose outcome is not known yet, or that wait for approval."""
        return Money(self.reserved_minor, self.currency)

    @property
    def spent(self) -> Money:
        """What was spent, ever; a refund does not give it back."""
        return Money(self.spent_minor, self.currency)

    @property
    def limits(self) -> MandateLimits:
        """All limits at once."""
        return MandateLimits(
            per_payment=self.per_payment, per_day=self.per_day, per_30_days=self.per_30_days, total=self.total,
            approval_threshold=self.approval_threshold,
        )  # fmt: skip

    def left(self, windows: Windows) -> Money:
        """Return the largest payment that every limit leaves, the next moment aside."""
        return Money(max(0, min(left for _, left in self.leaves(windows))), self.currency)

    def leaves(self, windows: Windows) -> Iterator[tuple[str, int]]:
        """Yield what each limit leaves, in minor units; the last is the total, which is always there."""
        if self.per_payment_minor is not None:
            yield "per_payment", self.per_payment_minor
        if self.per_day_minor is not None:
            yield "per_day", self.per_day_minor - windows.day_minor
        if self.per_30_days_minor is not None:
            yield "per_30_days", self.per_30_days_minor - windows.rolling_minor
        total = LARGEST_TOTAL if self.total_minor is None else self.total_minor
        yield "total", total - self.spent_minor - self.reserved_minor

    def _money(self, minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, self.currency)

    def _set(self, limits: MandateLimits) -> None:
        self.per_payment_minor = _minor(limits.per_payment)
        self.per_day_minor = _minor(limits.per_day)
        self.per_30_days_minor = _minor(limits.per_30_days)
        self.total_minor = _minor(limits.total)
        self.approval_threshold_minor = _minor(limits.approval_threshold)


def _minor(money: Money | None) -> int | None:
    return None if money is None else money.minor
