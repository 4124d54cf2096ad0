"""How the constraints of accepted tokens and settlements are broken, behind the back of the domain."""

from collections.abc import Awaitable, Callable
from typing import Any

from domain.settlements.accepted_token import AcceptedToken, TokenAlreadyAccepted
from domain.settlements.authorization import Authorization
from domain.settlements.token_settlement import SettlementStatus, TokenSettlement
from domain.shared.errors import StoaError, ValidationError
from domain.shared.evm_types import Address
from domain.shared.ids import AcceptedTokenId, TokenSettlementId
from domain.shared.money import Money
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.broken_wallets import a_wallet
from tests.infrastructure.persistence.samples import Shop

type Break = Callable[[Shop, SqlUnitOfWork], Awaitable[None]]

TOKEN, PAYER = Address("0x" + "ab" * 20), Address("0x" + "cd" * 20)


async def _a_token(shop: Shop, uow: SqlUnitOfWork) -> AcceptedToken:
    wallet = a_wallet(shop)
    uow.wallets.add(wallet)
    await uow.flush()
    return AcceptedToken.accept(
        id=AcceptedTokenId(shop.stack.ids.new()), organization_id=shop.actor.organization_id, chain_id=1, token=TOKEN,
        symbol="HEUR", decimals=6, currency="EUR", name="Harbour Euro", eip712_version="1", pay_to_wallet_id=wallet.id,
        pay_to=wallet.address, facilitator_wallet_id=wallet.id, now=shop.stack.clock.now(),
    )  # fmt: skip


async def _accepted_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    token = await _a_token(shop, uow)
    uow.accepted_tokens.add(token)
    await uow.flush()
    again = AcceptedToken.accept(
        id=AcceptedTokenId(shop.stack.ids.new()), organization_id=token.organization_id, chain_id=1, token=TOKEN,
        symbol="HEUR", decimals=6, currency="EUR", name="Harbour Euro", eip712_version="1",
        pay_to_wallet_id=token.pay_to_wallet_id, pay_to=token.pay_to,
        facilitator_wallet_id=token.facilitator_wallet_id, now=shop.stack.clock.now(),
    )  # fmt: skip
    uow.accepted_tokens.add(again)


def _a_settlement_with(**wrong: Any) -> Break:
    async def break_it(shop: Shop, uow: SqlUnitOfWork) -> None:
        token, order = await _a_token(shop, uow), shop.order()
        shop.attempt(order)
        uow.accepted_tokens.add(token)
        uow.payment_orders.add(order)
        await uow.flush()
        offer = token.offer_for(Money(1250, "EUR"))
        assert offer is not None
        settlement = TokenSettlement.begin(
            offer, Authorization(
                payer=PAYER, recipient=offer.pay_to, amount=offer.amount, valid_after=0, valid_before=2_000_000_000,
                nonce=f"0x{shop.stack.ids.new().hex * 2}",
            ),
            bytes(65), id=TokenSettlementId(shop.stack.ids.new()), organization_id=order.organization_id,
            payment_order_id=order.id, attempt_id=order.attempts[0].id, now=shop.stack.clock.now(),
        )  # fmt: skip
        for name, value in wrong.items():
            setattr(settlement, name, value)
        uow.token_settlements.add(settlement)

    return break_it


BROKEN_SETTLEMENTS: dict[str, tuple[Break, type[StoaError]]] = {
    "uq_accepted_tokens_token": (_accepted_twice, TokenAlreadyAccepted),
    "ck_token_settlements_settled_by_a_transaction": (
        _a_settlement_with(status=SettlementStatus.SETTLED), ValidationError
    ),
    "ck_token_settlements_refused_for_a_reason": (_a_settlement_with(status=SettlementStatus.REFUSED), ValidationError),
}  # fmt: skip
"""Constraint to how it is broken, and the named error that this becomes."""
