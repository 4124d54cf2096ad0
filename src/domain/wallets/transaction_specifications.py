"""Questions about wallets' transactions."""

from domain.shared.evm_types import TransactionHash
from domain.shared.ids import WalletId
from domain.shared.specification import Equal, Everything, Spec
from domain.wallets.transaction_direction import TransactionDirection
from domain.wallets.transaction_status import WalletTransactionStatus
from domain.wallets.wallet_transaction import WalletTransaction


def transactions_matching(
    *, wallet_id: WalletId | None = None, status: WalletTransactionStatus | None = None,
    direction: TransactionDirection | None = None, transaction_hash: TransactionHash | None = None,
) -> Spec[WalletTransaction]:  # fmt: skip
    """Transactions with exactly the values that are given."""
    found: Spec[WalletTransaction] = Everything()
    wanted = (
        ("wallet_id", wallet_id),
        ("status", status),
        ("direction", direction),
        ("transaction_hash", transaction_hash),
    )
    for field, value in wanted:
        if value is not None:
            found &= Equal(field, value)
    return found
