"""How the constraints of wallets, watches and listed addresses are broken, behind the back of the domain."""

from collections.abc import Awaitable, Callable

from domain.shared.errors import DuplicateError, StoaError, ValidationError
from domain.shared.evm_types import NOTHING, Address
from domain.shared.ids import AddressListingId, WalletId, WalletWatchId
from domain.wallets.address_listing import AddressList, AddressListing
from domain.wallets.errors import AddressListed, WalletAddressTaken
from domain.wallets.wallet import Wallet, WalletSigner, WalletType
from domain.wallets.wallet_watch import WalletWatch, WatchedAsset
from infrastructure.persistence.unit_of_work import SqlUnitOfWork
from tests.infrastructure.persistence.samples import Shop

type Break = Callable[[Shop, SqlUnitOfWork], Awaitable[None]]

ADDRESS = Address("0x52908400098527886e0f7030069857d2e4169ee7")


def a_wallet(shop: Shop) -> Wallet:
    """Make a wallet that nobody has stored yet; the address is always the same."""
    return Wallet.create(
        id=WalletId(shop.stack.ids.new()), organization_id=shop.actor.organization_id, chain_id=1, address=ADDRESS,
        now=shop.stack.clock.now(),
    )  # fmt: skip


def _a_wallet_with(**wrong: object) -> Break:
    async def break_it(shop: Shop, uow: SqlUnitOfWork) -> None:
        wallet = a_wallet(shop)
        for name, value in wrong.items():
            setattr(wallet, name, value)
        uow.wallets.add(wallet)

    return break_it


async def _the_same_address_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    await uow.wallets.add_many([a_wallet(shop) for _ in range(2)])


async def _blocked_and_allowed(shop: Shop, uow: SqlUnitOfWork) -> None:
    await uow.address_listings.add_many([
        AddressListing.create(
            id=AddressListingId(shop.stack.ids.new()), organization_id=shop.actor.organization_id, address=ADDRESS,
            on=on, now=shop.stack.clock.now(),
        )
        for on in AddressList
    ])  # fmt: skip


def _a_watch(shop: Shop, wallet: Wallet) -> WalletWatch:
    return WalletWatch.begin(
        id=WalletWatchId(shop.stack.ids.new()), organization_id=wallet.organization_id, wallet_id=wallet.id,
        now=shop.stack.clock.now(),
    )  # fmt: skip


async def _one_wallet_watched_twice(shop: Shop, uow: SqlUnitOfWork) -> None:
    wallet = a_wallet(shop)
    uow.wallets.add(wallet)
    await uow.wallet_watches.add_many([_a_watch(shop, wallet) for _ in range(2)])


async def _two_first_assets(shop: Shop, uow: SqlUnitOfWork) -> None:
    wallet = a_wallet(shop)
    uow.wallets.add(wallet)
    watch = _a_watch(shop, wallet)
    watch.assets = [
        WatchedAsset(id=shop.stack.ids.new(), number=1, token=None, since_block=0, opening=NOTHING) for _ in range(2)
    ]
    uow.wallet_watches.add(watch)


BROKEN_WALLETS: dict[str, tuple[Break, type[StoaError]]] = {
    "uq_wallets_address": (_the_same_address_twice, WalletAddressTaken),
    "uq_wallet_watches_organization_id_wallet_id": (_one_wallet_watched_twice, DuplicateError),
    "uq_watched_assets_organization_id_watch_id_number": (_two_first_assets, DuplicateError),
    "uq_address_listings_organization_id_address": (_blocked_and_allowed, AddressListed),
    "ck_wallets_key_kept": (_a_wallet_with(sealed_key="v1.sealed"), ValidationError),
    "ck_wallets_signer_has_key": (
        _a_wallet_with(signer=WalletSigner.REMOTE, type=WalletType.SMART_WALLET), ValidationError
    ),
}  # fmt: skip
"""Constraint to how it is broken, and the named error that this becomes."""
