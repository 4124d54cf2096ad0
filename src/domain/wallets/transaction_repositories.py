"""Port to the transactions of wallets."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.ids import WalletId, WalletTransactionId
from domain.shared.repository import IRepository
from domain.wallets.wallet_transaction import WalletTransaction


class IWalletTransactionRepository(IRepository[WalletTransaction], Protocol):
    """What goes out of and comes into the organization's wallets. Sums are right under the wallet's lock."""

    async def nonces_from(self, chain_id: int, sender: Address, first: int) -> list[int]:
        """Return the nonces that are given away, from ``first`` on, in ascending order."""
        ...

    async def reserved(self, chain_id: int, sender: Address, block: int) -> BaseUnits:
        """Return what a sender's balance at a block still has to pay for: what waits, and what was mined later."""
        ...

    async def sent_since(self, wallet_id: WalletId, since: datetime) -> BaseUnits:
        """Return how many coins a wallet was asked to send after a moment, without what it kept in the end."""
        ...

    async def waits_for_another(self, transaction: WalletTransaction) -> bool:
        """Say whether one with a smaller nonce was never given to the chain; nodes would turn this one away."""
        ...

    async def next_in_line(self, transaction: WalletTransaction) -> WalletTransactionId | None:
        """Return the one with the next nonce that was never given to the chain."""
        ...

    async def arrived(
        self, wallet_id: WalletId, hashes: Collection[TransactionHash]
    ) -> set[tuple[TransactionHash, int]]:
        """Return which transfers of some transactions are recorded as having come in, by hash and index."""
        ...

    async def is_under_way(self, wallet_id: WalletId) -> bool:
        """Say whether anything of a wallet has a nonce and is not at its end, so that its coins may have left."""
        ...
