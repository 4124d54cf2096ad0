"""Repositories of the settlements context."""

from domain.settlements.accepted_token import MOST_OFFERS, AcceptedToken
from domain.settlements.repositories import IAcceptedTokenRepository, ITokenSettlementRepository
from domain.settlements.specifications import tokens_matching
from domain.settlements.token_settlement import PaymentAuthorizationUsed, TokenSettlement
from domain.shared.errors import EntityNotFoundError
from domain.shared.ids import PaymentAttemptId
from domain.shared.specification import Equal
from infrastructure.persistence.lookups import Lookup
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.settlements import AcceptedTokenRow, TokenSettlementRow
from infrastructure.persistence.repository import SqlRepository


class SqlAcceptedTokenRepository(SqlRepository[AcceptedToken], IAcceptedTokenRepository):
    """Tokens that are taken for money."""

    mapper = Mapper(AcceptedToken, AcceptedTokenRow)

    async def standing_for(self, currency: str) -> list[AcceptedToken]:
        """Return the currency's oldest tokens."""
        return await self.find(tokens_matching(currency=currency), sort="created_at", limit=MOST_OFFERS)


class SqlTokenSettlementRepository(SqlRepository[TokenSettlement], ITokenSettlementRepository):
    """Settlements; the look-up table keeps an authorization from being taken twice by anybody."""

    mapper = Mapper(TokenSettlement, TokenSettlementRow)
    lookup = Lookup("token_authorization", "authorization_key", PaymentAuthorizationUsed)

    async def of_attempt(self, attempt_id: PaymentAttemptId) -> TokenSettlement:
        """Return the one that was made with the attempt."""
        found = await self.find_one(Equal("attempt_id", attempt_id))
        if found is None:
            raise EntityNotFoundError
        return found
