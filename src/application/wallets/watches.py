"""Watching a wallet: its arrivals are recorded by a worker, block after block."""

from dataclasses import dataclass
from datetime import datetime

from application.kernel.actor import Scope
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.kernel.view import View
from domain.shared.errors import EntityNotFoundError
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.ids import WalletId, WalletWatchId
from domain.wallets.wallet import Wallet
from domain.wallets.wallet_watch import WalletWatch, WatchedAsset

WATCH, COMPARE = "wallets.watch", "wallets.compare"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedAssetView(View[WatchedAsset]):
    """A token, or the chain's own coin (`token` is null), which had `opening` after `since_block`.

    `drift` is by how much more the chain has than `opening` and everything recorded come to; `expected`, `found` and
    `drift_block` are of the comparison at which it became what it is, and null as long as there was never any.
    """

    token: Address | None
    since_block: int
    opening: BaseUnits
    drift: str
    expected: str | None
    found: BaseUnits | None
    drift_block: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletWatchView(View[WalletWatch]):
    """How far a wallet's arrivals are recorded, and whether what is recorded is what the chain has.

    `read_to` is the last block that was read, null until a worker began; `checked_block` the one at which balances were
    compared the last time. `assets` have their drifts.
    """

    id: WalletWatchId
    version: int
    wallet_id: WalletId
    active: bool
    read_to: int | None
    checked_block: int | None
    assets: list[WatchedAssetView]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchWallet:
    """Which wallet."""

    id: WalletId


@use_case("wallets.watch", scope=Scope.WALLETS_WRITE, example={}, statements=8)
async def watch_wallet(cmd: WatchWallet, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> WalletWatchView:
    """Record what comes into a wallet, coins and its tokens, from the chain's last final block on.

    Doing it twice changes nothing. After `wallets.unwatch` it begins anew, and what came in meanwhile is left out.

    Errors: `not_found`.
    """
    wallet = await uow.wallets.get(cmd.id, lock=True)
    watch = await uow.wallet_watches.of_wallet(wallet.id, lock=True)
    if watch is None:
        watch = _begun(wallet, ids, clock)
        uow.wallet_watches.add(watch)
    watch.resume(clock.now())
    for job in (WATCH, COMPARE):
        await uow.jobs.schedule(job, wallet.id)
    return WalletWatchView.of(watch)


def _begun(wallet: Wallet, ids: IIds, clock: IClock) -> WalletWatch:
    return WalletWatch.begin(
        id=WalletWatchId(ids.new()), organization_id=wallet.organization_id, wallet_id=wallet.id, now=clock.now()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwatchWallet:
    """Which wallet."""

    id: WalletId


@use_case("wallets.unwatch", scope=Scope.WALLETS_WRITE, example={}, statements=8)
async def unwatch_wallet(cmd: UnwatchWallet, uow: IUnitOfWork, *, clock: IClock) -> WalletWatchView:
    """Record no longer what comes into a wallet. What is recorded stays.

    Errors: `not_found`, also when the wallet was never watched.
    """
    wallet = await uow.wallets.get(cmd.id)
    watch = await watch_of(wallet.id, uow, lock=True)
    watch.stop(clock.now())
    for job in (WATCH, COMPARE):
        await uow.jobs.finish(job, watch.wallet_id)
    return WalletWatchView.of(watch)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetWalletWatch:
    """Of which wallet."""

    id: WalletId


@use_case("wallets.get_watch", scope=Scope.WALLETS_READ, example={}, read_only=True, statements=3)
async def get_wallet_watch(cmd: GetWalletWatch, uow: IUnitOfWork) -> WalletWatchView:
    """Return how far a wallet's arrivals are recorded, and by how much what is recorded differs from the chain.

    Errors: `not_found`, also when the wallet was never watched.
    """
    wallet = await uow.wallets.get(cmd.id)
    return WalletWatchView.of(await watch_of(wallet.id, uow))


async def watch_of(wallet_id: WalletId, uow: IUnitOfWork, *, lock: bool = False) -> WalletWatch:
    """Return a wallet's watch.

    Raises:
        EntityNotFoundError: there never was any.
    """
    watch = await uow.wallet_watches.of_wallet(wallet_id, lock=lock)
    if watch is None:
        raise EntityNotFoundError
    return watch
