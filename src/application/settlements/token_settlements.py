"""Token settlements: what became of buyers' authorizations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from application.kernel.actor import Scope
from application.kernel.page import PageQuery
from application.kernel.reads import get_use_case, list_use_case
from application.kernel.view import View
from domain.settlements.specifications import settlements_matching
from domain.settlements.token_settlement import SettlementFailure, SettlementStatus, TokenSettlement
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.ids import (
    AcceptedTokenId,
    PaymentAttemptId,
    PaymentOrderId,
    TokenSettlementId,
    WalletTransactionId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettlementView(View[TokenSettlement]):
    """An attempt to pay an order in a token. `amount` is in the token's smallest units.

    `transaction_id` is our transaction, `transaction_hash` the one in which the token moved: once an authorization can
    be seen, anybody may execute it. `valid_after` and `valid_before` are seconds since 1970, as they were signed.
    """

    id: TokenSettlementId
    version: int
    payment_order_id: PaymentOrderId
    attempt_id: PaymentAttemptId
    accepted_token_id: AcceptedTokenId
    chain_id: int
    token: Address
    payer: Address
    pay_to: Address
    amount: BaseUnits
    valid_after: int
    valid_before: int
    nonce: str
    status: SettlementStatus
    transaction_id: WalletTransactionId | None
    transaction_hash: TransactionHash | None
    failure_code: SettlementFailure | None
    settled_at: datetime | None
    refused_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTokenSettlements(PageQuery):
    """Which settlements."""

    payment_order_id: PaymentOrderId | None = None
    status: SettlementStatus | None = None
    payer: Address | None = None
    sort: Literal["created_at", "-created_at"] = "-created_at"


list_use_case(
    "token_settlements.list", ListTokenSettlements, lambda uow: uow.token_settlements, TokenSettlementView,
    "List payments in tokens, of one payment order, payer or status, newest first.",
    where=lambda cmd: settlements_matching(
        payment_order_id=cmd.payment_order_id, status=cmd.status, payer=cmd.payer
    ),
    scope=Scope.SETTLEMENTS_READ, example={"limit": 20, "status": "settled"}, statements=2,
)  # fmt: skip

get_use_case(
    "token_settlements.get", lambda uow: uow.token_settlements, TokenSettlementView,
    "Return one payment in a token.", scope=Scope.SETTLEMENTS_READ,
)  # fmt: skip
