"""Which of a customer's payment methods is used when none is named."""

from collections.abc import Sequence
from datetime import datetime

from domain.customers.payment_method import PaymentMethod


def keep_a_default(methods: Sequence[PaymentMethod], now: datetime) -> None:
    """Make the newest usable method the default when none is; the newest of all when none is usable."""
    if methods and not any(method.is_default for method in methods):
        newest = max(methods, key=lambda method: (method.is_usable(now), method.created_at, method.id))
        newest.amend(now, is_default=True)
