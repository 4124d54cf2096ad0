"""What became of a payment link: who looked, who ordered, who paid."""

from attrs import frozen

from domain.payments.figures import share
from domain.shared.money import Money


@frozen(kw_only=True)
class LinkStatistics:
    """Counts of one payment link.

    Attributes:
        views: how often it was opened in public; the last second may be missing.
        orders: how many orders were opened through it, in whatever state they are.
        completed: how many of those were paid, also if the money was given back later.
        gross: what was paid, before refunds and fees, by currency.
    """

    views: int
    orders: int
    completed: int
    gross: tuple[Money, ...]

    @property
    def conversion_rate(self) -> str | None:
        """Paid orders per view as a decimal fraction, ``0.0731``; above 1 when orders come without views."""
        return share(self.completed, self.views)

    @property
    def payment_rate(self) -> str | None:
        """Paid orders per order as a decimal fraction; None without orders."""
        return share(self.completed, self.orders)
