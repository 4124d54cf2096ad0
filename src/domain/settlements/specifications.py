"""Questions about accepted tokens and settlements."""

from domain.settlements.accepted_token import AcceptedToken
from domain.settlements.token_settlement import SettlementStatus, TokenSettlement
from domain.shared.evm_types import Address
from domain.shared.ids import PaymentOrderId
from domain.shared.specification import Equal, Everything, Spec


def tokens_matching(*, chain_id: int | None = None, currency: str | None = None) -> Spec[AcceptedToken]:
    """Accepted tokens with exactly the values that are given."""
    found: Spec[AcceptedToken] = Everything()
    for field, value in (("chain_id", chain_id), ("currency", currency)):
        if value is not None:
            found &= Equal(field, value)
    return found


def settlements_matching(
    *, payment_order_id: PaymentOrderId | None = None, status: SettlementStatus | None = None,
    payer: Address | None = None,
) -> Spec[TokenSettlement]:  # fmt: skip
    """Settlements with exactly the values that are given."""
    found: Spec[TokenSettlement] = Everything()
    for field, value in (("payment_order_id", payment_order_id), ("status", status), ("payer", payer)):
        if value is not None:
            found &= Equal(field, value)
    return found
