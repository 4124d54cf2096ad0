"""What the worker records of a watched wallet between two calls of the chain. Every step may be recorded twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from annotated_types import Interval, Len

from application.kernel.actor import Scope
from application.kernel.ports import IClock, IIds
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import use_case
from application.wallets.transaction_steps import INSIDE, Count
from application.wallets.watches import COMPARE, WATCH, WalletWatchView, watch_of
from domain.shared.evm_types import Address, BaseUnits, TransactionHash
from domain.shared.ids import WalletId, WalletTransactionId
from domain.wallets.transaction_sighting import Arrival
from domain.wallets.wallet import MOST_TOKENS, Wallet
from domain.wallets.wallet_transaction import WalletTransaction

AT_ONCE, NEXT_ROUND = timedelta(), timedelta(seconds=30)
_EXAMPLE_HASH = "0x4e3a3754410177e6937ef1f84bba68ea139e8d1a2258c5f85db9f1cd715a1bdd"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetBalance:
    """How much there is of a token, or of the coin."""

    token: Address | None
    amount: BaseUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWatch:
    """What a wallet had after a block that nothing undoes any more."""

    id: WalletId
    block: Count
    balances: list[AssetBalance]


@use_case(
    "wallets.open_watch", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, statements=9 + MOST_TOKENS,
    example={"block": 0, "balances": [{"token": None, "amount": "1000000000000000000"}]},
)  # fmt: skip
async def open_watch(cmd: OpenWatch, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> WalletWatchView:
    """Note the balances from which on a wallet's coin and tokens count; what counts already stays.

    Errors: `not_found`.
    """
    wallet = await uow.wallets.get(cmd.id)
    watch = await watch_of(wallet.id, uow, lock=True)
    balances = {each.token: each.amount for each in cmd.balances}
    new = [ids.new() for _ in watch.unopened(wallet.tokens)]
    watch.open(cmd.block, balances, wallet.tokens, ids=new, now=clock.now())
    if watch.active:
        await uow.jobs.schedule(WATCH, wallet.id)
    return WalletWatchView.of(watch)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedTransfer:
    """Coins or a token that came in; `log_index` is -1 for the chain's own coin."""

    hash: TransactionHash
    log_index: Annotated[int, Interval(ge=-1, le=2**31 - 1)]
    block_number: Count
    block_hash: Annotated[str, Len(66, 66)]
    sender: Address
    token: Address | None
    amount: BaseUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordArrivals:
    """What came in after block `after` and up to block `last`, by the watch as it was at `version`."""

    id: WalletId
    version: Count
    after: Count
    last: Count
    behind: bool
    arrivals: list[ArrivedTransfer]


@use_case(
    "wallets.record_arrivals", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, statements=11,
    example={
        "version": 2, "after": 0, "last": 2, "behind": False,
        "arrivals": [{
            "hash": _EXAMPLE_HASH, "log_index": -1, "block_number": 2, "block_hash": _EXAMPLE_HASH,
            "sender": "0x8617E340B3D01FA5F11F306F4090FD50E238070D", "token": None, "amount": "250000000000000000",
        }],
    },
)  # fmt: skip
async def record_arrivals(cmd: RecordArrivals, uow: IUnitOfWork, *, clock: IClock, ids: IIds) -> WalletWatchView:
    """Record what came into a wallet, once, and from which block the next round goes on.

    What was read of other blocks than the next ones, or of other tokens, is left to whoever reads them again.

    Errors: `not_found`.
    """
    wallet = await uow.wallets.get(cmd.id)
    watch = await watch_of(wallet.id, uow, lock=True)
    if not watch.active:
        return WalletWatchView.of(watch)
    if (watch.version, watch.read_to) == (cmd.version, cmd.after) and cmd.last > cmd.after:
        fresh = await _fresh(cmd, wallet, uow)
        await uow.wallet_transactions.add_many([_received(each, wallet, clock=clock, ids=ids) for each in fresh])
        await uow.wallet_watches.read_up_to(watch, cmd.last)
    await uow.jobs.schedule(WATCH, wallet.id, delay=AT_ONCE if cmd.behind else NEXT_ROUND)
    return WalletWatchView.of(watch)


async def _fresh(cmd: RecordArrivals, wallet: Wallet, uow: IUnitOfWork) -> Sequence[ArrivedTransfer]:
    """Return what is not recorded yet; a watch that begins anew may read a block for the second time."""
    if not cmd.arrivals:
        return []
    known = await uow.wallet_transactions.arrived(wallet.id, {each.hash for each in cmd.arrivals})
    return [each for each in cmd.arrivals if (each.hash, each.log_index) not in known]


def _received(each: ArrivedTransfer, wallet: Wallet, *, clock: IClock, ids: IIds) -> WalletTransaction:
    arrival = Arrival(
        hash=each.hash, log_index=each.log_index, block_number=each.block_number, block_hash=each.block_hash,
        sender=each.sender, token=each.token, amount=each.amount,
    )  # fmt: skip
    return WalletTransaction.received(
        arrival, id=WalletTransactionId(ids.new()), organization_id=wallet.organization_id, wallet_id=wallet.id,
        chain_id=wallet.chain_id, recipient=wallet.address, now=clock.now(),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBalances:
    """What the chain says a wallet had after a block up to which its arrivals are recorded."""

    id: WalletId
    version: Count
    block: Count
    balances: list[AssetBalance]


_NEXT_COMPARISON, NOT_AT_REST = timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedView:
    """Whether a wallet could be compared, and of how many assets the drift is another one than before."""

    compared: bool
    drifts: int


@use_case(
    "wallets.record_balances", scope=Scope.PLATFORM_OPERATE, internal=INSIDE, statements=14 + MOST_TOKENS,
    example={"version": 2, "block": 0, "balances": [{"token": None, "amount": "1000000000000000001"}]},
)  # fmt: skip
async def record_balances(cmd: RecordBalances, uow: IUnitOfWork, *, clock: IClock) -> ComparedView:
    """Compare what is recorded of a wallet with what the chain says it had, and report the drifts that are new.

    It waits while something is under way that may have left already.

    Errors: `not_found`.
    """
    wallet = await uow.wallets.get(cmd.id, lock=True)
    watch = await watch_of(wallet.id, uow, lock=True)
    stale = watch.read_to is None or watch.version != cmd.version
    if stale or await uow.wallet_transactions.is_under_way(wallet.id):
        await uow.jobs.schedule(COMPARE, wallet.id, delay=NOT_AT_REST)
        return ComparedView(compared=False, drifts=0)
    recorded = await uow.wallet_watches.recorded(watch, cmd.block)
    found = {each.token: each.amount for each in cmd.balances}
    drifts = watch.compare(cmd.block, found, recorded, clock.now())
    for asset in drifts:
        wallet.note_drift(asset, clock.now())
    await uow.wallet_watches.checked_at(watch, cmd.block)
    await uow.jobs.schedule(COMPARE, wallet.id, delay=_NEXT_COMPARISON)
    return ComparedView(compared=True, drifts=len(drifts))
