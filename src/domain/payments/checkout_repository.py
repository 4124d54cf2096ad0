"""Port to checkouts."""

from typing import Protocol

from domain.payments.checkout import Checkout
from domain.shared.repository import IRepository


class ICheckoutRepository(IRepository[Checkout], Protocol):
    """The checkouts of the organization's payment links."""

    async def get_by_digest(self, digest: str) -> Checkout | None:
        """Return the checkout whose reference has this digest, or None."""
        ...
