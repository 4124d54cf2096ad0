"""Ports to wallets and to the lists of addresses."""

from typing import Protocol

from domain.shared.evm_types import Address
from domain.shared.ids import WalletId
from domain.shared.period import Period
from domain.shared.repository import IRepository
from domain.wallets.address_listing import AddressList, AddressListing
from domain.wallets.figures import WalletFigures
from domain.wallets.wallet import Wallet


class IWalletRepository(IRepository[Wallet], Protocol):
    """The organization's wallets."""

    async def get_by_address(self, chain_id: int, address: Address) -> Wallet | None:
        """Return the wallet with an address on a chain, unless deleted."""
        ...

    async def figures(self, wallet_id: WalletId, period: Period) -> WalletFigures:
        """Add up what moved to and from a wallet in a period."""
        ...


class IAddressListingRepository(IRepository[AddressListing], Protocol):
    """The addresses on the organization's two lists."""

    async def get_by_address(self, address: Address, *, lock: bool = False) -> AddressListing | None:
        """Return the listing of an address, on whichever list it is."""
        ...

    async def has_any(self, on: AddressList) -> bool:
        """Say whether anything is on a list."""
        ...
