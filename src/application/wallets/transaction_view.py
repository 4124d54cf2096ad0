"""What is shown of a wallet's transaction."""

from dataclasses import dataclass
from datetime import datetime

from application.kernel.view import View
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.ids import WalletId, WalletTransactionId
from domain.wallets.transaction_direction import TransactionDirection
from domain.wallets.transaction_signing import SigningKind, TransactionSigning
from domain.wallets.transaction_status import WalletTransactionStatus
from domain.wallets.wallet_transaction import WalletTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionSigningView(View[TransactionSigning]):
    """One form of a transaction. Fees are in wei per unit of gas; `refused` is why no node takes it at present."""

    number: int
    kind: SigningKind
    gas: int
    max_fee: BaseUnits
    priority_fee: BaseUnits
    hash: TransactionHash | None
    planned_at: datetime
    signed_at: datetime | None
    broadcast_at: datetime | None
    refused: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletTransactionView(View[WalletTransaction]):
    """What goes out of a wallet, or came in. All `signings` share the nonce, so that one of them can be mined.

    `transaction_hash`, block, `gas_used` and `fee` are of the form that is in a block, which is certain from
    `confirmed`, `reverted` or `replaced` on. With `attention_at` it does not get on by itself; `obstacle` says why.
    """

    id: WalletTransactionId
    version: int
    wallet_id: WalletId
    chain_id: int
    direction: TransactionDirection
    status: WalletTransactionStatus
    sender: Address
    recipient: Address | None
    value: BaseUnits
    data: str
    token_address: Address | None
    token_amount: BaseUnits | None
    counterparty: Address | None
    purpose: str
    nonce: int | None
    signings: list[TransactionSigningView]
    wanted: SigningKind | None
    transaction_hash: TransactionHash | None
    log_index: int | None
    block_number: int | None
    block_hash: str | None
    gas_used: int | None
    fee: BaseUnits | None
    contract: Address | None
    failure_code: str | None
    failure_reason: str | None
    obstacle: str | None
    attention_at: datetime | None
    signed_at: datetime | None
    broadcast_at: datetime | None
    mined_at: datetime | None
    confirmed_at: datetime | None
    dropped_at: datetime | None
    replaced_at: datetime | None
    reverted_at: datetime | None
    failed_at: datetime | None
    created_at: datetime
    updated_at: datetime
