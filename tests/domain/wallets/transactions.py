"""Wallets' transactions, made by their own methods."""

from datetime import UTC, datetime
from uuid import UUID

from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.ids import OrganizationId, WalletId, WalletTransactionId
from domain.wallets.transaction_intent import Intent
from domain.wallets.transaction_sighting import Mined, Sighting
from domain.wallets.transaction_signing import Price
from domain.wallets.wallet_transaction import WalletTransaction

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
WALLET = WalletId(UUID(int=1))
SENDER, RECIPIENT = Address(f"0x{1:040x}"), Address(f"0x{2:040x}")
PRICE = Price(gas=21_000, max_fee=BaseUnits(2_000), priority_fee=BaseUnits(100))


def a_transaction(value: int = 5) -> WalletTransaction:
    """Ask for some coins to be sent."""
    return WalletTransaction.request(
        Intent.requested(RECIPIENT, BaseUnits(value)), id=WalletTransactionId(UUID(int=2)),
        organization_id=OrganizationId(UUID(int=3)), wallet_id=WALLET, chain_id=31337, sender=SENDER, now=NOW,
    )  # fmt: skip


def hash_of(number: int) -> TransactionHash:
    """Return the hash of the form with a number."""
    return TransactionHash(f"0x{number:064x}")


def prepared() -> WalletTransaction:
    """Give a transaction nonce 7."""
    transaction = a_transaction()
    transaction.prepare(7, PRICE, signing_id=UUID(int=101), now=NOW)
    return transaction


def sign(transaction: WalletTransaction, now: datetime = NOW) -> None:
    """Sign the current form."""
    number = transaction.current.number
    transaction.keep_signature(number, f"02{number:02x}", hash_of(number), now)


def waiting() -> WalletTransaction:
    """Have the first form in the pool."""
    transaction = prepared()
    sign(transaction)
    transaction.note_broadcast(1, NOW)
    return transaction


def mined(number: int = 1, block: int = 10, *, succeeded: bool = True, fork: str = "a") -> Mined:
    """Say that a block has a form."""
    return Mined(
        hash=hash_of(number), block_number=block, block_hash=f"{fork}{block}", succeeded=succeeded, gas_used=21_000,
        fee=BaseUnits(42),
    )  # fmt: skip


def sighting(head: int, found: Mined | None = None, **seen: bool) -> Sighting:
    """Look with three confirmations."""
    return Sighting(head=head, confirmations=3, mined=found, **seen)
