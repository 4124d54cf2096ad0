"""Ports of the settlements' repositories."""

from typing import Protocol

from domain.settlements.accepted_token import AcceptedToken
from domain.settlements.token_settlement import TokenSettlement
from domain.shared.ids import PaymentAttemptId
from domain.shared.repository import IRepository


class IAcceptedTokenRepository(IRepository[AcceptedToken], Protocol):
    """Tokens that are taken for money."""

    async def standing_for(self, currency: str) -> list[AcceptedToken]:
        """Return the tokens that stand for a currency, ``MOST_OFFERS`` at most, in the order of being accepted."""
        ...


class ITokenSettlementRepository(IRepository[TokenSettlement], Protocol):
    """Settlements; one authorization is found at most once, whatever the organization."""

    async def of_attempt(self, attempt_id: PaymentAttemptId) -> TokenSettlement:
        """Return the settlement behind an attempt to pay an order.

        Raises:
            EntityNotFoundError: the attempt was made otherwise.
        """
        ...
