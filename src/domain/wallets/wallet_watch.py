"""Watching a wallet: what comes in is recorded, from a block on, and compared with what the chain says is there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from attrs import define, evolve, field, frozen

from domain.shared.entity import Entity
from domain.shared.events import DomainEvent
from domain.shared.evm_types import Address, BaseUnits
from domain.shared.ids import OrganizationId, WalletId, WalletWatchId

type Asset = Address | None
"""A token by its contract, or the chain's own coin."""


@frozen(kw_only=True)
class WalletWatchCreatedEvent(DomainEvent):
    """What comes into a wallet is recorded from now on."""

    verb: ClassVar[str] = "created"
    wallet_id: WalletId


@frozen(kw_only=True)
class WalletWatchResumedEvent(DomainEvent):
    """The wallet is watched again; what came in meanwhile is not recorded."""

    verb: ClassVar[str] = "resumed"
    wallet_id: WalletId


@frozen(kw_only=True)
class WalletWatchStoppedEvent(DomainEvent):
    """What comes into the wallet is not recorded any more."""

    verb: ClassVar[str] = "stopped"
    wallet_id: WalletId


@frozen(kw_only=True)
class WalletWatchOpenedEvent(DomainEvent):
    """The balances after ``block`` are known, from which everything that is recorded counts."""

    verb: ClassVar[str] = "opened"
    wallet_id: WalletId
    block: int


@frozen(kw_only=True)
class WalletWatchComparedEvent(DomainEvent):
    """What is recorded was compared with the chain, and differs by another amount than before."""

    verb: ClassVar[str] = "compared"
    wallet_id: WalletId
    block: int


@frozen(kw_only=True)
class WatchedAsset:
    """The coin or a token, from the block on after which its balance was read.

    ``drift`` is by how much more the chain has than what is recorded comes to; a sum may be below zero, so it is text,
    as is ``expected``. These, ``found`` and ``drift_block`` are of the comparison at which the drift became what it is.
    """

    id: UUID
    number: int
    token: Address | None
    since_block: int
    opening: BaseUnits
    drift: str = "0"
    expected: str | None = None
    found: BaseUnits | None = None
    drift_block: int | None = None

    def compared(self, recorded: int, found: BaseUnits, block: int) -> Self:
        """Return the asset as a comparison leaves it: itself, unless the drift is another one than before."""
        expected = self.opening + recorded
        drift = str(found - expected)
        if drift == self.drift:
            return self
        return evolve(self, drift=drift, expected=str(expected), found=found, drift_block=block)


@define(kw_only=True, eq=False)
class WalletWatch(Entity):
    """How far a wallet's chain was read. Only blocks count that nothing undoes any more.

    Attributes:
        read_to: the last block whose arrivals are recorded; None until the chain was asked for the first time. It moves
            on beside the aggregate, for nobody has to hear of a block in which nothing came in.
        checked_block: at which block recorded sums were compared with the chain the last time; it moves on likewise.
    """

    kind: ClassVar[str] = "wallet_watch"

    id: WalletWatchId
    wallet_id: WalletId
    active: bool = True
    read_to: int | None = None
    checked_block: int | None = None
    assets: list[WatchedAsset] = field(factory=list)

    @classmethod
    def begin(cls, *, id: WalletWatchId, organization_id: OrganizationId, wallet_id: WalletId, now: datetime) -> Self:
        """Begin to watch a wallet."""
        watch = cls(id=id, organization_id=organization_id, created_at=now, updated_at=now, wallet_id=wallet_id)
        watch.record(WalletWatchCreatedEvent(wallet_id=wallet_id), now)
        return watch

    def resume(self, now: datetime) -> None:
        """Watch again, from whatever block is the last one then; doing it twice changes nothing."""
        if not self.active:
            self.active, self.read_to, self.checked_block, self.assets = True, None, None, []
            self.record(WalletWatchResumedEvent(wallet_id=self.wallet_id), now)

    def stop(self, now: datetime) -> None:
        """Watch no longer; doing it twice changes nothing."""
        if self.active:
            self.active = False
            self.record(WalletWatchStoppedEvent(wallet_id=self.wallet_id), now)

    @property
    def tokens(self) -> list[Address]:
        """Return the tokens that are watched."""
        return [asset.token for asset in self.assets if asset.token is not None]

    def unopened(self, tokens: Sequence[str]) -> list[Asset]:
        """Return what has no opening balance yet: the coin, and which of the wallet's tokens."""
        watched = {asset.token for asset in self.assets}
        return [asset for asset in (None, *map(Address, tokens)) if asset not in watched]

    def open(
        self, block: int, balances: Mapping[Asset, BaseUnits], tokens: Sequence[str], *, ids: Sequence[UUID],
        now: datetime,
    ) -> None:  # fmt: skip
        """Count what is new from a block on, and forget tokens that the wallet does not have any more.

        What was read at another block than the one up to which arrivals are recorded is of no use.
        """
        if not self.active or self.read_to not in (None, block):
            return
        kept = [asset for asset in self.assets if asset.token is None or asset.token in tokens]
        number = max((asset.number for asset in self.assets), default=0)
        fresh = [
            WatchedAsset(id=id, number=number + n, token=asset, since_block=block, opening=balances[asset])
            for n, (id, asset) in enumerate(zip(ids, self.unopened(tokens), strict=False), start=1)
            if asset in balances
        ]
        if self.read_to is None or fresh or len(kept) < len(self.assets):
            self.read_to, self.assets = block, [*kept, *fresh]
            self.record(WalletWatchOpenedEvent(wallet_id=self.wallet_id, block=block), now)

    def compare(
        self, block: int, found: Mapping[Asset, BaseUnits], recorded: Mapping[Asset, int], now: datetime
    ) -> list[WatchedAsset]:
        """Compare what is recorded up to a block with what the chain says was there; return whose drift is new."""
        before = {asset.id: asset for asset in self.assets}
        self.assets = [
            asset.compared(recorded.get(asset.token, 0), found[asset.token], block) if asset.token in found else asset
            for asset in self.assets
        ]
        changed = [asset for asset in self.assets if asset is not before[asset.id]]
        if changed:
            self.checked_block = block
            self.record(WalletWatchComparedEvent(wallet_id=self.wallet_id, block=block), now)
        return changed
