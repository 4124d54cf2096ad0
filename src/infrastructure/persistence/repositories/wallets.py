"""Repositories of the wallets context."""

from domain.shared.evm_types import Address
from domain.shared.ids import WalletId
from domain.shared.period import Period
from domain.shared.specification import Equal
from domain.wallets.address_listing import AddressList, AddressListing
from domain.wallets.errors import WalletSignerTaken
from domain.wallets.figures import WalletFigures
from domain.wallets.repositories import IAddressListingRepository, IWalletRepository
from domain.wallets.specifications import listings_matching, wallets_matching
from domain.wallets.wallet import Wallet
from domain.wallets.wallet_challenge import WalletChallenge
from infrastructure.persistence.lookups import Lookup
from infrastructure.persistence.mapper import Mapper
from infrastructure.persistence.models.wallets import AddressListingRow, WalletChallengeRow, WalletRow
from infrastructure.persistence.repositories import wallet_figures
from infrastructure.persistence.repository import SqlRepository


class SqlWalletRepository(SqlRepository[Wallet], IWalletRepository):
    """Wallets, of which one in all organizations signs for an address of a chain."""

    mapper = Mapper(Wallet, WalletRow)
    lookup = Lookup("wallet_signer", "signing_name", WalletSignerTaken)

    async def get_by_address(self, chain_id: int, address: Address) -> Wallet | None:
        """Return the wallet with an address on a chain."""
        return await self.find_one(wallets_matching(chain_id=chain_id, address=address))

    async def figures(self, wallet_id: WalletId, period: Period) -> WalletFigures:
        """Add up over the index of the wallet's transactions."""
        return await wallet_figures.figures(self._session, wallet_id, period)


class SqlAddressListingRepository(SqlRepository[AddressListing], IAddressListingRepository):
    """Listed addresses."""

    mapper = Mapper(AddressListing, AddressListingRow)

    async def get_by_address(self, address: Address, *, lock: bool = False) -> AddressListing | None:
        """Return the listing of an address."""
        return await self.find_one(Equal("address", address), lock=lock)

    async def has_any(self, on: AddressList) -> bool:
        """Say whether anything is on a list."""
        return await self.exists(listings_matching(on=on))


class SqlWalletChallengeRepository(SqlRepository[WalletChallenge]):
    """Challenges."""

    mapper = Mapper(WalletChallenge, WalletChallengeRow)
