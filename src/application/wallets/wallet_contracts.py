"""What wallets need to know of our own contracts."""

from typing import Protocol

from domain.wallets.contracts import WalletContracts


class IWalletContracts(Protocol):
    """Knows our own contracts, which are at the same addresses on every chain that has them."""

    def contracts(self) -> WalletContracts:
        """Return where the factory is, and the templates of what it makes. Only computes."""
        ...
