"""The worker's two jobs for watched wallets: record what came in, and compare what is recorded with the chain.

No call of a chain happens inside a database transaction. Only blocks are read that are as deep as the chain's
``confirmations`` say, so that nothing that is recorded is ever undone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from application.kernel.actor import worker
from application.kernel.dispatcher import Call, IDispatch
from application.kernel.unit_of_work import IUnitOfWorkFactory
from application.wallets.arrivals import ArrivedTransfer, AssetBalance, OpenWatch, RecordArrivals, RecordBalances
from application.wallets.ports import IChain, IChains, Transfer
from application.wallets.watches import WATCH
from domain.shared.evm_types import NOTHING, Address, BaseUnits
from domain.shared.ids import OrganizationId, WalletId
from domain.wallets.errors import TransactionWouldRevert
from domain.wallets.wallet import Wallet
from domain.wallets.wallet_watch import Asset, WalletWatch

BLOCKS = 100
"""How many blocks one round reads at most: each of them is fetched from the chain."""


@dataclass(frozen=True, slots=True)
class _Watched:
    """A watched wallet as it was read, and its chain."""

    wallet: Wallet
    watch: WalletWatch
    chain: IChain


class Watching:
    """Reads chains for wallets that are watched."""

    def __init__(
        self, units: IUnitOfWorkFactory, dispatch: IDispatch, chains: IChains, *, drifted: Callable[[int], None]
    ) -> None:
        """Keep the ports; ``drifted`` counts drifts that are new."""
        self._units = units
        self._dispatch = dispatch
        self._chains = chains
        self._drifted = drifted

    async def look(self, organization_id: OrganizationId, wallet_id: WalletId) -> None:
        """Record what came in within the next blocks that nothing undoes any more.

        Raises:
            BlockchainError: the chain does not answer.
            ChainNotSupported: the chain is not configured.
        """
        watched = await self._read(organization_id, wallet_id)
        if watched is None:
            return
        wallet, watch, chain = watched.wallet, watched.watch, watched.chain
        final = max((await chain.head()).number - chain.confirmations + 1, 0)
        new = watch.unopened(wallet.tokens)
        if watch.read_to is None or new or set(watch.tokens) - set(wallet.tokens):
            block = final if watch.read_to is None else watch.read_to
            opened = OpenWatch(id=wallet.id, block=block, balances=await _balances(chain, wallet, new, block))
            await self._record("open_watch", opened, wallet)
            return
        last = max(min(final, watch.read_to + BLOCKS), watch.read_to)
        arrivals = await _arrivals(watched, watch.read_to + 1, last) if last > watch.read_to else []
        command = RecordArrivals(
            id=wallet.id, version=watch.version, after=watch.read_to, last=last, behind=last < final, arrivals=arrivals
        )
        await self._record("record_arrivals", command, wallet)

    async def compare(self, organization_id: OrganizationId, wallet_id: WalletId) -> None:
        """Compare what is recorded with what the chain says was there at the block up to which arrivals are recorded.

        Raises:
            BlockchainError: the chain does not answer, or does not know so old a balance any more.
            ChainNotSupported: the chain is not configured.
        """
        watched = await self._read(organization_id, wallet_id)
        if watched is None:
            return
        wallet, watch = watched.wallet, watched.watch
        block, assets = watch.read_to or 0, [asset.token for asset in watch.assets]
        balances = await _balances(watched.chain, wallet, assets, block) if assets else []
        command = RecordBalances(id=wallet.id, version=watch.version, block=block, balances=balances)
        self._drifted(cast("int", (await self._record("record_balances", command, wallet))["drifts"]))

    async def _read(self, organization_id: OrganizationId, wallet_id: WalletId) -> _Watched | None:
        """Return what is watched; None when it is not any more."""
        actor, name = worker(organization_id), str(wallet_id)
        async with self._units(actor, use_case=WATCH, request_id=name, read_only=True) as uow:
            wallet = await uow.wallets.get(wallet_id, with_deleted=True)
            watch = await uow.wallet_watches.of_wallet(wallet_id)
        if wallet.is_deleted or watch is None or not watch.active:
            return None
        return _Watched(wallet, watch, self._chains.of(wallet.chain_id))

    async def _record(self, step: str, command: object, wallet: Wallet) -> Mapping[str, object]:
        call = Call(actor=worker(wallet.organization_id), request_id=str(wallet.id))
        return cast("Mapping[str, object]", (await self._dispatch(f"wallets.{step}", command, call)).body)


async def _arrivals(watched: _Watched, first: int, last: int) -> list[ArrivedTransfer]:
    """Read what came in. What the wallet sends is recorded when it is sent, and nothing at all is no arrival."""
    wallet = watched.wallet
    moved = await watched.chain.transfers(wallet.address, watched.watch.tokens, first=first, last=last)
    came = [each for each in moved if each.recipient == wallet.address != each.sender and each.amount]
    return [_shown(each) for each in came]


def _shown(transfer: Transfer) -> ArrivedTransfer:
    return ArrivedTransfer(
        hash=transfer.hash, log_index=transfer.log_index, block_number=transfer.block.number,
        block_hash=transfer.block.hash, sender=transfer.sender, token=transfer.token, amount=transfer.amount,
    )  # fmt: skip


async def _balances(chain: IChain, wallet: Wallet, assets: Sequence[Asset], block: int) -> list[AssetBalance]:
    """Ask for each asset on its own: one that is no token must not keep the others from being read."""
    return [AssetBalance(token=each, amount=await _held(chain, wallet.address, each, block)) for each in assets]


async def _held(chain: IChain, address: Address, asset: Asset, block: int) -> BaseUnits:
    if asset is None:
        return (await chain.balances(address, block=block)).native
    try:
        return (await chain.balances(address, [asset], block)).tokens[0]
    except TransactionWouldRevert:
        # There is no token at that address, at least not yet.
        return NOTHING
