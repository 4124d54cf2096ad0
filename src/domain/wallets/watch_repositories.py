"""Port to what is watched."""

from typing import Protocol

from domain.shared.ids import WalletId
from domain.shared.repository import IRepository
from domain.wallets.wallet_watch import Asset, WalletWatch


class IWalletWatchRepository(IRepository[WalletWatch], Protocol):
    """The organization's watches, of which a wallet has one at most."""

    async def of_wallet(self, wallet_id: WalletId, *, lock: bool = False) -> WalletWatch | None:
        """Return a wallet's watch."""
        ...

    async def read_up_to(self, watch: WalletWatch, block: int) -> None:
        """Move on to a block whose arrivals are recorded, beside the aggregate. It has to be locked."""
        ...

    async def checked_at(self, watch: WalletWatch, block: int) -> None:
        """Note that everything was compared at a block, beside the aggregate. It has to be locked."""
        ...

    async def recorded(self, watch: WalletWatch, block: int) -> dict[Asset, int]:
        """Return what came in less what went out, fees included, from each asset's first block up to this one."""
        ...
